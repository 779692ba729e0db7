// Subsignatures of logical signatures: which kind a text is, and its parts.
#include <algorithm>

#include "tests/signatures/oracle/signature_line.h"
#include "tests/signatures/oracle/text.h"

namespace gatehouse::oracle {
namespace {

constexpr uint64_t kMacroGroups = 32;

ParseFailure Fail(std::string reason) {
  return {std::move(reason), FailureKind::kMalformed};
}

// "${min-max}group$"
std::optional<ParseFailure> ParseMacro(std::string_view text,
                                       Subsignature& subsignature) {
  subsignature.kind = SubsignatureKind::kMacro;
  const size_t close = text.find('}');
  if (close == std::string_view::npos || !text.ends_with('$')) {
    return Fail("a macro that does not end");
  }
  const auto ends = SplitText(text.substr(2, close - 2), '-');
  const auto group =
      ParseDecimal(text.substr(close + 1, text.size() - close - 2));
  if (ends.size() != 2 || !group || *group >= kMacroGroups) {
    return Fail("not a macro");
  }
  const auto min = ParseDecimal(ends[0]);
  const auto max = ParseDecimal(ends[1]);
  if (!min || !max || *min > *max) return Fail("not a macro's distance");
  subsignature.macro_distance = {*min, *max};
  subsignature.macro_group = *group;
  return std::nullopt;
}

// "trigger/regex/flags": only the outer form is checked.
std::optional<ParseFailure> CheckRegex(std::string_view text, int target,
                                       uint64_t own_index) {
  const size_t first = text.find('/');
  const size_t last = text.rfind('/');
  if (first == last) return Fail("a regex without its second '/'");
  std::string_view trigger = text.substr(0, first);
  if (const size_t colon = trigger.find(':'); colon != trigger.npos) {
    const auto offset = ParseOffset(trigger.substr(0, colon), target);
    if (IsFailure(offset)) return std::get<ParseFailure>(offset);
    trigger.remove_prefix(colon + 1);
  }
  if (trigger.empty()) return Fail("a regex without a trigger");
  if (last == first + 1) return Fail("an empty regex");
  const Parsed<Logic> logic = ParseLogic(trigger);
  if (IsFailure(logic)) return std::get<ParseFailure>(logic);
  if (HighestIndex(std::get<Logic>(logic)) >= own_index) {
    return Fail("a regex whose trigger is not earlier");
  }
  std::string_view flags = text.substr(last + 1);
  flags = flags.substr(0, flags.find("::"));
  if (flags.find_first_not_of("ismxAEUgre") != flags.npos) {
    return Fail("an unknown flag of a regex");
  }
  return std::nullopt;
}

std::optional<ParseFailure> ParseHex(std::string_view text, int target,
                                     Subsignature& subsignature) {
  PatternFlags flags;
  if (const size_t colons = text.find("::"); colons != text.npos) {
    for (const char c : text.substr(colons + 2)) {
      if (std::string_view("iwfa").find(c) == std::string_view::npos) {
        return Fail("an unknown flag");
      }
      flags.any_case |= c == 'i';
      flags.wide |= c == 'w';
      flags.full_word |= c == 'f';
      flags.ascii |= c == 'a';
    }
    text = text.substr(0, colons);
  }
  if (const size_t colon = text.find(':'); colon != text.npos) {
    const Parsed<OffsetField> offset =
        ParseOffset(text.substr(0, colon), target);
    if (IsFailure(offset)) return std::get<ParseFailure>(offset);
    subsignature.offset = std::get<OffsetField>(offset);
    text = text.substr(colon + 1);
  }
  Parsed<std::vector<Pattern>> variants = ParsePattern(text, flags);
  if (IsFailure(variants)) return std::get<ParseFailure>(variants);
  subsignature.variants = std::get<std::vector<Pattern>>(std::move(variants));
  return std::nullopt;
}

}  // namespace

Parsed<Subsignature> ParseSubsignature(std::string_view text, int target,
                                       uint64_t own_index) {
  Subsignature subsignature;
  subsignature.text = text;
  std::optional<ParseFailure> failure;
  if (text.starts_with("${")) {
    if (own_index == 0) return Fail("a macro without one before it");
    failure = ParseMacro(text, subsignature);
  } else if (text.find('/') != text.npos) {
    subsignature.kind = SubsignatureKind::kRegex;
    failure = CheckRegex(text, target, own_index);
  } else if (text.find('(') != text.npos &&
             std::count(text.begin(), text.end(), '#') == 2) {
    subsignature.kind = SubsignatureKind::kByteCompare;
    Parsed<ByteCompare> compare = ParseByteCompare(text);
    if (IsFailure(compare)) return std::get<ParseFailure>(compare);
    subsignature.compare = std::get<ByteCompare>(std::move(compare));
    if (subsignature.compare.reference >= own_index) {
      failure = Fail("byte compare: not an earlier subsignature");
    }
  } else if (text.starts_with("fuzzy_img#")) {
    subsignature.kind = SubsignatureKind::kFuzzyImage;
  } else {
    failure = ParseHex(text, target, subsignature);
  }
  if (failure) return *failure;
  return subsignature;
}

std::vector<std::string_view> SplitLogicalLine(std::string_view line) {
  std::vector<std::string_view> fields;
  bool in_regex = false;
  size_t start = 0;
  for (size_t at = 0; at < line.size(); ++at) {
    const bool escaped = at > 0 && line[at - 1] == '\\';
    if (line[at] == '/' && fields.size() >= 3 && !escaped) {
      in_regex = !in_regex;
    }
    if (line[at] != ';' || in_regex) continue;
    fields.push_back(line.substr(start, at - start));
    start = at + 1;
  }
  fields.push_back(line.substr(start));
  return fields;
}

}  // namespace gatehouse::oracle
