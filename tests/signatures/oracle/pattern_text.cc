// The text of a pattern: hex digits, wild cards, groups, boundaries and gaps.
//
// The text is first cut at its gaps, then each part is parsed by recursive
// descent. What ClamAV refuses to load is refused here with a reason.
#include <algorithm>

#include "tests/signatures/oracle/pattern.h"
#include "tests/signatures/oracle/text.h"

namespace gatehouse::oracle {
namespace {

constexpr int kNestingMax = 15;
constexpr uint64_t kInlineGapMax = 127;
constexpr uint64_t kDistanceMax = 32;
constexpr int kFixedRunMin = 2;
// What "{n}" is rewritten to, n times; no pattern may hold it itself.
constexpr char kOneByteOfAGap = '.';

ParseFailure Fail(std::string reason) {
  return {std::move(reason), FailureKind::kMalformed};
}

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// A boundary such as "(B)" or "!(L)" at the start of `text`.
struct BoundaryText {
  Edge edge;
  size_t length = 0;
};

std::optional<BoundaryText> BoundaryAt(std::string_view text) {
  BoundaryText found;
  if (text.starts_with('!')) {
    found.edge.negated = true;
    text.remove_prefix(1);
  }
  if (text.size() < 3 || text[0] != '(' || text[2] != ')') return std::nullopt;
  if (text[1] != 'B' && text[1] != 'L' && text[1] != 'W') return std::nullopt;
  found.edge.boundary = text[1];
  found.length = found.edge.negated ? 4 : 3;
  return found;
}

std::optional<BoundaryText> BoundaryAtEnd(std::string_view text) {
  for (const size_t length : {size_t{4}, size_t{3}}) {
    if (text.size() < length) continue;
    const auto found = BoundaryAt(text.substr(text.size() - length));
    if (found && found->length == length) return found;
  }
  return std::nullopt;
}

// Parses the inside of one part, or of one alternative.
class SequenceParser {
 public:
  SequenceParser(std::string_view text, const PatternFlags& flags)
      : text_(text), flags_(flags) {}

  Parsed<Sequence> Parse(int depth) {
    Sequence nodes;
    while (at_ < text_.size()) {
      if (const char c = text_[at_]; c == '|' || c == ')') break;
      if (auto failure = ParseOne(depth, nodes)) return *failure;
    }
    return nodes;
  }
  bool AtEnd() const { return at_ == text_.size(); }

 private:
  std::optional<ParseFailure> ParseOne(int depth, Sequence& nodes) {
    const std::string_view rest = text_.substr(at_);
    if (const auto boundary = BoundaryAt(rest)) {
      if (depth > 0) return Fail("a boundary inside of alternatives");
      Node node;
      node.kind = NodeKind::kBoundary;
      node.boundary = boundary->edge.boundary;
      node.negated = boundary->edge.negated;
      nodes.push_back(node);
      at_ += boundary->length;
      return std::nullopt;
    }
    if (rest.starts_with('(') || rest.starts_with("!(")) {
      return ParseGroup(depth, nodes);
    }
    return ParseByte(nodes);
  }

  std::optional<ParseFailure> ParseByte(Sequence& nodes) {
    Node node;
    node.mask = 0;
    if (text_[at_] == kOneByteOfAGap) {
      nodes.push_back(node);
      ++at_;
      return std::nullopt;
    }
    if (text_.size() - at_ < 2) return Fail("an odd number of hex digits");
    for (const size_t nibble : {size_t{0}, size_t{1}}) {
      const char c = text_[at_ + nibble];
      const auto digit = HexDigit(c);
      if (!digit && c != '?') return Fail("not a hex digit");
      const int shift = nibble == 0 ? 4 : 0;
      if (!digit) continue;
      node.mask = static_cast<uint8_t>(node.mask | (0xf << shift));
      node.value = static_cast<uint8_t>(node.value | (*digit << shift));
    }
    node.any_case = flags_.any_case && node.mask == 0xff;
    nodes.push_back(node);
    at_ += 2;
    if (flags_.wide) nodes.push_back(Node());
    return std::nullopt;
  }

  std::optional<ParseFailure> ParseGroup(int depth, Sequence& nodes) {
    if (depth >= kNestingMax) return Fail("alternatives nested too deeply");
    Node group;
    group.kind = NodeKind::kChoice;
    if (text_[at_] == '!') {
      group.kind = NodeKind::kNoneOf;
      ++at_;
    }
    do {
      ++at_;  // The '(' or the '|'.
      Parsed<Sequence> choice = Parse(depth + 1);
      if (IsFailure(choice)) return std::get<ParseFailure>(choice);
      group.choices.push_back(std::get<Sequence>(std::move(choice)));
      // ClamAV takes "(aa|)" but not "(|aa)".
      if (group.choices.back().empty() &&
          (group.choices.size() == 1 || at_ == text_.size() ||
           text_[at_] != ')')) {
        return Fail("an empty alternative");
      }
    } while (at_ < text_.size() && text_[at_] == '|');
    if (at_ == text_.size()) return Fail("a '(' without its ')'");
    ++at_;
    if (auto failure = CheckNoneOf(group)) return failure;
    nodes.push_back(std::move(group));
    return std::nullopt;
  }

