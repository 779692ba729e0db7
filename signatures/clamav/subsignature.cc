#include "signatures/clamav/subsignature.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "signatures/clamav/hex_pattern.h"
#include "signatures/clamav/logic_text.h"
#include "signatures/clamav/offset_field.h"
#include "signatures/regex_check.h"

namespace gatehouse {
namespace {

constexpr std::string_view kFuzzyImage = "fuzzy_img#";
constexpr uint64_t kMacroDistanceMax = uint64_t{1} << 30;
constexpr int64_t kNumberTextBytesMax = 18;

// What stands in front of the first colon is an offset. Removes it.
ParsedLine<PatternOffset> TakeOffset(std::string_view& text, Target target) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.substr(colon).starts_with("::")) {
    return PatternOffset{};
  }
  const std::string_view offset = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  return ParseOffsetField(offset, target);
}

// --- Patterns ---------------------------------------------------------------

struct PatternFlags {
  bool ignores_case = false;
  bool is_wide = false;
  bool is_full_word = false;
  bool is_ascii = false;
};

std::optional<PatternFlags> ParsePatternFlags(std::string_view text) {
  PatternFlags flags;
  for (const char c : text) {
    if (c == 'i') {
      flags.ignores_case = true;
    } else if (c == 'w') {
      flags.is_wide = true;
    } else if (c == 'f') {
      flags.is_full_word = true;
    } else if (c == 'a') {
      flags.is_ascii = true;
    } else {
      return std::nullopt;
    }
  }
  return flags;
}

ParsedLine<Atom> ParsePattern(std::string_view text, Target target) {
  const ParsedLine<PatternOffset> offset = TakeOffset(text, target);
  if (const auto* wrong = std::get_if<MalformedLine>(&offset)) return *wrong;
  PatternFlags flags;
  const size_t colons = text.find("::");
  if (colons != std::string_view::npos) {
    const auto parsed = ParsePatternFlags(text.substr(colons + 2));
    if (!parsed) return MalformedLine{"flags are not understood"};
    flags = *parsed;
    text = text.substr(0, colons);
  }
  PatternAtom atom;
  atom.offset = std::get<PatternOffset>(offset);
  for (const bool is_wide : {true, false}) {
    const bool is_wanted =
        is_wide ? flags.is_wide : !flags.is_wide || flags.is_ascii;
    if (!is_wanted) continue;
    auto pattern =
        ParseHexPattern(text, {flags.ignores_case, is_wide, flags.is_full_word,
                               colons != std::string_view::npos});
    if (auto* reason = std::get_if<std::string>(&pattern)) {
      return MalformedLine{std::move(*reason)};
    }
    atom.variants.push_back(std::get<std::vector<uint8_t>>(std::move(pattern)));
  }
  return Atom(std::move(atom));
}

// --- Regular expressions ----------------------------------------------------

std::optional<uint32_t> ParseRegexOptions(std::string_view text) {
  static constexpr std::string_view kLetters = "ismxAEUgref";
  uint32_t options = 0;
  for (const char c : text) {
    const size_t bit = kLetters.find(c);
    if (bit == std::string_view::npos) return std::nullopt;
    options |= 1U << bit;
  }
  return options;
}

