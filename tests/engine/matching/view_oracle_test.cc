// Texts and HTML, and their normalised forms: what a Scanner finds by the
// file's own bytes or in its views, against the slow oracle on all of them.
//
//   GATEHOUSE_TEST_SEED   of the first round; random if not set
//   GATEHOUSE_TEST_CASES  how many; a case is one signature judged on one text
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/format/normalised_views.h"
#include "tests/engine/matching/agreement.h"

namespace gatehouse {
namespace {

constexpr uint64_t kCasesUsual = 3000;
// The oracle is slow: of so many texts one is large.
constexpr size_t kLargeTextOneIn = 1500;
constexpr uint64_t kStepsMax = 20'000'000;
constexpr size_t kLines = 20;
constexpr size_t kTexts = 10;

uint64_t NumberFrom(const char* variable, uint64_t usual) {
  const char* text = std::getenv(variable);
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

class TextMaker {
 public:
  TextMaker(uint64_t seed, bool is_html) : is_html_(is_html), random_(seed) {}

  size_t Below(size_t count) { return random_() % count; }
  bool OneIn(size_t count) { return Below(count) == 0; }

  std::string Text() {
    const size_t bytes =
        OneIn(kLargeTextOneIn) ? 70'000 + Below(70'000) : Below(1500);
    const bool has_dropped = OneIn(2);
    std::string text = is_html_ ? "<html>" : "";
    while (text.size() < bytes) {
      if (is_html_ && OneIn(4)) text += Pick(kMarkup);
      text += Pick(kWords);
      if (has_dropped && OneIn(6)) text += Pick(kDropped);
      if (OneIn(3)) text += Pick(kSpaces);
      // Far apart, and across what is looked at in one piece.
      if (OneIn(1500)) text += std::string(Below(9000), OneIn(2) ? ' ' : 'q');
      // More of it than all places are known of.
      if (OneIn(20000)) text += Repeated(Pick(kWords) + Pick(kSpaces), 2500);
    }
    return text;
  }

  // About something of the text, or of what it is like.
  std::string Line(const std::string& text, size_t number) {
    const bool is_of_any = OneIn(3);
    const std::string form = is_html_ ? View(text) : Form(text);
    // What is not normalised is found in the text itself.
    const std::string view = is_of_any && OneIn(2) ? text : form;
    const std::string target = is_of_any ? "0" : is_html_ ? "3" : "7";
    return "V" + std::to_string(number) + ";Engine:81-255,Target:" + target +
           ";" + Pick(kLogics) + ";" + AnyPattern(view, true) + ";" +
           AnyPattern(view, false) + ";" + AnyPattern(view, false);
  }

 private:
  using Strings = std::vector<std::string>;
  std::string Pick(const Strings& from) { return from.at(Below(from.size())); }

  static std::string Repeated(const std::string& piece, size_t count) {
    std::string all;
    for (; count > 0; --count) all += piece;
    return all;
  }

  // The normalised form; nearly, which is enough here.
  static std::string Form(const std::string& text) {
    std::string form;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool is_space = std::isspace(byte) != 0;
      if (is_space && !form.empty() && form.back() == ' ') continue;
      if (is_space) form += ' ';
      if (!is_space && byte >= ' ' && byte < 0x80) {
        form += static_cast<char>(std::tolower(byte));
      }
    }
    return form;
  }

  // One of HTML's.
  std::string View(const std::string& text) {
    NormalisedViews views;
    const auto all = views.Make(AsBytes(text), NormalisedForm::kHtml);
    return std::string(AsText(all[Below(all.size())].bytes));
  }

  static std::string Hex(const std::string& bytes) {
    return HexText(AsBytes(bytes));
  }

  std::string Piece(const std::string& view) {
    std::string piece = view.substr(Below(view.size() + 1), 3 + Below(20));
    if (OneIn(8) && !piece.empty()) piece.at(Below(piece.size())) = 'z';
    if (piece.size() < 3) piece += "fun";
    return piece;
  }

  std::string Pattern(const std::string& view) {
    std::string pattern;
    if (OneIn(6)) pattern = OneIn(2) ? "0:" : "0,7:";
    if (OneIn(12)) pattern = "EOF-" + std::to_string(Below(30)) + ":";
    if (!pattern.empty() && OneIn(2)) {
      return pattern + Hex(view.substr(0, 3 + Below(9)) + "fu");
    }
    pattern += Hex(Piece(view));
    if (OneIn(4)) pattern += "(61|20|3b)" + Hex(Piece(view));
    if (OneIn(8)) pattern += "(66|206f6f|3b20)" + Hex(Piece(view));
    if (OneIn(5)) pattern += "??" + Hex(Piece(view));
    if (OneIn(5)) pattern += Pick(kGaps) + Hex(Piece(view));
    if (OneIn(6)) pattern += Pick(kGaps) + Hex(Piece(view));
    if (OneIn(8)) pattern += "(B)";
    if (OneIn(3)) pattern += "::i";
    return pattern;
  }

