#include "signatures/clamav/hex_pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "signatures/byte_pattern.h"
#include "signatures/clamav/signature_line.h"

namespace gatehouse {
namespace {

// A {n} up to here belongs to its part; more splits the pattern.
constexpr uint64_t kWithinPartMax = 127;
constexpr uint64_t kBracketMax = 32;
constexpr uint64_t kGapMax = kUnlimitedGap - 1;
constexpr int kNestingMax = 15;

struct Range {
  uint64_t min = 0;
  uint64_t max = kUnlimitedGap;
  bool is_exact = false;  // Written as one number: {n}, not {n-n}.
};

class Parser {
 public:
  Parser(std::string_view text, const HexPatternOptions& options)
      : rest_(text), options_(options) {}

  std::variant<std::vector<uint8_t>, std::string> Parse();

 private:
  bool Fail(std::string_view reason) {
    if (reason_.empty()) reason_ = reason;
    return false;
  }
  bool Consume(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  bool ParseItem();
  bool ParseGap();
  bool ParseBraces();
  std::optional<Range> ParseBracketRange();
  bool AddNear(BoundaryPlace place, Range range, MaskedByte byte);
  bool ParseBracketBefore();
  bool ParseBracketBehind();
  std::optional<MaskedByte> TakeByte();
  bool ParseBoundary(bool is_negated);
  bool ParseByte(PatternWriter& writer);
  bool ParseAlternatives(PatternWriter& writer, int depth);
  bool ParseNoneOf();
  bool EndPart(Range gap);
  std::optional<Range> ParseRange(char end);
  void AddBoundary(BoundaryKind kind, BoundaryPlace place, bool is_negated);
  void AddByte(PatternWriter& writer, uint8_t value, uint8_t mask) const;
  bool AtPartEnd();
  bool IsWithinPart(const Range& range) const;

  std::string_view rest_;
  const HexPatternOptions options_;
  PatternWriter writer_;
  bool part_is_empty_ = true;
  bool part_has_boundary_ = false;  // In front.
  bool has_range_ = false;          // A {n-m} was seen.
  int brackets_ = 0;
  std::string reason_;
};

std::variant<std::vector<uint8_t>, std::string> Parser::Parse() {
  if (rest_.empty()) return std::string("no hexadecimal bytes");
  if (options_.is_full_word) {
    AddBoundary(BoundaryKind::kNotAlphanumeric, BoundaryPlace::kBefore, false);
    part_has_boundary_ = true;
  }
  while (!rest_.empty()) {
    if (!ParseItem()) return reason_;
  }
  if (part_is_empty_) return std::string("a gap with nothing behind it");
  if (options_.is_full_word) {
    AddBoundary(BoundaryKind::kNotAlphanumeric, BoundaryPlace::kBehind, false);
  }
  return writer_.Take();
}

bool Parser::ParseItem() {
  const char c = rest_.front();
  if (c == '*' || c == '{') return ParseGap();
  if (c == '[') return ParseBracketBehind();
  if (part_is_empty_ && rest_.size() > 2 && rest_[2] == '[') {
    return ParseBracketBefore();
  }
  if (c == '!') {
    Consume("!");
    return ParseBoundary(true) || (reason_.empty() && ParseNoneOf());
  }
  if (c != '(') {
    part_is_empty_ = false;
    return ParseByte(writer_);
  }
  if (ParseBoundary(false)) return true;
  if (!reason_.empty()) return false;
  part_is_empty_ = false;
  return ParseAlternatives(writer_, 1);
}

// What is exact and short belongs to its part, until the first range.
bool Parser::IsWithinPart(const Range& range) const {
  return range.is_exact && range.max != 0 && range.max <= kWithinPartMax &&
         !has_range_;
}

bool Parser::ParseBraces() {
  const std::optional<Range> range = ParseRange('}');
  if (!range) return Fail("gap is not understood");
  if (!IsWithinPart(*range)) {
    has_range_ = true;
    return EndPart(*range);
  }
  writer_.Any(static_cast<uint32_t>(range->max));
  part_is_empty_ = false;
  return true;
}

bool Parser::EndPart(Range gap) {
  if (part_is_empty_) return Fail("a gap with nothing in front of it");
  if (gap.max == 0) gap.max = kUnlimitedGap;  // So the format's first reader.
  const bool is_limited = gap.max != kUnlimitedGap;
  if (gap.min > kGapMax || (is_limited && gap.max > kGapMax)) {
    return Fail("gap too large");
  }
  if (gap.min > gap.max) {
    return Fail("gap's minimum is larger than its maximum");
  }
  writer_.Gap(static_cast<uint32_t>(gap.min), static_cast<uint32_t>(gap.max));
  part_is_empty_ = true;
  part_has_boundary_ = false;
  return true;
}

// n, n-m, -m, n- and then `end`.
std::optional<Range> Parser::ParseRange(char end) {
  const size_t close = rest_.find(end);
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view text = rest_.substr(0, close);
  rest_.remove_prefix(close + 1);
  const size_t dash = text.find('-');
  const std::string_view low = text.substr(0, dash);
  Range range;
  if (!low.empty() || dash == std::string_view::npos) {
    const std::optional<uint64_t> min = ParseDecimal(low);
    if (!min) return std::nullopt;
    range.min = *min;
  }
  if (dash == std::string_view::npos) {
    range.max = range.min;
    range.is_exact = true;
    return range;
  }
  const std::string_view high = text.substr(dash + 1);
  if (high.empty()) return low.empty() ? std::nullopt : std::optional(range);
  const std::optional<uint64_t> max = ParseDecimal(high);
  if (!max) return std::nullopt;
  range.max = *max;
  return range;
}

bool Parser::ParseGap() {
  if (Consume("*")) return EndPart({});
  Consume("{");
  return ParseBraces();
}

// [n-m]. When wide, it is a gap like others.
std::optional<Range> Parser::ParseBracketRange() {
  Consume("[");
  const bool has_min = !rest_.starts_with('-');
  const std::optional<Range> range = ParseRange(']');
  if (!has_min || !range || range->min > range->max) {
    (void)Fail("bracket is not understood");
    return std::nullopt;
  }
  if (range->max > kBracketMax) {
    (void)Fail("bracket's distance is larger than 32");
    return std::nullopt;
  }
  if (options_.is_full_word && !options_.is_wide) {
    (void)Fail("a bracket in a whole word");
    return std::nullopt;
  }
  if (++brackets_ > 2) {
    (void)Fail("more than two brackets");
    return std::nullopt;
  }
  return range;
}

bool Parser::AddNear(BoundaryPlace place, Range range, MaskedByte byte) {
  NearByte near;
  near.place = place;
  near.min = static_cast<uint8_t>(range.min);
  near.max = static_cast<uint8_t>(range.max);
  near.value = byte.value;
  near.mask = byte.mask;
  const bool is_letter =
      byte.mask == 0xff && ((byte.value >= 'a' && byte.value <= 'z') ||
                            (byte.value >= 'A' && byte.value <= 'Z'));
  if (options_.ignores_case && is_letter) {
    near.mask = 0xdf;
    near.value = byte.value & 0xdfU;
  }
  writer_.AddNear(near);
  return true;
}

// aa[n-m]SIG
bool Parser::ParseBracketBefore() {
  if (options_.is_wide) {
    part_is_empty_ = false;
    return ParseByte(writer_);  // The bracket comes next, and is a gap.
  }
  const std::optional<MaskedByte> byte = TakeByte();
  if (!byte) return false;
  const std::optional<Range> range = ParseBracketRange();
  return range && AddNear(BoundaryPlace::kBefore, *range, *byte);
}

// SIG[n-m]aa
bool Parser::ParseBracketBehind() {
  const std::optional<Range> range = ParseBracketRange();
  if (!range) return false;
  if (part_is_empty_) return Fail("a bracket with nothing in front of it");
  if (options_.is_wide) return EndPart(*range);
  const std::optional<MaskedByte> byte = TakeByte();
  if (!byte) return false;
  if (!AtPartEnd() || rest_.starts_with('[')) {
    return Fail("more than one byte behind a bracket");
  }
  return AddNear(BoundaryPlace::kBehind, *range, *byte);
}

bool Parser::AtPartEnd() {
  if (rest_.empty()) return !options_.is_full_word;  // That one comes last.
  if (rest_.front() != '{') return rest_.front() == '*' || rest_.front() == '[';
  const std::string_view rest = rest_;
  rest_.remove_prefix(1);
  const std::optional<Range> range = ParseRange('}');
  rest_ = rest;
  return range && !IsWithinPart(*range);
}

void Parser::AddBoundary(BoundaryKind kind, BoundaryPlace place,
                         bool is_negated) {
  writer_.AddBoundary({kind, place, is_negated, options_.is_wide});
}

// False without a reason: there is none.
bool Parser::ParseBoundary(bool is_negated) {
  BoundaryKind kind = BoundaryKind::kWord;
  if (Consume("(L)")) {
    kind = BoundaryKind::kLine;
  } else if (Consume("(W)")) {
    kind = BoundaryKind::kNotAlphanumeric;
  } else if (!Consume("(B)")) {
    return false;
  }
  BoundaryPlace place = BoundaryPlace::kWithin;
  if (part_is_empty_ && !part_has_boundary_ && !is_negated) {
    place = BoundaryPlace::kBefore;
    part_has_boundary_ = true;
  } else if (!part_is_empty_ && AtPartEnd()) {
    place = BoundaryPlace::kBehind;
  } else {
    part_is_empty_ = false;  // It takes a byte.
  }
  AddBoundary(kind, place, is_negated);
  return true;
}

void Parser::AddByte(PatternWriter& writer, uint8_t value, uint8_t mask) const {
  if (mask == 0) {
    writer.Any(1);
  } else if (mask != 0xff) {
    writer.Masked({value, mask});
  } else if (options_.ignores_case) {
    writer.Folded(value);
  } else {
    writer.Literal(value);
  }
  if (!options_.is_wide) return;
  if (options_.ignores_case) {
    writer.Folded(0);  // Keeps the run in one piece.
  } else {
    writer.Literal(0);
  }
}

std::optional<MaskedByte> Parser::TakeByte() {
  if (rest_.size() < 2) {
    (void)Fail("odd number of hexadecimal digits");
    return std::nullopt;
  }
  uint32_t value = 0;
  uint32_t mask = 0;
  for (const char c : rest_.substr(0, 2)) {
    value <<= 4;
    mask <<= 4;
    if (c == '?') continue;
    const std::optional<uint8_t> digit = ParseHexDigit(c);
    if (!digit) {
      (void)Fail("not a hexadecimal digit or operator");
      return std::nullopt;
    }
    value |= *digit;
    mask |= 0x0fU;
  }
  rest_.remove_prefix(2);
  return MaskedByte{static_cast<uint8_t>(value), static_cast<uint8_t>(mask)};
}

bool Parser::ParseByte(PatternWriter& writer) {
  const std::optional<MaskedByte> byte = TakeByte();
  if (!byte) return false;
  AddByte(writer, byte->value, byte->mask);
  return true;
}

bool Parser::ParseAlternatives(PatternWriter& writer, int depth) {
  if (depth > kNestingMax) return Fail("alternatives nested too deeply");
  Consume("(");
  std::vector<std::vector<uint8_t>> programs;
  PatternWriter one;
  while (true) {
    if (rest_.empty()) return Fail("alternatives without an end");
    const bool is_end = rest_.front() == ')';
    if (is_end || rest_.front() == '|') {
      rest_.remove_prefix(1);
      // Real lines have (aa|), which is the same as nothing or aa.
      if (one.code().empty() && (!is_end || programs.empty())) {
        return Fail("an empty alternative");
      }
      if (one.code().size() > 0xffff) return Fail("alternative too long");
      programs.push_back(one.Take());
      if (!is_end) continue;
      if (programs.size() > 0xffff) return Fail("too many alternatives");
      writer.OneOf(programs);
      return true;
    }
    const bool is_fine = rest_.front() == '('
                             ? ParseAlternatives(one, depth + 1)
                             : ParseByte(one);
    if (!is_fine) return false;
  }
}

bool Parser::ParseNoneOf() {
  if (!Consume("(")) return Fail("'!' without alternatives");
  if (options_.has_flags) return Fail("'!' with a modifier");
  std::vector<std::vector<uint8_t>> literals(1);
  while (true) {
    if (rest_.empty()) return Fail("alternatives without an end");
    if (Consume(")")) break;
    if (Consume("|")) {
      literals.emplace_back();
      continue;
    }
    if (rest_.size() < 2) return Fail("odd number of hexadecimal digits");
    const std::optional<std::vector<uint8_t>> byte =
        ParseHex(rest_.substr(0, 2));
    if (!byte) return Fail("'!' takes plain bytes only");
    rest_.remove_prefix(2);
    literals.back().push_back(byte->front());
    if (options_.is_wide) literals.back().push_back(0);
  }
  const size_t length = literals.front().size();
  if (length == 0 || literals.size() > 0xffff || length > 0xffff ||
      !std::all_of(
          literals.begin(), literals.end(),
          [length](const auto& literal) { return literal.size() == length; })) {
    return Fail("alternatives of '!' differ in length");
  }
  writer_.NoneOf(literals);
  part_is_empty_ = false;
  return true;
}

size_t LongestRun(const PatternPart& part) {
  size_t longest = 0;
  for (const FixedRun& run : part.runs) {
    longest = std::max(longest, run.bytes.size());
  }
  return longest;
}

// Nothing if every part can be looked for.
std::optional<std::string> Objection(const std::vector<uint8_t>& code) {
  const auto parts = PartsOf(code);
  if (!parts) return "pattern too large";
  for (const PatternPart& part : *parts) {
    if (part.length_max > kPartBytesMax) return "part longer than 32 KiB";
    if (LongestRun(part) < kFixedBytesMin) {
      return "a part without two given bytes in a row";
    }
  }
  return std::nullopt;
}

}  // namespace

std::variant<std::vector<uint8_t>, std::string> ParseHexPattern(
    std::string_view text, const HexPatternOptions& options) {
  auto parsed = Parser(text, options).Parse();
  if (const auto* code = std::get_if<std::vector<uint8_t>>(&parsed)) {
    if (std::optional<std::string> objection = Objection(*code)) {
      return *std::move(objection);
    }
  }
  return parsed;
}

}  // namespace gatehouse