ParsedLine<Atom> ParseRegex(std::string_view text, uint32_t index,
                            Target target, Logic& logic) {
  const size_t first = text.find('/');
  const size_t last = text.rfind('/');
  if (first == last) return MalformedLine{"expression without an end"};
  if (last == first + 1) return MalformedLine{"an empty expression"};
  std::string_view trigger = text.substr(0, first);
  // Modifiers of a pattern may follow those of the expression.
  std::string flags(text.substr(last + 1));
  const size_t colons = flags.find("::");
  if (colons != std::string::npos) {
    if (flags.find('w', colons) != std::string::npos) {
      return MalformedLine{"an expression cannot be wide"};
    }
    flags.erase(colons, 2);
  }
  const ParsedLine<PatternOffset> offset = TakeOffset(trigger, target);
  if (const auto* wrong = std::get_if<MalformedLine>(&offset)) return *wrong;
  const std::optional<uint32_t> options = ParseRegexOptions(flags);
  if (!options) return MalformedLine{"flags of the expression are unknown"};
  RegexAtom atom;
  atom.expression = text.substr(first + 1, last - first - 1);
  atom.options = *options;
  atom.offset = std::get<PatternOffset>(offset);
  auto parsed = ParseLogic(trigger, logic);
  if (auto* reason = std::get_if<std::string>(&parsed)) {
    return MalformedLine{"trigger: " + *reason};
  }
  if (std::get<ParsedLogic>(parsed).atom_max >= index) {
    return MalformedLine{"a trigger needs earlier subsignatures"};
  }
  atom.trigger = std::get<ParsedLogic>(parsed).root;
  if (std::optional<std::string> reason = RegexObjection(atom)) {
    return MalformedLine{"expression: " + *std::move(reason)};
  }
  return Atom(std::move(atom));
}

// --- Byte compare -----------------------------------------------------------

// Decimal, or hexadecimal after 0x, with a sign where it is allowed.
std::optional<int64_t> ParseValue(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  std::optional<uint64_t> value;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    value = ParseHexNumber(text.substr(2));
  } else {
    value = ParseDecimal(text);
  }
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (!value || *value > kMax) return std::nullopt;
  const auto magnitude = static_cast<int64_t>(*value);
  return is_negative ? -magnitude : magnitude;
}

std::optional<int64_t> ParseCompareDistance(std::string_view text) {
  const bool is_back = text.starts_with("<<");
  const bool has_direction = is_back || text.starts_with(">>");
  if (has_direction) text.remove_prefix(2);
  if (!has_direction && !text.starts_with('0')) return std::nullopt;
  const std::optional<int64_t> value = ParseValue(text);
  constexpr int64_t kDistanceMax = std::numeric_limits<int32_t>::max();
  if (!value || *value < 0 || *value > kDistanceMax) return std::nullopt;
  return is_back ? -*value : *value;
}

std::optional<NumberForm> FormOf(char letter) {
  if (letter == 'h') return NumberForm::kHexText;
  if (letter == 'd') return NumberForm::kDecimalText;
  if (letter == 'a') return NumberForm::kAutoText;
  if (letter == 'i') return NumberForm::kRaw;
  return std::nullopt;
}

// One letter; it may stand there again, but not against another one.
bool TakeCompareOption(char letter, std::optional<NumberForm>& form,
                       ByteCompareAtom& atom) {
  if (letter == 'e') {
    atom.is_exact = true;
    return true;
  }
  if (letter == 'l' || letter == 'b') {
    const auto order =
        letter == 'l' ? ByteOrderMark::kLittle : ByteOrderMark::kBig;
    if (atom.order != ByteOrderMark::kNone && atom.order != order) return false;
    atom.order = order;
    return true;
  }
  const std::optional<NumberForm> given = FormOf(letter);
  if (!given || (form && form != given)) return false;
  form = given;
  return true;
}

// The letters, then the number of bytes.
bool ParseCompareOptions(std::string_view text, ByteCompareAtom& atom) {
  std::optional<NumberForm> form;
  while (!text.empty() && (text.front() < '0' || text.front() > '9')) {
    if (!TakeCompareOption(text.front(), form, atom)) return false;
    text.remove_prefix(1);
  }
  const std::optional<int64_t> bytes = ParseValue(text);
  if (!form || !bytes || *bytes <= 0) return false;
  atom.form = *form;
  if (atom.form == NumberForm::kDecimalText) {
    if (atom.order == ByteOrderMark::kLittle) return false;
    atom.order = ByteOrderMark::kBig;
  }
  if (atom.form == NumberForm::kRaw) {
    if (*bytes != 1 && *bytes != 2 && *bytes != 4 && *bytes != 8) return false;
  } else if (*bytes > kNumberTextBytesMax) {
    return false;
  }
  atom.bytes = static_cast<uint32_t>(*bytes);
  return true;
}

