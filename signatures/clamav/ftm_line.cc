#include "signatures/clamav/ftm_line.h"

#include <string>
#include <utility>

#include "signatures/byte_pattern.h"
#include "signatures/clamav/hex_pattern.h"
#include "signatures/clamav/offset_field.h"

namespace gatehouse {
namespace {

constexpr size_t kKind = 0;
constexpr size_t kOffset = 1;
constexpr size_t kHex = 2;
constexpr size_t kName = 3;
constexpr size_t kRequiredType = 4;
constexpr size_t kType = 5;
constexpr size_t kLevels = 6;
constexpr size_t kFieldsMax = 8;

constexpr uint64_t kFixedKind = 0;
constexpr uint64_t kPatternKind = 1;
constexpr uint64_t kPartitionKind = 4;

using Fields = std::vector<std::string_view>;

ParsedLine<TypeMagic> ParseFixed(const Fields& fields, TypeMagic magic) {
  const std::optional<uint64_t> offset = ParseDecimal(fields[kOffset]);
  if (!offset) return MalformedLine{"offset is not a number"};
  const auto bytes = ParseHex(fields[kHex]);
  if (!bytes) return MalformedLine{"magic is not hexadecimal"};
  if (bytes->empty()) return MalformedLine{"no magic"};
  if (*offset >= kTypeHeadBytes || bytes->size() > kTypeHeadBytes - *offset) {
    return SkippedLine{"not supported: a magic beyond the first " +
                       std::to_string(kTypeHeadBytes) + " bytes"};
  }
  PatternWriter writer;
  for (const uint8_t byte : *bytes) writer.Literal(byte);
  magic.program = writer.Take();
  magic.offset = {OffsetBase::kStart, 0, static_cast<int64_t>(*offset), 0};
  return magic;
}

ParsedLine<TypeMagic> ParsePattern(const Fields& fields, TypeMagic magic) {
  const ParsedLine<PatternOffset> offset =
      ParseOffsetField(fields[kOffset], Target::kAny);
  if (const auto* wrong = std::get_if<MalformedLine>(&offset)) return *wrong;
  auto pattern = ParseHexPattern(fields[kHex], {});
  if (auto* reason = std::get_if<std::string>(&pattern)) {
    return MalformedLine{std::move(*reason)};
  }
  magic.program = std::get<std::vector<uint8_t>>(std::move(pattern));
  magic.offset = std::get<PatternOffset>(offset);
  magic.is_searched = true;
  const OffsetBase base = magic.offset.base;
  if (base != OffsetBase::kAnywhere && base != OffsetBase::kStart) {
    return SkippedLine{"not supported: a magic that is not at the start"};
  }
  const auto parts = PartsOf(magic.program);
  uint64_t bytes = static_cast<uint64_t>(magic.offset.delta);
  if (!parts) return MalformedLine{"pattern with too many parts"};
  for (const PatternPart& part : *parts) {
    bytes += uint64_t{part.gap_min} + part.length_min;
  }
  if (bytes > kTypeHeadBytes) {
    return SkippedLine{"not supported: a magic beyond the first " +
                       std::to_string(kTypeHeadBytes) + " bytes"};
  }
  return magic;
}

// A correct magic may be of a type that nothing asks for.
ParsedLine<TypeMagic> WithTarget(ParsedLine<TypeMagic> parsed) {
  const auto* magic = std::get_if<TypeMagic>(&parsed);
  if (magic == nullptr || TargetOf(magic->type) != 0) return parsed;
  return SkippedLine{"not supported: file type " +
                     std::string(TypeName(magic->type)) + " (.ftm)"};
}

}  // namespace

ParsedLine<TypeMagic> ParseFtmLine(std::string_view line) {
  const Fields fields = SplitFields(line);
  if (fields.size() <= kType || fields.size() > kFieldsMax) {
    return MalformedLine{"expected 6 to 8 fields, found " +
                         std::to_string(fields.size())};
  }
  const std::optional<LevelRange> levels = ParseLevelRange(fields, kLevels);
  if (!levels) return MalformedLine{"functionality level is not a number"};
  if (!levels->includes(kFunctionalityLevel)) return OutsideLevelRange();
  if (fields[kName].empty()) return MalformedLine{"no name"};
  const std::optional<FileType> required = TypeNamed(fields[kRequiredType]);
  const std::optional<FileType> type = TypeNamed(fields[kType]);
  if (!required || !type) return MalformedLine{"unknown file type"};
  const std::optional<uint64_t> kind = ParseDecimal(fields[kKind]);
  if (!kind) return MalformedLine{"kind of magic is not a number"};
  TypeMagic magic;
  magic.name = fields[kName];
  magic.type = *type;
  magic.required = *required;
  if (*kind == kPatternKind) return WithTarget(ParsePattern(fields, magic));
  if (*kind == kFixedKind) return WithTarget(ParseFixed(fields, magic));
  if (*kind != kPartitionKind) return MalformedLine{"unknown kind of magic"};
  ParsedLine<TypeMagic> parsed = ParseFixed(fields, magic);
  if (std::holds_alternative<MalformedLine>(parsed)) return parsed;
  return SkippedLine{"not supported: partitions (.ftm)"};
}

}  // namespace gatehouse
