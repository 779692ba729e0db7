#include "signatures/clamav/cdb_line.h"

#include <utility>

#include "signatures/regex_check.h"

namespace gatehouse {
namespace {

constexpr size_t kName = 0;
constexpr size_t kContainer = 1;
constexpr size_t kContainerSize = 2;
constexpr size_t kFileName = 3;
constexpr size_t kPackedSize = 4;
constexpr size_t kRealSize = 5;
constexpr size_t kEncrypted = 6;
constexpr size_t kPosition = 7;
constexpr size_t kChecksum = 8;
constexpr size_t kLevels = 10;
constexpr size_t kFieldsMax = 12;
constexpr std::string_view kAnything = "*";

// `*`, `n` or `a-b`.
std::optional<NumberRange> ParseSizes(std::string_view text) {
  if (text == kAnything) return NumberRange{};
  const size_t dash = text.find('-');
  const std::optional<uint64_t> min = ParseDecimal(text.substr(0, dash));
  if (!min) return std::nullopt;
  if (dash == std::string_view::npos) return NumberRange{*min, *min};
  const std::optional<uint64_t> max = ParseDecimal(text.substr(dash + 1));
  if (!max || *max < *min) return std::nullopt;
  return NumberRange{*min, *max};
}

using Fields = std::vector<std::string_view>;

// What is wrong with the sizes, or nothing.
std::optional<std::string> TakeSizes(const Fields& fields,
                                     ArchiveEntry& entry) {
  struct Size {
    size_t field = 0;
    NumberRange& range;
    const char* what = "";
  };
  for (const Size& size :
       {Size{kContainerSize, entry.container_size, "size of the container"},
        Size{kPackedSize, entry.packed_size, "size in the container"},
        Size{kRealSize, entry.real_size, "real size"},
        Size{kPosition, entry.position, "position"}}) {
    const std::optional<NumberRange> range = ParseSizes(fields[size.field]);
    if (!range) return std::string(size.what) + " is not understood";
    size.range = *range;
  }
  return std::nullopt;
}

std::optional<std::string> TakeFileName(std::string_view text,
                                        ArchiveEntry& entry) {
  if (text == kAnything) return std::nullopt;
  if (text.empty()) return "no file name";
  RegexAtom atom;
  atom.expression = text;
  const std::optional<std::string> objection = RegexObjection(atom);
  if (objection) return "file name: " + *objection;
  entry.file_name = text;
  return std::nullopt;
}

}  // namespace

ParsedLine<ArchiveEntry> ParseCdbLine(std::string_view line) {
  const Fields fields = SplitFields(line);
  if (fields.size() < kLevels || fields.size() > kFieldsMax) {
    return MalformedLine{"expected 10 to 12 fields, found " +
                         std::to_string(fields.size())};
  }
  const std::optional<LevelRange> levels = ParseLevelRange(fields, kLevels);
  if (!levels) return MalformedLine{"functionality level is not a number"};
  if (!levels->includes(kFunctionalityLevel)) return OutsideLevelRange();
  if (fields[kName].empty()) return MalformedLine{"no name"};
  ArchiveEntry entry;
  entry.name = fields[kName];
  if (fields[kContainer] != kAnything) {
    const std::optional<FileType> type = TypeNamed(fields[kContainer]);
    if (!type) return MalformedLine{"unknown type of container"};
    entry.container = *type;
  }
  if (auto reason = TakeSizes(fields, entry)) {
    return MalformedLine{std::move(*reason)};
  }
  if (auto reason = TakeFileName(fields[kFileName], entry)) {
    return MalformedLine{std::move(*reason)};
  }
  const std::string_view encrypted = fields[kEncrypted];
  if (encrypted != kAnything) {
    if (encrypted != "0" && encrypted != "1") {
      return MalformedLine{"IsEncrypted is not 0, 1 or *"};
    }
    entry.is_encrypted = encrypted == "1";
  }
  if (fields[kChecksum] != kAnything) entry.checksum = fields[kChecksum];
  return entry;
}

}  // namespace gatehouse