  std::optional<ParseFailure> CheckNoneOf(const Node& group) const {
    if (group.kind != NodeKind::kNoneOf) return std::nullopt;
    if (flags_.any()) {
      return Fail("negated alternatives under a modifier");
    }
    for (const Sequence& choice : group.choices) {
      if (choice.size() != group.choices.front().size()) {
        return Fail("negated alternatives of different lengths");
      }
      for (const Node& node : choice) {
        if (node.kind != NodeKind::kByte || node.mask != 0xff) {
          return Fail("negated alternatives with wild cards");
        }
      }
    }
    return std::nullopt;
  }

  std::string_view text_;
  PatternFlags flags_;
  size_t at_ = 0;
};

// One part's text and the gap before it.
struct PartText {
  Part part;
  std::string text;
};

struct GapText {
  uint64_t min = 0;
  std::optional<uint64_t> max;
  bool exact = false;
};

Parsed<GapText> ParseGap(std::string_view inside) {
  GapText gap;
  const size_t dash = inside.find('-');
  if (dash == std::string_view::npos) {
    const auto exact = ParseDecimal(inside);
    if (!exact) return Fail("a gap that is no number");
    gap.min = *exact;
    gap.exact = true;
    if (*exact > 0) gap.max = *exact;
    return gap;
  }
  const std::string_view low = inside.substr(0, dash);
  const std::string_view high = inside.substr(dash + 1);
  if (low.empty() && high.empty()) return Fail("a gap without a number");
  const auto min = low.empty() ? 0 : ParseDecimal(low);
  const auto max = high.empty() ? 0 : ParseDecimal(high);
  if (!min || !max) return Fail("a gap that is no number");
  if (*max > 0 && *max < *min) return Fail("a gap that ends before it starts");
  gap.min = *min;
  // A maximum of 0 is none at all.
  if (*max > 0) gap.max = *max;
  return gap;
}

// Cuts the text at "*" and "{..}".
class GapSplitter {
 public:
  explicit GapSplitter(std::string_view text) : text_(text) {}

  Parsed<std::vector<PartText>> Split() {
    parts_.emplace_back();
    for (size_t at = 0; at < text_.size();) {
      const char c = text_[at];
      if (c == '(') ++depth_;
      if (c == ')') --depth_;
      if (c != '*' && c != '{') {
        parts_.back().text += c;
        ++at;
        continue;
      }
      if (depth_ != 0) return Fail("a gap inside of alternatives");
      size_t length = 1;
      if (c == '*') {
        StartPart({});
      } else {
        const size_t end = text_.find('}', at);
        if (end == std::string_view::npos) return Fail("a '{' without its '}'");
        length = end + 1 - at;
        const auto gap = ParseGap(text_.substr(at + 1, length - 2));
        if (IsFailure(gap)) return std::get<ParseFailure>(gap);
        AddBrace(std::get<GapText>(gap));
      }
      at += length;
    }
    return std::move(parts_);
  }

 private:
  void StartPart(const GapText& gap) {
    PartText next;
    next.part.gap_min = gap.min;
    next.part.gap_max = gap.max;
    parts_.push_back(std::move(next));
  }

  void AddBrace(const GapText& gap) {
    // Exact braces are wild cards up to the first brace that is none.
    if (!seen_range_ && gap.exact && gap.min >= 1 && gap.min <= kInlineGapMax) {
      parts_.back().text.append(gap.min, kOneByteOfAGap);
      return;
    }
    seen_range_ = true;
    StartPart(gap);
  }

