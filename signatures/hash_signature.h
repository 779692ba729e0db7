// HashSignature: a digest of something that is malicious, or that is not.
//
// Thread-compatible plain value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace gatehouse {

inline constexpr uint64_t kAnySize = ~uint64_t{0};

enum class DigestAlgorithm : uint8_t { kMd5, kSha1, kSha256 };
inline constexpr size_t kDigestAlgorithmCount = 3;
inline constexpr size_t kDigestBytesMax = 32;
[[nodiscard]] constexpr size_t DigestBytes(DigestAlgorithm algorithm) {
  constexpr std::array<size_t, kDigestAlgorithmCount> kBytes = {16, 20, 32};
  return kBytes.at(static_cast<size_t>(algorithm));
}

// The digest of something of one size (or of any size: kAnySize): of a whole
// file, of a section of an executable, or of the text of its imports.
struct HashSignature {
  std::string name;
  DigestAlgorithm algorithm = DigestAlgorithm::kMd5;
  std::array<uint8_t, kDigestBytesMax> digest = {};
  uint64_t size = kAnySize;  // Bytes.
};

// Which digests could match anything at all, by algorithm.
using DigestNeeds = std::array<bool, kDigestAlgorithmCount>;

}  // namespace gatehouse
