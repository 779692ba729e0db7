// Production's matching against the slow oracle, on random lines and contents.
//
//   GATEHOUSE_TEST_SEED   of the first round; random if not set
//   GATEHOUSE_TEST_CASES  how many; a case is one signature judged on one
//                         content, in all three ways
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "base/bytes.h"
#include "tests/engine/matching/agreement.h"
#include "tests/engine/matching/case_maker.h"
#include "tests/engine/matching/case_shrinker.h"

namespace gatehouse {
namespace {

constexpr uint64_t kCasesUsual = 50'000;
constexpr int kFailuresShown = 5;
constexpr size_t kBlockBytes = size_t{256} << 10;
constexpr uint64_t kStepsMax = 20'000'000;

uint64_t NumberFrom(const char* variable, uint64_t usual) {
  const char* text = std::getenv(variable);
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

// One set of lines, and the contents that it is asked about.
class Round {
 public:
  explicit Round(uint64_t seed) : maker_(seed) {}

  // What is wrong, made small; nothing if nothing is.
  std::string Run() {
    const bool is_large = maker_.dice().OneIn(60);
    const size_t lines = is_large ? 4 : maker_.dice().Between(1, 40);
    for (const MatchingLine& line : maker_.MakeLines(lines)) {
      const auto wrong = agreement_.AddLine(line);
      if (wrong) return *wrong + "\n  " + line.extension + " " + line.text;
      lines_.push_back(line);
    }
    if (const auto wrong = agreement_.Compile()) return *wrong;
    const size_t contents = is_large ? 2 : 30;
    for (size_t index = 0; index < contents; ++index) {
      const auto& signatures = agreement_.signatures();
      const oracle::Subject subject =
          is_large ? maker_.MakeLargeSubject(signatures, kBlockBytes)
                   : maker_.MakeSubject(signatures);
      const size_t block_bytes =
          is_large ? kBlockBytes : maker_.dice().Between(1, 100);
      if (const auto wrong = agreement_.Compare(subject, block_bytes)) {
        return ShrunkenCase({lines_, subject, block_bytes}, kStepsMax);
      }
    }
    return "";
  }

  const AgreementCounts& counts() const { return agreement_.counts(); }

 private:
  CaseMaker maker_;
  Agreement agreement_{kStepsMax};
  std::vector<MatchingLine> lines_;
};

TEST(MatchingOracleTest, ProductionAndTheOracleAgree) {
  const uint64_t first =
      NumberFrom("GATEHOUSE_TEST_SEED", std::random_device()());
  const uint64_t cases = NumberFrom("GATEHOUSE_TEST_CASES", kCasesUsual);
  AgreementCounts counts;
  int failures = 0;
  uint64_t seed = first;
  for (; counts.cases < cases && failures < kFailuresShown; ++seed) {
    Round round(seed);
    const std::string wrong = round.Run();
    counts.cases += round.counts().cases;
    counts.matches += round.counts().matches;
    counts.unjudged += round.counts().unjudged;
    counts.limited += round.counts().limited;
    if (wrong.empty()) continue;
    ADD_FAILURE() << "GATEHOUSE_TEST_SEED=" << seed
                  << " GATEHOUSE_TEST_CASES=1\n"
                  << wrong;
    ++failures;
  }
  std::cout << "seed " << first << ": " << seed - first << " rounds, "
            << counts.cases << " cases, " << counts.matches << " matches, "
            << counts.unjudged << " unjudged, " << counts.limited << " limited"
            << std::endl;
  if (failures != 0 || cases < kCasesUsual) return;
  // Else the cases would say little.
  EXPECT_GT(counts.matches, counts.cases / 50);
  EXPECT_LT(counts.unjudged, counts.cases);
  EXPECT_LT(counts.limited, counts.cases / 1000);
}

}  // namespace
}  // namespace gatehouse