  std::string_view text_;
  std::vector<PartText> parts_;
  int depth_ = 0;
  bool seen_range_ = false;
};

// Takes "aa[n-m]" off the front, or "[n-m]aa" off the back, of a part's text.
Parsed<DistantByte> ParseDistantByte(std::string_view byte,
                                     std::string_view range,
                                     const PatternFlags& flags) {
  Parsed<Sequence> nodes = SequenceParser(byte, flags).Parse(0);
  if (IsFailure(nodes)) return std::get<ParseFailure>(nodes);
  const auto& sequence = std::get<Sequence>(nodes);
  if (byte.size() != 2 || sequence.size() != 1 ||
      sequence[0].kind != NodeKind::kByte) {
    return Fail("a bracket needs exactly one byte on its outer side");
  }
  DistantByte distant;
  distant.byte = sequence[0];
  const size_t dash = range.find('-');
  const auto min = ParseDecimal(range.substr(0, dash));
  const auto max = dash == std::string_view::npos
                       ? min
                       : ParseDecimal(range.substr(dash + 1));
  if (!min || !max) return Fail("a bracket that is no range");
  if (*min > *max || *max > kDistanceMax) return Fail("a bracket too wide");
  distant.min = *min;
  distant.max = *max;
  return distant;
}

std::optional<ParseFailure> TakeBrackets(std::string_view& text, Part& part,
                                         const PatternFlags& flags) {
  const auto brackets = std::count(text.begin(), text.end(), '[');
  if (brackets != std::count(text.begin(), text.end(), ']')) {
    return Fail("a bracket that does not pair");
  }
  if (brackets > 2) return Fail("more than two brackets");
  for (auto left = brackets; left > 0; --left) {
    const size_t open = text.find('[');
    const size_t close = text.find(']');
    if (close < open) return Fail("a bracket that does not pair");
    const std::string_view range = text.substr(open + 1, close - open - 1);
    const bool is_front = open == 2 && !part.byte_before;
    const std::string_view byte =
        is_front ? text.substr(0, open) : text.substr(close + 1);
    Parsed<DistantByte> distant = ParseDistantByte(byte, range, flags);
    if (IsFailure(distant)) return std::get<ParseFailure>(distant);
    if (is_front) {
      part.byte_before = std::get<DistantByte>(distant);
      text.remove_prefix(close + 1);
    } else {
      part.byte_after = std::get<DistantByte>(distant);
      text = text.substr(0, open);
    }
  }
  return std::nullopt;
}

void TakeEdges(std::string_view& text, Part& part) {
  // To ClamAV a negated boundary has no width at the end of a part only. At
  // the start it is one byte of the match, as in the middle.
  if (const auto edge = BoundaryAt(text); edge && !edge->edge.negated) {
    part.front = edge->edge;
    text.remove_prefix(edge->length);
  }
  if (const auto edge = BoundaryAtEnd(text)) {
    part.back = edge->edge;
    text.remove_suffix(edge->length);
  }
}

bool HasFixedRun(const Sequence& nodes) {
  int run = 0;
  for (const Node& node : nodes) {
    const bool fixed = node.kind == NodeKind::kByte && node.mask == 0xff;
    run = fixed ? run + 1 : 0;
    if (run == kFixedRunMin) return true;
  }
  return false;
}

std::optional<ParseFailure> ParsePart(std::string_view text,
                                      const PatternFlags& flags, Part& part) {
  part.wide = flags.wide;
  if (auto failure = TakeBrackets(text, part, flags)) return failure;
  TakeEdges(text, part);
  SequenceParser parser(text, flags);
  Parsed<Sequence> nodes = parser.Parse(0);
  if (IsFailure(nodes)) return std::get<ParseFailure>(nodes);
  if (!parser.AtEnd()) return Fail("a '|' or ')' outside of alternatives");
  part.nodes = std::get<Sequence>(std::move(nodes));
  if (!HasFixedRun(part.nodes)) {
    return Fail("a part without two fixed bytes in a row");
  }
  return std::nullopt;
}

Parsed<Pattern> ParseVariant(std::string text, const PatternFlags& flags) {
  if (flags.full_word) {
    const bool bracket = text.find('[') != std::string::npos;
    if (bracket && !flags.wide) return Fail("a bracket in a full word");
    text = "(W)" + text + "(W)";
  }
  if (flags.wide) {
    // Both become gaps, but each ends as it began.
    for (size_t at = text.find_first_of("[{"); at != std::string::npos;
         at = text.find_first_of("[{", at + 1)) {
      const size_t end = text.find_first_of("]}", at);
      const char paired = text[at] == '[' ? ']' : '}';
      if (end == std::string::npos || text[end] != paired) {
        return Fail("a bracket that does not pair");
      }
    }
    std::replace(text.begin(), text.end(), '[', '{');
    std::replace(text.begin(), text.end(), ']', '}');
  }
  Parsed<std::vector<PartText>> split = GapSplitter(text).Split();
  if (IsFailure(split)) return std::get<ParseFailure>(split);
  Pattern pattern;
  for (PartText& part : std::get<std::vector<PartText>>(split)) {
    if (auto failure = ParsePart(part.text, flags, part.part)) {
      return *failure;
    }
    pattern.parts.push_back(std::move(part.part));
  }
  return pattern;
}

}  // namespace

Parsed<std::vector<Pattern>> ParsePattern(std::string_view text,
                                          const PatternFlags& flags) {
  if (text.find(kOneByteOfAGap) != std::string_view::npos) {
    return Fail("not a hex digit");
  }
  std::vector<Pattern> variants;
  for (const bool wide : {true, false}) {
    if (wide ? !flags.wide : flags.wide && !flags.ascii) continue;
    PatternFlags one = flags;
    one.wide = wide;
    Parsed<Pattern> variant = ParseVariant(std::string(text), one);
    if (IsFailure(variant)) return std::get<ParseFailure>(variant);
    variants.push_back(std::get<Pattern>(std::move(variant)));
  }
  return variants;
}

}  // namespace gatehouse::oracle
