#include "tests/signatures/oracle/pattern_maker.h"

#include <vector>

#include "tests/signatures/oracle/text.h"

namespace gatehouse::oracle {
namespace {

// Two letters in one case, one in both, a space.
const std::vector<std::string>& Alphabet() {
  static const std::vector<std::string> bytes = {"41", "42", "20", "61"};
  return bytes;
}

std::string Literal(Dice& dice, uint64_t length) {
  std::string text;
  for (; length > 0; --length) text += dice.OneOf(Alphabet());
  return text;
}

std::string Number(uint64_t value) { return std::to_string(value); }

std::string Alternatives(Dice& dice, int depth);

std::string Element(Dice& dice, int depth) {
  static const std::vector<std::string> wild = {"??", "4?", "?1", "2?", "6?"};
  switch (dice.Below(depth < 2 ? 4 : 3)) {
    case 0:
      return dice.OneOf(wild);
    case 3:
      return Alternatives(dice, depth + 1);
    default:
      return Literal(dice, dice.Between(1, 2));
  }
}

std::string Alternatives(Dice& dice, int depth) {
  std::string text = "(";
  const uint64_t count = dice.Between(1, 3);
  for (uint64_t index = 0; index < count; ++index) {
    if (index > 0) text += '|';
    text += Element(dice, depth);
    if (dice.OneIn(3)) text += Element(dice, depth);
  }
  return text + ")";
}

std::string NoneOf(Dice& dice) {
  const uint64_t length = dice.Between(1, 2);
  std::string text = "!(" + Literal(dice, length);
  for (uint64_t more = dice.Below(3); more > 0; --more) {
    text += "|" + Literal(dice, length);
  }
  return text + ")";
}

std::string TopElement(Dice& dice, bool negations) {
  static const std::vector<std::string> boundaries = {"(B)",  "(L)",  "(W)",
                                                      "!(B)", "!(L)", "!(W)"};
  switch (dice.Below(6)) {
    case 0:
      return dice.OneOf(boundaries);
    case 1:
      return negations ? NoneOf(dice) : Literal(dice, 1);
    default:
      return Element(dice, 0);
  }
}

std::string BracketRange(Dice& dice) {
  const uint64_t min = dice.Below(4);
  return "[" + Number(min) + "-" + Number(min + dice.Below(4)) + "]";
}

// Begins with two fixed bytes, for ClamAV wants no group behind only one.
std::string PartText(Dice& dice, bool negations) {
  static const std::vector<std::string> edges = {"(B)",  "(L)", "(W)",
                                                 "!(B)", "??",  "??4?"};
  std::string text = dice.OneIn(5) ? dice.OneOf(edges) : "";
  text += Literal(dice, dice.Between(2, 3));
  for (uint64_t more = dice.Below(3); more > 0; --more) {
    text += TopElement(dice, negations);
  }
  return text;
}

// One byte at some distance on either side of a literal.
std::string BracketText(Dice& dice) {
  const std::string literal = Literal(dice, dice.Between(3, 4));
  switch (dice.Below(3)) {
    case 0:
      return Literal(dice, 1) + BracketRange(dice) + literal;
    case 1:
      return literal + BracketRange(dice) + Literal(dice, 1);
    default:
      return Literal(dice, 1) + BracketRange(dice) + literal +
             BracketRange(dice) + Literal(dice, 1);
  }
}

std::string GapTextOf(Dice& dice) {
  const uint64_t min = dice.Below(4);
  const uint64_t max = min + dice.Below(5);
  switch (dice.Below(6)) {
    case 0:
      return "*";
    case 1:
      return "{" + Number(min) + "}";
    case 2:
      return "{" + Number(min) + "-" + Number(max) + "}";
    case 3:
      return "{-" + Number(max) + "}";
    case 4:
      return "{" + Number(dice.Between(100, 130)) + "}";
    default:
      return "{" + Number(min) + "-}";
  }
}

std::string CountRuleText(Dice& dice, bool group) {
  static const std::vector<std::string> signs = {"=", "<", ">"};
  std::string text = dice.OneOf(signs) + Number(dice.Below(4));
  if (group && dice.OneIn(2)) text += "," + Number(dice.Between(1, 3));
  return text;
}

std::string Chain(Dice& dice, size_t first, size_t count, int depth);

std::string Operand(Dice& dice, size_t first, size_t count, int depth) {
  if (count == 1) {
    return Number(first) + (dice.OneIn(5) ? CountRuleText(dice, false) : "");
  }
  return "(" + Chain(dice, first, count, depth + 1) + ")" +
         (dice.OneIn(3) ? CountRuleText(dice, true) : "");
}

// A chain with at least one operator, over the indexes from `first` on.
std::string Chain(Dice& dice, size_t first, size_t count, int depth) {
  std::string text;
  size_t left = count;
  while (left > 0) {
    // A group never takes all, or it would be a group of one group.
    const size_t most = left == count && count > 1 ? count - 1 : left;
    size_t taken = depth < 4 && dice.OneIn(3) ? dice.Between(1, most) : 1;
    if (!text.empty()) text += dice.OneIn(2) ? '&' : '|';
    text += Operand(dice, first, taken, depth);
    first += taken;
    left -= taken;
  }
  return text;
}

}  // namespace

std::string MakePatternText(Dice& dice, bool negations) {
  // Not beside "{n}", which would put more than one byte outside.
  if (negations && dice.OneIn(8)) {
    const std::string text = BracketText(dice);
    return dice.OneIn(3) ? text + "*" + PartText(dice, true) : text;
  }
  std::string text = PartText(dice, negations);
  while (dice.OneIn(3)) text += GapTextOf(dice) + PartText(dice, negations);
  // The loaders of .ndb and .db want three bytes of a plain literal.
  return text.size() < 6 ? text + Literal(dice, 1) : text;
}

std::string MakeOffsetText(Dice& dice, int target) {
  const bool executable = target == 1 || target == 6 || target == 9;
  const std::string shift = dice.OneIn(2) ? "," + Number(dice.Below(20)) : "";
  switch (dice.Below(executable ? 8 : 4)) {
    case 0:
    case 1:
      return "*";
    case 2:
      return Number(dice.Below(32)) + shift;
    case 3:
      return "EOF-" + Number(dice.Below(40)) + shift;
    case 4:
      return (dice.OneIn(4) ? "EP-" : "EP+") + Number(dice.Below(16)) + shift;
    case 5:
      return "S" + Number(dice.Below(3)) + "+" + Number(dice.Below(16)) + shift;
    case 6:
      return "SL+" + Number(dice.Below(16)) + shift;
    default:
      if (target == 1 && dice.OneIn(3)) return "VI";
      return "SE" + Number(dice.Below(3)) + shift;
  }
}

std::string MakeSubsignatureText(Dice& dice, int target) {
  static const std::vector<std::string> flags = {
      "i", "w", "a", "f", "iw", "wa", "iwa", "fw", "fi", "fwa", "ifwa"};
  const bool flagged = dice.OneIn(3);
  std::string text = MakePatternText(dice, !flagged);
  if (dice.OneIn(3)) text = MakeOffsetText(dice, target) + ":" + text;
  return flagged ? text + "::" + dice.OneOf(flags) : text;
}

std::string MakeLogicText(Dice& dice, size_t count) {
  if (count == 1)
    return "0" + (dice.OneIn(4) ? CountRuleText(dice, false) : "");
  return Chain(dice, 0, count, 0);
}

std::string MakeContent(Dice& dice, size_t size_max) {
  static const std::string rare = std::string("b.\n\r\xff\0", 6);
  std::string content;
  while (content.size() < size_max) {
    const bool wide = dice.OneIn(4);
    for (uint64_t left = dice.Between(1, 8); left > 0; --left) {
      content += dice.OneIn(6) ? rare.substr(dice.Below(rare.size()), 1)
                               : *FromHex(dice.OneOf(Alphabet()));
      if (wide) content += '\0';
    }
  }
  content.resize(size_max);
  return content;
}

}  // namespace gatehouse::oracle
