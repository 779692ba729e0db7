#include "signatures/clamav/logic_text.h"

#include <algorithm>

#include "signatures/clamav/signature_line.h"

namespace gatehouse {
namespace {

class Parser {
 public:
  Parser(std::string_view text, Logic& logic) : rest_(text), logic_(logic) {}

  std::variant<ParsedLogic, std::string> Parse();

 private:
  // The number of a node; nothing after Fail.
  using Node = std::optional<uint16_t>;

  Node Fail(std::string_view reason) {
    if (reason_.empty()) reason_ = reason;
    return std::nullopt;
  }
  Node Add(const LogicNode& node);
  Node ParseExpression(int depth);
  Node ParseTerm(int depth);
  Node ParseAtom();
  Node ParseComparison(uint16_t node, bool is_group);
  std::optional<uint32_t> ParseNumber();

  std::string_view rest_;
  Logic& logic_;
  uint32_t atom_max_ = 0;
  std::string reason_;
};

std::variant<ParsedLogic, std::string> Parser::Parse() {
  if (rest_.empty()) return std::string("no logic");
  const Node root = ParseExpression(0);
  if (!root) return reason_;
  if (!rest_.empty()) return std::string("logic goes on behind its end");
  return ParsedLogic{*root, atom_max_};
}

Parser::Node Parser::Add(const LogicNode& node) {
  if (logic_.size() == kLogicNodesMax) return Fail("logic too large");
  logic_.push_back(node);
  return static_cast<uint16_t>(logic_.size() - 1);
}

// The first operator splits, and what is right of it is one expression.
Parser::Node Parser::ParseExpression(int depth) {
  if (depth > kLogicDepthMax) return Fail("logic nested too deeply");
  const Node left = ParseTerm(depth);
  if (!left || rest_.empty() || rest_.front() == ')') return left;
  const char op = rest_.front();
  if (op != '&' && op != '|') return Fail("logic is not understood");
  rest_.remove_prefix(1);
  const Node right = ParseExpression(depth + 1);
  if (!right) return right;
  LogicNode node;
  node.kind = op == '&' ? LogicKind::kAnd : LogicKind::kOr;
  node.left = *left;
  node.right = *right;
  return Add(node);
}

Parser::Node Parser::ParseTerm(int depth) {
  if (rest_.empty()) return Fail("logic ends too early");
  if (rest_.front() != '(') {
    const Node atom = ParseAtom();
    return atom ? ParseComparison(*atom, false) : atom;
  }
  rest_.remove_prefix(1);
  const Node inner = ParseExpression(depth + 1);
  if (!inner) return inner;
  if (rest_.empty()) return Fail("a parenthesis is not closed");
  rest_.remove_prefix(1);  // ')', where an expression ends.
  return ParseComparison(*inner, true);
}

Parser::Node Parser::ParseAtom() {
  const std::optional<uint32_t> atom = ParseNumber();
  if (!atom) return Fail("logic is not understood");
  if (*atom >= kAtomsMax) return Fail("more than 64 subsignatures");
  atom_max_ = std::max(atom_max_, *atom);
  LogicNode node;
  node.left = static_cast<uint16_t>(*atom);
  return Add(node);
}

std::optional<uint32_t> Parser::ParseNumber() {
  size_t digits = 0;
  while (digits < rest_.size() && rest_[digits] >= '0' &&
         rest_[digits] <= '9') {
    ++digits;
  }
  const std::optional<uint64_t> number = ParseDecimal(rest_.substr(0, digits));
  if (!number || *number > ~uint32_t{0}) return std::nullopt;
  rest_.remove_prefix(digits);
  return static_cast<uint32_t>(*number);
}

Parser::Node Parser::ParseComparison(uint16_t node, bool is_group) {
  if (rest_.empty()) return node;
  Comparison comparison = Comparison::kNone;
  if (rest_.front() == '=') comparison = Comparison::kEqual;
  if (rest_.front() == '>') comparison = Comparison::kGreater;
  if (rest_.front() == '<') comparison = Comparison::kLess;
  if (comparison == Comparison::kNone) return node;
  rest_.remove_prefix(1);
  const std::optional<uint32_t> count = ParseNumber();
  if (!count) return Fail("a count is not a number");
  std::optional<uint32_t> different = 0;
  if (rest_.starts_with(',')) {
    rest_.remove_prefix(1);
    different = ParseNumber();
    if (!different && is_group) return Fail("a count is not a number");
  }
  if (logic_[node].comparison != Comparison::kNone) {
    LogicNode group;  // So that the inner count stays what it is.
    group.kind = LogicKind::kGroup;
    group.left = node;
    const Node outer = Add(group);
    if (!outer) return outer;
    node = *outer;
  }
  LogicNode& compared = logic_[node];
  compared.comparison = comparison;
  compared.count = *count;
  // Of one atom it says nothing, and real lines leave it out.
  compared.different = is_group ? *different : 0;
  return node;
}

}  // namespace

std::variant<ParsedLogic, std::string> ParseLogic(std::string_view text,
                                                  Logic& logic) {
  return Parser(text, logic).Parse();
}

}  // namespace gatehouse
