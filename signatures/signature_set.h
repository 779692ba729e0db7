// SignatureSet: everything that is malicious, compiled once, never changed.
//
// Thread-safe after construction: immutable, shared by all scanners through
// shared_ptr<const SignatureSet>. Owns the Hyperscan database.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "signatures/anchored_literals.h"

struct hs_database;  // Hyperscan's, opaque; named by two .cc files only.

namespace gatehouse {

inline constexpr uint64_t kAnyOffset = ~uint64_t{0};
inline constexpr uint64_t kAnySize = ~uint64_t{0};

// One byte alone would match nearly every file.
inline constexpr size_t kLiteralBytesMin = 2;
// Hyperscan takes 16,000 characters of pattern text, and a byte needs four.
inline constexpr size_t kLiteralBytesMax = 4000;
// Leaves room to add a literal's length without overflow.
inline constexpr uint64_t kOffsetMax = uint64_t{1} << 62;

// A literal byte string, anywhere in the file or at one absolute offset.
struct BodySignature {
  std::string name;
  std::vector<uint8_t> literal;  // kLiteralBytesMin .. kLiteralBytesMax.
  uint64_t offset = kAnyOffset;  // Of the first byte, from the file's start.
};

enum class DigestAlgorithm : uint8_t { kMd5, kSha1, kSha256 };
inline constexpr size_t kDigestAlgorithmCount = 3;
inline constexpr size_t kDigestBytesMax = 32;
[[nodiscard]] size_t DigestBytes(DigestAlgorithm algorithm);

// The digest of a whole file of one size (or of any size: kAnySize).
struct HashSignature {
  std::string name;
  DigestAlgorithm algorithm = DigestAlgorithm::kMd5;
  std::array<uint8_t, kDigestBytesMax> digest = {};
  uint64_t size = kAnySize;  // Bytes.
};

// Which digests of a file could match anything at all, by algorithm.
using DigestNeeds = std::array<bool, kDigestAlgorithmCount>;

class SignatureSet {
 public:
  // Compiles the signatures; the built-in EICAR rule needs none and is always
  // there. CPU-bound: milliseconds to seconds. Errors: kInvalidInput with
  // Hyperscan's message and the name of the signature it is about.
  static Result<std::shared_ptr<const SignatureSet>> Compile(
      std::vector<BodySignature> bodies, std::vector<HashSignature> hashes);
  ~SignatureSet();
  SignatureSet(const SignatureSet&) = delete;
  SignatureSet& operator=(const SignatureSet&) = delete;

  // Body signatures are numbered in order of name, so the smallest id has the
  // smallest name. Those that may be anywhere are in the database (null when
  // there is none; streaming mode; each id is reported once per stream), those
  // with an offset of their own are in anchored_bodies().
  const hs_database* body_database() const;
  const AnchoredLiterals& anchored_bodies() const;
  std::string_view body_name(uint32_t id) const;

  // The algorithms that occur at all.
  DigestNeeds digest_algorithms() const;
  // Digests worth computing for a file of `size` bytes.
  DigestNeeds DigestsFor(uint64_t size) const;
  // The names of the signatures of that digest and size. Allocates only when
  // there are some.
  std::vector<std::string_view> FindHashes(DigestAlgorithm algorithm,
                                           ByteView digest,
                                           uint64_t size) const;

  size_t body_count() const;
  size_t hash_count() const;
  // Grows with every set compiled by this process, from 1: verdicts of
  // different sets can be told apart.
  uint64_t generation() const;

 private:
  struct State;
  explicit SignatureSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse
