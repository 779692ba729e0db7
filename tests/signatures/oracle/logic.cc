#include "tests/signatures/oracle/logic.h"

#include <algorithm>

#include "tests/signatures/oracle/text.h"

namespace gatehouse::oracle {
namespace {

constexpr int kDepthMax = 64;

ParseFailure Fail(std::string reason) {
  return {std::move(reason), FailureKind::kMalformed};
}

Logic Join(LogicKind sign, Logic left, Logic right) {
  Logic logic;
  logic.kind = sign;
  logic.sides.push_back(std::move(left));
  logic.sides.push_back(std::move(right));
  return logic;
}

// The first operator has all that follows as its right side.
Logic FromTheRight(const std::vector<Logic>& operands,
                   const std::vector<LogicKind>& signs) {
  Logic logic = operands.back();
  for (size_t index = signs.size(); index > 0; --index) {
    logic = Join(signs[index - 1], operands[index - 1], std::move(logic));
  }
  return logic;
}

// ClamAV's way with chains is odd, and real signatures depend on it. Outside
// of parentheses the first operator of a chain is applied last, so 0&1|2 is
// 0&(1|2). Directly inside of parentheses the last one is: (0|1&2&3) is
// (0|(1&2))&3.
class LogicParser {
 public:
  explicit LogicParser(std::string_view text) : text_(text) {}

  // operand {('&' | '|') operand}
  Parsed<Logic> ParseChain(int depth) {
    if (depth > kDepthMax) return Fail("logic nested too deeply");
    std::vector<Logic> operands;
    std::vector<LogicKind> signs;
    while (true) {
      Parsed<Logic> operand = ParseOperand(depth);
      if (IsFailure(operand)) return operand;
      operands.push_back(std::get<Logic>(std::move(operand)));
      if (!text_.starts_with('&') && !text_.starts_with('|')) break;
      signs.push_back(text_[0] == '&' ? LogicKind::kAnd : LogicKind::kOr);
      text_.remove_prefix(1);
    }
    if (depth == 0) return FromTheRight(operands, signs);
    if (operands.size() == 1) return operands.front();
    Logic last = std::move(operands.back());
    const LogicKind sign = signs.back();
    operands.pop_back();
    signs.pop_back();
    return Join(sign, FromTheRight(operands, signs), std::move(last));
  }
  bool AtEnd() const { return text_.empty(); }

 private:
  // (index | '(' chain ')') [rule]
  Parsed<Logic> ParseOperand(int depth) {
    Logic operand;
    if (Take('(')) {
      Parsed<Logic> inner = ParseChain(depth + 1);
      if (IsFailure(inner)) return inner;
      if (!Take(')')) return Fail("logic: a '(' without its ')'");
      operand = std::get<Logic>(std::move(inner));
      // "(0)=2" and "((0|1))=2" are errors to ClamAV.
      const bool is_chain =
          operand.kind != LogicKind::kIndex && !operand.enclosed;
      operand.enclosed = true;
      if (!is_chain && AtRule()) return Fail("logic: a count for no group");
    } else {
      const auto index = TakeNumber();
      if (!index) return Fail("logic: an index is missing");
      operand.index = *index;
    }
    return TakeRule(std::move(operand));
  }

  Parsed<Logic> TakeRule(Logic operand) {
    if (!AtRule()) return operand;
    CountRule rule;
    // Behind an index the last of several signs counts: "8==9".
    do {
      rule.comparison = text_.front();
      text_.remove_prefix(1);
    } while (operand.kind == LogicKind::kIndex && AtRule());
    const auto count = TakeNumber();
    if (!count) return Fail("logic: a count is missing");
    rule.count = *count;
    // A comma without a number says nothing: "0=2,&1" is in real data.
    if (Take(',')) rule.different_min = TakeNumber();
    operand.rule = rule;
    return operand;
  }

  bool AtRule() const {
    return text_.starts_with('=') || text_.starts_with('<') ||
           text_.starts_with('>');
  }

  bool Take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::optional<uint64_t> TakeNumber() {
    const auto end = std::find_if(text_.begin(), text_.end(),
                                  [](char c) { return c < '0' || c > '9'; });
    const auto length = static_cast<size_t>(end - text_.begin());
    const auto value = ParseDecimal(text_.substr(0, length));
    text_.remove_prefix(length);
    return value;
  }

  std::string_view text_;
};

bool Compare(uint64_t count, const CountRule& rule) {
  if (rule.comparison == '=') return count == rule.count;
  return rule.comparison == '<' ? count < rule.count : count > rule.count;
}

LogicValue EvaluateIndex(const Logic& logic, uint64_t count) {
  LogicValue value;
  value.holds = logic.rule ? Compare(count, *logic.rule) : count > 0;
  if (!value.holds) return value;
  value.count = count;
  value.different.insert(logic.index);
  return value;
}

}  // namespace

Parsed<Logic> ParseLogic(std::string_view text) {
  LogicParser parser(text);
  Parsed<Logic> logic = parser.ParseChain(0);
  if (!IsFailure(logic) && !parser.AtEnd()) {
    return Fail("logic: something is left over");
  }
  return logic;
}

LogicValue Evaluate(const Logic& logic, const std::vector<uint64_t>& counts) {
  if (logic.kind == LogicKind::kIndex) {
    return EvaluateIndex(logic, counts.at(logic.index));
  }
  LogicValue value;
  const LogicValue left = Evaluate(logic.sides[0], counts);
  const LogicValue right = Evaluate(logic.sides[1], counts);
  value.holds = logic.kind == LogicKind::kAnd ? left.holds && right.holds
                                              : left.holds || right.holds;
  if (value.holds) {
    value.count = left.count + right.count;
    value.different = left.different;
    value.different.insert(right.different.begin(), right.different.end());
  }
  if (!logic.rule) return value;
  const uint64_t different_min = logic.rule->different_min.value_or(0);
  value.holds = Compare(value.count, *logic.rule) &&
                value.different.size() >= different_min;
  if (!value.holds) return LogicValue();
  // A group with a count adds to the sum around it, but its members are no
  // longer told apart there.
  value.different.clear();
  return value;
}

uint64_t HighestIndex(const Logic& logic) {
  if (logic.kind == LogicKind::kIndex) return logic.index;
  return std::max(HighestIndex(logic.sides[0]), HighestIndex(logic.sides[1]));
}

}  // namespace gatehouse::oracle