  // Several pieces that follow each other, of which any may be the rare one.
  std::string PatternOfParts(const std::string& view) {
    std::string pattern;
    size_t at = Below(view.size() + 1);
    for (size_t i = 2 + Below(3); i > 0; --i) {
      const std::string piece =
          view.substr(std::min(at, view.size()), 2 + Below(OneIn(2) ? 3 : 20));
      at += piece.size();
      pattern += Hex(piece.size() < 2 ? "fu" : piece);
      if (i == 1) break;
      if (at < view.size() && OneIn(3)) {
        const std::string next = Hex(view.substr(at++, 1));
        pattern += OneIn(2) ? "(7a7a|" + next + "|3b)" : "(3b|" + next + ")";
      } else {
        at += Below(9);
        pattern += OneIn(4) ? Pick(kGaps) : "{0-20}";
      }
    }
    return pattern;
  }

  // One of each form of one word or two, or a number about the first pattern.
  std::string Special(const std::string& view, bool is_first) {
    if (!is_first && OneIn(2)) {
      return "0(>>" + std::to_string(Below(9)) + "#ib1#" + Pick(kConditions) +
             std::to_string(OneIn(2) ? 0x20 : 0x61 + Below(26)) + ")";
    }
    return Hex(view.substr(Below(view.size() + 1), 3 + Below(9)) + "fun") +
           Pick(kForms);
  }

  std::string AnyPattern(const std::string& view, bool is_first) {
    if (OneIn(6)) return PatternOfParts(view);
    return OneIn(8) ? Special(view, is_first) : Pattern(view);
  }

  const Strings kWords = {"fun",   "Function",     "; function", "VAR", "a",
                          ";",     "ooo",          "unction",    "\"",  "xYz",
                          "] + [", "end function", "(",          "Chr", "9"};
  const Strings kDropped = {"\xc3\xa9", "\x07", "\xff", "\xe2\x82\xac", "\x08"};
  const Strings kSpaces = {" ",      "  ",      "\n", "\r\n\t",
                           " \xc3 ", "\t \x07", " ",  "\n\n    "};
  const Strings kLogics = {"0",     "0&1",       "0|1",   "0>2",
                           "0=3",   "(0&1)|2",   "0&1=0", "(0|1|2)>1,2",
                           "0&1&2", "(0|1)&2>1", "0>5",   "0<2&1"};

  const Strings kGaps = {"{0-400}", "*", "{-9}", "{3}", "{2-}", "{5-90}"};
  const Strings kForms = {"::w", "::wa", "::iwa", "::f", "::fa", "::i"};
  const Strings kConditions = {"=", "<", ">"};

  const Strings kMarkup = {"<b>",
                           "</I>",
                           "<!-- x -->",
                           "<p class='Fun a'>",
                           "&amp;",
                           "\n",
                           "<a href='Fun/xYz'>",
                           "<img src=Fun>",
                           "<script>fun a</script>",
                           "a line that is longer than what is not worth it",
                           "fun ooo a 9 fun ooo"};

  bool is_html_;
  std::mt19937_64 random_;
};

struct Round {
  std::string wrong;
  AgreementCounts counts;
};

Round RunRound(uint64_t seed, bool is_html) {
  TextMaker maker(seed, is_html);
  Agreement agreement(kStepsMax);
  std::vector<std::string> texts;
  for (size_t i = 0; i < kTexts; ++i) texts.push_back(maker.Text());
  std::string lines;
  for (size_t i = 0; i < kLines; ++i) {
    const MatchingLine line{"ldb", maker.Line(texts.at(i % kTexts), i)};
    lines += "  " + line.text + "\n";
    if (const auto wrong = agreement.AddLine(line)) {
      return {*wrong + "\n" + lines, {}};
    }
  }
  if (const auto wrong = agreement.Compile()) return {*wrong, {}};
  for (const std::string& text : texts) {
    oracle::Subject subject;
    subject.bytes = text;
    subject.target = is_html ? 3 : 7;
    if (const auto wrong = agreement.Compare(subject, 4096)) {
      const std::string shown =
          text.size() > 4000 ? "" : HexText(AsBytes(text));
      return {*wrong + "\n" + lines + shown, agreement.counts()};
    }
  }
  return {"", agreement.counts()};
}

void RunRounds(bool is_html) {
  const uint64_t first =
      NumberFrom("GATEHOUSE_TEST_SEED", std::random_device()());
  const uint64_t cases = NumberFrom("GATEHOUSE_TEST_CASES", kCasesUsual);
  AgreementCounts counts;
  uint64_t seed = first;
  for (; counts.cases < cases; ++seed) {
    const Round round = RunRound(seed, is_html);
    counts.cases += round.counts.cases;
    counts.matches += round.counts.matches;
    counts.limited += round.counts.limited;
    ASSERT_EQ(round.wrong, "")
        << "GATEHOUSE_TEST_SEED=" << seed << " GATEHOUSE_TEST_CASES=1";
  }
  std::cout << "seed " << first << ": " << seed - first << " rounds, "
            << counts.cases << " cases, " << counts.matches << " matches, "
            << counts.limited << " limited" << std::endl;
  if (cases < kCasesUsual) return;
  // Else the cases would say little.
  EXPECT_GT(counts.matches, counts.cases / 200);
  EXPECT_LT(counts.limited, counts.cases / 1000);
}

TEST(ViewOracleTest, AScannerFindsWhatIsInATextAndInItsNormalisedForm) {
  RunRounds(false);
}

TEST(ViewOracleTest, AScannerFindsWhatIsInHtmlAndInItsViews) {
  RunRounds(true);
}

}  // namespace
}  // namespace gatehouse
