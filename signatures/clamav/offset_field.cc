#include "signatures/clamav/offset_field.h"

namespace gatehouse {
namespace {

constexpr size_t kOffsetCharactersMax = 64;
constexpr uint64_t kSectionMax = 65535;

// Removes `prefix` from the front of `text` if it is there.
bool Consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<int64_t> ParseDistance(std::string_view text) {
  const std::optional<uint64_t> distance = ParseDecimal(text);
  if (!distance || *distance > kOffsetMax) return std::nullopt;
  return static_cast<int64_t>(*distance);
}

std::optional<uint32_t> ParseSection(std::string_view text) {
  const std::optional<uint64_t> section = ParseDecimal(text);
  if (!section || *section > kSectionMax) return std::nullopt;
  return static_cast<uint32_t>(*section);
}

std::optional<PatternOffset> ParseEntryPoint(std::string_view text) {
  const bool is_before = text.starts_with('-');
  if (!Consume(text, "+") && !Consume(text, "-")) return std::nullopt;
  const std::optional<int64_t> distance = ParseDistance(text);
  if (!distance) return std::nullopt;
  return PatternOffset{OffsetBase::kEntryPoint, 0,
                       is_before ? -*distance : *distance, 0};
}

// A place that depends on the structure of an executable.
std::optional<PatternOffset> ParseStructural(std::string_view text) {
  if (text == "VI") return PatternOffset{OffsetBase::kVersionStrings, 0, 0, 0};
  if (Consume(text, "EP")) return ParseEntryPoint(text);
  if (Consume(text, "SE")) {
    const std::optional<uint32_t> section = ParseSection(text);
    if (!section) return std::nullopt;
    return PatternOffset{OffsetBase::kInSection, *section, 0, 0};
  }
  if (Consume(text, "SL+")) {
    const std::optional<int64_t> distance = ParseDistance(text);
    if (!distance) return std::nullopt;
    return PatternOffset{OffsetBase::kLastSection, 0, *distance, 0};
  }
  if (!Consume(text, "S")) return std::nullopt;
  const size_t plus = text.find('+');
  if (plus == std::string_view::npos) return std::nullopt;
  const std::optional<uint32_t> section = ParseSection(text.substr(0, plus));
  const std::optional<int64_t> distance = ParseDistance(text.substr(plus + 1));
  if (!section || !distance) return std::nullopt;
  return PatternOffset{OffsetBase::kSection, *section, *distance, 0};
}

std::optional<PatternOffset> ParseMacroGroup(std::string_view text) {
  if (!Consume(text, "$") || !text.ends_with('$')) return std::nullopt;
  text.remove_suffix(1);
  const std::optional<uint64_t> group = ParseDecimal(text);
  if (!group || *group > kMacroGroupMax) return std::nullopt;
  return PatternOffset{OffsetBase::kMacroGroup, static_cast<uint32_t>(*group),
                       0, 0};
}

ParsedLine<PatternOffset> ParsePlace(std::string_view place, Target target) {
  if (const std::optional<PatternOffset> offset = ParseStructural(place)) {
    if (IsExecutable(target)) return *offset;
    return MalformedLine{"offset needs an executable target (1, 6 or 9)"};
  }
  if (Consume(place, "EOF-")) {
    const std::optional<int64_t> distance = ParseDistance(place);
    if (!distance) return MalformedLine{"offset is not understood"};
    return PatternOffset{OffsetBase::kEnd, 0, *distance, 0};
  }
  const std::optional<uint64_t> offset = ParseDecimal(place);
  if (!offset) return MalformedLine{"offset is not understood"};
  if (*offset > kOffsetMax) return MalformedLine{"offset too large"};
  return PatternOffset{OffsetBase::kStart, 0, static_cast<int64_t>(*offset), 0};
}

}  // namespace

ParsedLine<PatternOffset> ParseOffsetField(std::string_view text,
                                           Target target) {
  if (text.size() > kOffsetCharactersMax) {
    return MalformedLine{"offset longer than 64 characters"};
  }
  if (text == "*") return PatternOffset{};
  if (text.starts_with('$')) {
    const std::optional<PatternOffset> group = ParseMacroGroup(text);
    if (!group) return MalformedLine{"macro group is not understood"};
    return *group;
  }
  const size_t comma = text.find(',');
  std::optional<uint64_t> shift = 0;
  if (comma != std::string_view::npos) {
    shift = ParseDecimal(text.substr(comma + 1));
    if (!shift) return MalformedLine{"shift is not a number"};
    if (*shift > kOffsetMax) return MalformedLine{"shift too large"};
  }
  ParsedLine<PatternOffset> parsed = ParsePlace(text.substr(0, comma), target);
  if (auto* offset = std::get_if<PatternOffset>(&parsed)) {
    offset->shift = *shift;
  }
  return parsed;
}

}  // namespace gatehouse
