#include "signatures/ndb_line.h"

#include <algorithm>

namespace gatehouse {
namespace {

constexpr size_t kOffsetCharactersMax = 64;
// Executables, the targets that know an entry point and sections.
constexpr uint64_t kTargetPe = 1;
constexpr uint64_t kTargetElf = 6;
constexpr uint64_t kTargetMachO = 9;
constexpr uint64_t kTargetMax = 14;

SkippedLine NotYet(std::string_view what) {
  std::string reason = "not supported yet: ";
  reason += what;
  return {std::move(reason)};
}

bool IsExecutableTarget(uint64_t target) {
  return target == kTargetPe || target == kTargetElf || target == kTargetMachO;
}

// Removes `prefix` from the front of `text` if it is there.
bool Consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// A place in the file that depends on its structure: EP+n, EP-n, Sx+n, SL+n,
// SEx, VI.
bool IsStructuralOffset(std::string_view text) {
  if (text == "VI") return true;
  if (Consume(text, "EP")) {
    return (Consume(text, "+") || Consume(text, "-")) &&
           ParseDecimal(text).has_value();
  }
  if (Consume(text, "SE")) return ParseDecimal(text).has_value();
  if (Consume(text, "SL+")) return ParseDecimal(text).has_value();
  if (!Consume(text, "S")) return false;
  const size_t plus = text.find('+');
  return plus != std::string_view::npos &&
         ParseDecimal(text.substr(0, plus)).has_value() &&
         ParseDecimal(text.substr(plus + 1)).has_value();
}

// Sets `offset`, or tells why the line cannot be loaded.
std::variant<uint64_t, SkippedLine, MalformedLine> ParseOffset(
    std::string_view text, uint64_t target) {
  if (text.size() > kOffsetCharactersMax) {
    return MalformedLine{"offset longer than 64 characters"};
  }
  if (text == "*") return kAnyOffset;
  const size_t comma = text.find(',');
  std::string_view place = text.substr(0, comma);
  const bool has_shift = comma != std::string_view::npos;
  if (has_shift && !ParseDecimal(text.substr(comma + 1))) {
    return MalformedLine{"shift is not a number"};
  }
  if (const std::optional<uint64_t> offset = ParseDecimal(place)) {
    if (*offset > kOffsetMax) return MalformedLine{"offset too large"};
    if (has_shift) return NotYet("offset with a shift");
    return *offset;
  }
  if (IsStructuralOffset(place)) {
    if (!IsExecutableTarget(target)) {
      return MalformedLine{"offset needs an executable target (1, 6 or 9)"};
    }
    return NotYet("offset relative to an executable's structure");
  }
  if (Consume(place, "EOF-") && ParseDecimal(place)) {
    return NotYet("offset relative to the end");
  }
  return MalformedLine{"offset is not understood"};
}

bool IsHexDigit(char c) { return ParseHexDigit(c).has_value(); }

// The alphabet of the hexadecimal language beyond digits. That a text keeps
// to it does not prove that it is well-formed; that check comes with support.
bool MayBeWildcardHex(std::string_view text) {
  static constexpr std::string_view kOperators = "?*{}()|![]-BLW";
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsHexDigit(c) || kOperators.find(c) != std::string_view::npos;
  });
}

std::variant<std::vector<uint8_t>, SkippedLine, MalformedLine> ParseLiteral(
    std::string_view text) {
  if (text.empty()) return MalformedLine{"no hexadecimal bytes"};
  if (!std::all_of(text.begin(), text.end(), IsHexDigit)) {
    if (MayBeWildcardHex(text)) return NotYet("wildcards");
    return MalformedLine{"not a hexadecimal digit or operator"};
  }
  std::optional<std::vector<uint8_t>> bytes = ParseHex(text);
  if (!bytes) return MalformedLine{"odd number of hexadecimal digits"};
  if (bytes->size() < kLiteralBytesMin) {
    return MalformedLine{"literal shorter than two bytes"};
  }
  if (bytes->size() > kLiteralBytesMax) {
    return NotYet("literal longer than " + std::to_string(kLiteralBytesMax) +
                  " bytes");
  }
  return *std::move(bytes);
}

}  // namespace

ParsedLine<BodySignature> ParseNdbLine(std::string_view line) {
  const std::vector<std::string_view> fields = SplitFields(line);
  if (fields.size() < 4 || fields.size() > 6) {
    return MalformedLine{"expected 4 to 6 fields, found " +
                         std::to_string(fields.size())};
  }
  if (fields[0].empty()) return MalformedLine{"no name"};
  const std::optional<uint64_t> target =
      fields[1] == "*" ? uint64_t{0} : ParseDecimal(fields[1]);
  if (!target) return MalformedLine{"target is not a number"};
  auto offset = ParseOffset(fields[2], *target);
  if (auto* wrong = std::get_if<MalformedLine>(&offset)) return *wrong;
  auto literal = ParseLiteral(fields[3]);
  if (auto* wrong = std::get_if<MalformedLine>(&literal)) return *wrong;
  const std::optional<LevelRange> levels = ParseLevelRange(fields, 4);
  if (!levels) return MalformedLine{"functionality level is not a number"};

  if (!levels->includes(kFunctionalityLevel)) return OutsideLevelRange();
  if (*target > kTargetMax) {
    return SkippedLine{"unknown target " + std::to_string(*target)};
  }
  if (*target != 0) return NotYet("target " + std::to_string(*target));
  if (auto* skipped = std::get_if<SkippedLine>(&offset)) return *skipped;
  if (auto* skipped = std::get_if<SkippedLine>(&literal)) return *skipped;
  BodySignature signature;
  signature.name = fields[0];
  signature.literal = std::get<std::vector<uint8_t>>(std::move(literal));
  signature.offset = std::get<uint64_t>(offset);
  return signature;
}

}  // namespace gatehouse
