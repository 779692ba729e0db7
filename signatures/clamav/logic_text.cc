#include "signatures/clamav/logic_text.h"

#include <algorithm>
#include <vector>

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
  struct Chain {  // term, operator, term, ...
    std::vector<uint16_t> terms;
    std::vector<LogicKind> operators;
  };
  std::optional<Chain> ParseChain(int depth);
  Node Pair(LogicKind kind, uint16_t left, uint16_t right);
  Node SplitAtFirst(const Chain& chain, size_t terms);
  Node ParseTerm(int depth);
  Node ParseGroup(int depth);
  Node ParseAtom();
  Node ParseGroupCount(uint16_t node);
  std::optional<uint32_t> ParseNumber();

  std::string_view rest_;
  Logic& logic_;
  uint32_t atom_max_ = 0;
  std::string reason_;
};

std::variant<ParsedLogic, std::string> Parser::Parse() {
  if (rest_.empty()) return std::string("no logic");
  const std::optional<Chain> chain = ParseChain(0);
  if (!chain) return reason_;
  if (!rest_.empty()) return std::string("logic goes on behind its end");
  const Node root = SplitAtFirst(*chain, chain->terms.size());
  if (!root) return reason_;
  return ParsedLogic{*root, atom_max_};
}

Parser::Node Parser::Add(const LogicNode& node) {
  if (logic_.size() == kLogicNodesMax) return Fail("logic too large");
  logic_.push_back(node);
  return static_cast<uint16_t>(logic_.size() - 1);
}

Parser::Node Parser::Pair(LogicKind kind, uint16_t left, uint16_t right) {
  LogicNode node;
  node.kind = kind;
  node.left = left;
  node.right = right;
  return Add(node);
}

// Up to a parenthesis that closes, or the end.
std::optional<Parser::Chain> Parser::ParseChain(int depth) {
  Chain chain;
  while (true) {
    const Node term = ParseTerm(depth);
    if (!term) return std::nullopt;
    chain.terms.push_back(*term);
    if (rest_.empty() || rest_.front() == ')') return chain;
    const char op = rest_.front();
    if (op != '&' && op != '|') {
      (void)Fail("logic is not understood");
      return std::nullopt;
    }
    chain.operators.push_back(op == '&' ? LogicKind::kAnd : LogicKind::kOr);
    rest_.remove_prefix(1);
  }
}

// Its first `terms` terms: what is right of the first operator is one.
Parser::Node Parser::SplitAtFirst(const Chain& chain, size_t terms) {
  Node node = chain.terms[terms - 1];
  for (size_t i = terms - 1; i-- > 0 && node;) {
    node = Pair(chain.operators[i], chain.terms[i], *node);
  }
  return node;
}

Parser::Node Parser::ParseTerm(int depth) {
  if (depth > kLogicDepthMax) return Fail("logic nested too deeply");
  if (rest_.empty()) return Fail("logic ends too early");
  return rest_.front() == '(' ? ParseGroup(depth) : ParseAtom();
}

Parser::Node Parser::ParseGroup(int depth) {
  rest_.remove_prefix(1);
  const std::optional<Chain> chain = ParseChain(depth + 1);
  if (!chain) return std::nullopt;
  if (rest_.empty()) return Fail("a parenthesis is not closed");
  rest_.remove_prefix(1);
  const size_t last = chain->terms.size() - 1;
  const bool is_counted =
      !rest_.empty() &&
      std::string_view("=<>").find(rest_.front()) != std::string_view::npos;
  if (last == 0) {
    if (is_counted) return Fail("a count of a group of one");
    return chain->terms.front();
  }
  const Node left = SplitAtFirst(*chain, last);
  if (!left) return left;
  const Node pair = Pair(chain->operators[last - 1], *left, chain->terms[last]);
  return pair && is_counted ? ParseGroupCount(*pair) : pair;
}

Comparison ComparisonOf(char sign) {
  if (sign == '=') return Comparison::kEqual;
  return sign == '>' ? Comparison::kGreater : Comparison::kLess;
}

bool IsSign(char c) { return c == '=' || c == '>' || c == '<'; }

Parser::Node Parser::ParseAtom() {
  const std::optional<uint32_t> atom = ParseNumber();
  if (!atom) return Fail("logic is not understood");
  if (*atom >= kAtomsMax) return Fail("more than 64 subsignatures");
  atom_max_ = std::max(atom_max_, *atom);
  LogicNode node;
  node.left = static_cast<uint16_t>(*atom);
  // Of several signs the last one counts: real lines have ==.
  while (!rest_.empty() && IsSign(rest_.front())) {
    node.comparison = ComparisonOf(rest_.front());
    rest_.remove_prefix(1);
  }
  if (node.comparison == Comparison::kNone) return Add(node);
  const std::optional<uint32_t> count = ParseNumber();
  if (!count) return Fail("a count is not a number");
  node.count = *count;
  // Of one atom the second number says nothing, and may be missing.
  if (rest_.starts_with(',')) {
    rest_.remove_prefix(1);
    (void)ParseNumber();
  }
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

Parser::Node Parser::ParseGroupCount(uint16_t node) {
  LogicNode& group = logic_[node];
  group.comparison = ComparisonOf(rest_.front());
  rest_.remove_prefix(1);
  const std::optional<uint32_t> count = ParseNumber();
  if (!count) return Fail("a count is not a number");
  group.count = *count;
  if (rest_.starts_with(',')) {
    rest_.remove_prefix(1);
    // A comma without a number says nothing.
    group.different = ParseNumber().value_or(0);
  }
  return node;
}

}  // namespace

std::variant<ParsedLogic, std::string> ParseLogic(std::string_view text,
                                                  Logic& logic) {
  return Parser(text, logic).Parse();
}

}  // namespace gatehouse
