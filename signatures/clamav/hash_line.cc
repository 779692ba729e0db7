#include "signatures/clamav/hash_line.h"

#include <algorithm>
#include <utility>

namespace gatehouse {
namespace {

constexpr uint64_t kSizeMax = 0xfffffffe;
// Engines below this level do not know a size of `*`.
constexpr uint64_t kAnySizeLevelMin = 73;

std::optional<DigestAlgorithm> AlgorithmOf(size_t hex_digits) {
  for (const DigestAlgorithm algorithm :
       {DigestAlgorithm::kMd5, DigestAlgorithm::kSha1,
        DigestAlgorithm::kSha256}) {
    if (hex_digits == 2 * DigestBytes(algorithm)) return algorithm;
  }
  return std::nullopt;
}

}  // namespace

ParsedLine<HashSignature> ParseHashLine(std::string_view line,
                                        HashLineKind kind) {
  std::vector<std::string_view> fields = SplitFields(line);
  if (fields.size() < 3 || fields.size() > 5) {
    return MalformedLine{"expected 3 to 5 fields, found " +
                         std::to_string(fields.size())};
  }
  if (kind == HashLineKind::kSection) std::swap(fields[0], fields[1]);
  const std::optional<DigestAlgorithm> algorithm =
      AlgorithmOf(fields[0].size());
  if (!algorithm) return MalformedLine{"hash has no known length"};
  const std::optional<std::vector<uint8_t>> digest = ParseHex(fields[0]);
  if (!digest) return MalformedLine{"hash is not hexadecimal"};
  const std::optional<LevelRange> levels = ParseLevelRange(fields, 3);
  if (!levels) return MalformedLine{"functionality level is not a number"};
  const bool any_size = fields[1] == "*";
  const std::optional<uint64_t> size =
      any_size ? kAnySize : ParseDecimal(fields[1]);
  if (!size) return MalformedLine{"size is not a number"};
  if (!any_size && (*size == 0 || *size > kSizeMax)) {
    return MalformedLine{"size outside of 1 to 4294967294"};
  }
  if (any_size && kind != HashLineKind::kImports &&
      levels->min < kAnySizeLevelMin) {
    return MalformedLine{"size * without a minimum level of 73"};
  }
  if (fields[2].empty()) return MalformedLine{"no name"};

  if (!levels->includes(kFunctionalityLevel)) return OutsideLevelRange();
  HashSignature signature;
  signature.name = fields[2];
  signature.algorithm = *algorithm;
  signature.size = *size;
  std::copy(digest->begin(), digest->end(), signature.digest.begin());
  return signature;
}

}  // namespace gatehouse