bool ParseConditions(std::string_view text, ByteCompareAtom& atom) {
  for (ByteCompareAtom::Condition& condition : atom.conditions) {
    if (text.empty()) return false;
    const size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    if (one.starts_with('=')) condition.comparison = Comparison::kEqual;
    if (one.starts_with('>')) condition.comparison = Comparison::kGreater;
    if (one.starts_with('<')) condition.comparison = Comparison::kLess;
    if (condition.comparison == Comparison::kNone) return false;
    const std::optional<int64_t> value = ParseValue(one.substr(1));
    if (!value) return false;
    condition.value = *value;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
  return false;  // A third one.
}

ParsedLine<Atom> ParseByteCompare(std::string_view text, uint32_t index) {
  const size_t open = text.find('(');
  const std::optional<uint64_t> reference = ParseDecimal(text.substr(0, open));
  if (!reference || *reference >= index) {
    return MalformedLine{"byte compare needs an earlier subsignature"};
  }
  if (!text.ends_with(')')) return MalformedLine{"byte compare has no end"};
  std::string_view inside = text.substr(open + 1, text.size() - open - 2);
  const size_t first = inside.find('#');
  const size_t second = inside.find('#', first + 1);
  if (second == std::string_view::npos) {
    return MalformedLine{"byte compare is not understood"};
  }
  ByteCompareAtom atom;
  atom.reference = static_cast<uint32_t>(*reference);
  const auto distance = ParseCompareDistance(inside.substr(0, first));
  if (!distance) return MalformedLine{"byte compare: distance"};
  atom.distance = *distance;
  if (!ParseCompareOptions(inside.substr(first + 1, second - first - 1),
                           atom)) {
    return MalformedLine{"byte compare: options"};
  }
  if (!ParseConditions(inside.substr(second + 1), atom)) {
    return MalformedLine{"byte compare: comparison"};
  }
  return Atom(atom);
}

// --- Macros -----------------------------------------------------------------

ParsedLine<Atom> ParseMacro(std::string_view text, uint32_t index) {
  const MalformedLine malformed{"macro is not understood"};
  const size_t close = text.find('}');
  const size_t dash = text.find('-');
  if (close == std::string_view::npos || dash > close || index == 0 ||
      !text.ends_with('$')) {
    return malformed;
  }
  const std::optional<uint64_t> min = ParseDecimal(text.substr(2, dash - 2));
  const std::optional<uint64_t> max =
      ParseDecimal(text.substr(dash + 1, close - dash - 1));
  const std::optional<uint64_t> group =
      ParseDecimal(text.substr(close + 1, text.size() - close - 2));
  if (!min || !max || !group || *min > *max || *max > kMacroDistanceMax ||
      *group > kMacroGroupMax) {
    return malformed;
  }
  return Atom(MacroAtom{static_cast<uint32_t>(*group),
                        static_cast<uint32_t>(*min),
                        static_cast<uint32_t>(*max)});
}

}  // namespace

ParsedLine<Atom> ParseSubsignature(std::string_view text, uint32_t index,
                                   Target target, Logic& logic) {
  if (text.starts_with("${")) return ParseMacro(text, index);
  if (text.find('/') != std::string_view::npos) {
    return ParseRegex(text, index, target, logic);
  }
  if (text.find('(') != std::string_view::npos &&
      std::count(text.begin(), text.end(), '#') == 2) {
    return ParseByteCompare(text, index);
  }
  if (text.starts_with(kFuzzyImage)) {
    return SkippedLine{"not supported: fuzzy_img"};
  }
  return ParsePattern(text, target);
}

}  // namespace gatehouse
