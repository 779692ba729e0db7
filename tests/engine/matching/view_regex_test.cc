// Expressions and the normalised form of texts: what a Scanner finds by the
// text's own bytes, against PCRE2 on the form.
#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/format/normalised_text.h"
#include "engine/matching/regex_matcher.h"
#include "engine/scanner.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/signatures_for_tests.h"

namespace gatehouse {
namespace {

struct Expression {
  std::string text;
  uint32_t options = 0;
};

const std::vector<Expression> kExpressions = {
    {"; fun"},       {"; Fun", kRegexCaseless},
    {"Fun"},         {"b a\\(\\) \\{"},
    {"fun[a-z ]*b"}, {"a +fun"},
    {"a;\\s?b"},     {"(a|b);+ fun"},
    {"fun\nb"},      {"^fun"},
    {"b$"},          {"a b;fun", kRegexCaseless}};

std::unique_ptr<Scanner> ScannerOf(const Expression& expression) {
  Signature signature = LiteralSignature("A", AsBytes("fun"));
  signature.target = Target::kText;
  RegexAtom regex;
  regex.expression = expression.text;
  regex.options = expression.options;
  regex.trigger = 0;
  signature.atoms.emplace_back(regex);
  LogicNode node;
  node.left = 1;
  signature.logic.push_back(node);
  Signatures signatures;
  signatures.bodies.push_back(std::move(signature));
  auto set = SignatureSet::Compile(std::move(signatures));
  EXPECT_TRUE(set.has_value());
  auto scanner = Scanner::Create(std::move(*set));
  EXPECT_TRUE(scanner.has_value());
  return std::move(*scanner);
}

std::string RandomText(std::mt19937& random) {
  const std::vector<std::string> pieces = {
      "fun", "Fun", "f\x07un", ";",  "a",        "B",    "b",      "() {",
      " ",   "  ",  "\n",      "\t", "\xc3\xa9", "\x08", ";\n fun"};
  std::string text;
  for (size_t i = random() % 30; i > 0; --i) {
    text += pieces.at(random() % pieces.size());
  }
  return text;
}

bool MatchesForm(const Expression& expression, const std::string& text) {
  std::vector<uint8_t> form;
  (void)NormaliseText(AsBytes(text), text.size(), form);
  if (AsText(form).find("fun") == std::string_view::npos) return false;
  // In a group, where its literals are not seen.
  const std::string hidden = "(?:" + expression.text + ")";
  RegexMatcher matcher;
  WorkBudget budget(uint64_t{1} << 40);
  RegexMatcher::Task task;
  task.expression = hidden;
  task.options = expression.options;
  return matcher.Count(task, form, budget).count != 0;
}

TEST(ViewRegexTest, IsFoundWhereItMatchesTheNormalisedForm) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  size_t matches = 0;
  for (const Expression& expression : kExpressions) {
    const auto scanner = ScannerOf(expression);
    for (int i = 0; i < 300; ++i) {
      const std::string text = RandomText(random);
      const Verdict verdict = scanner->Scan(FileOf(text).UnsafeFd(), {});
      const bool matches_form = MatchesForm(expression, text);
      ASSERT_EQ(verdict.threat_name, matches_form ? "A" : "")
          << expression.text << " in " << HexText(AsBytes(text));
      if (matches_form) ++matches;
    }
  }
  EXPECT_GT(matches, 300U);  // Else it would say little.
}

// As in trigger_choice_test: what is told of the form before it is made.
class ViewRegexTriggersTest : public testing::TestWithParam<LogicKind> {};

TEST_P(ViewRegexTriggersTest, MayAskForTriggers) {
  constexpr uint16_t kChain = 40;
  Signature signature = LiteralSignature("A", AsBytes("some fun"));
  signature.target = Target::kText;
  signature.logic.clear();
  const auto add = [&signature](LogicKind kind, uint16_t left, uint16_t right) {
    LogicNode node;
    node.kind = kind;
    node.left = left;
    node.right = right;
    signature.logic.push_back(node);
    return static_cast<uint16_t>(signature.logic.size() - 1);
  };
  for (uint16_t i = 0; i < kChain; ++i) {
    RegexAtom regex;
    regex.expression = "f[u]n";
    const uint16_t left = add(LogicKind::kAtom, i, 0);
    const uint16_t right = add(LogicKind::kAtom, i, 0);
    regex.trigger = add(GetParam(), left, right);
    signature.atoms.emplace_back(regex);
  }
  (void)add(LogicKind::kAtom, kChain, 0);
  Signatures signatures;
  signatures.bodies.push_back(std::move(signature));
  auto set = SignatureSet::Compile(std::move(signatures));
  ASSERT_TRUE(set.has_value());
  const auto scanner = Scanner::Create(std::move(*set));
  ASSERT_TRUE(scanner.has_value());
  for (const std::string text : {"Some\n FUN", "some fu"}) {
    const Verdict verdict = (*scanner)->Scan(FileOf(text).UnsafeFd(), {});
    EXPECT_EQ(verdict.threat_name, text == "some fu" ? "" : "A");
  }
}

INSTANTIATE_TEST_SUITE_P(BothKinds, ViewRegexTriggersTest,
                         testing::Values(LogicKind::kAnd, LogicKind::kOr));

}  // namespace
}  // namespace gatehouse
