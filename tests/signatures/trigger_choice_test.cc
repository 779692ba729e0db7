#include "signatures/trigger_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "signatures/clamav/ldb_line.h"
#include "signatures/clamav/ndb_line.h"

namespace gatehouse {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Bytes that no clean file has, and some that all have.
constexpr std::string_view kRare = "d1f3a7c5e9b1d3f7";
constexpr std::string_view kRarer = "f1d7e3c9a5b7f9d1e3b9";
constexpr std::string_view kCommon = "0000000000000000";

class TriggerChoiceTest : public testing::Test {
 protected:
  static Signature Parsed(const std::string& line) {
    auto parsed = ParseLdbLine(line);
    EXPECT_TRUE(std::holds_alternative<Signature>(parsed)) << line;
    return std::get<Signature>(std::move(parsed));
  }

  // The atoms of each group of triggers.
  std::vector<std::vector<int>> AtomsOf(const Signature& signature) const {
    std::vector<std::vector<int>> groups;
    for (const TriggerChoice& choice : ChooseTriggers(signature, 8, rates_)) {
      std::vector<int> atoms;
      for (const TriggerLiteral& literal : choice.literals) {
        atoms.push_back(literal.atom);
      }
      for (const uint16_t atom : choice.anchored_atoms) atoms.push_back(atom);
      groups.push_back(atoms);
    }
    return groups;
  }

  std::vector<std::vector<int>> Chosen(const std::string& logic,
                                       const std::vector<std::string>& atoms) {
    std::string line = "Name;Engine:81-255,Target:0;" + logic;
    for (const std::string& atom : atoms) line += ";" + atom;
    signature_ = Parsed(line);
    return AtomsOf(signature_);
  }

  const LiteralRates rates_ = LiteralRates::BuiltIn();
  Signature signature_;
};

const std::string kA(kRare);
const std::string kB(kRarer);
const std::string kZeros(kCommon);

TEST_F(TriggerChoiceTest, TakesTheRarestMemberOfAnAnd) {
  EXPECT_THAT(Chosen("0&1&2", {kZeros, kA, kZeros}),
              ElementsAre(ElementsAre(1)));
}

TEST_F(TriggerChoiceTest, TakesEveryMemberOfAnOr) {
  EXPECT_THAT(Chosen("0|1", {kA, kB}), ElementsAre(UnorderedElementsAre(0, 1)));
}

TEST_F(TriggerChoiceTest, LeavesOutWhatMayBeMissingOfManyDifferentOnes) {
  // Two of three: one of any two is there.
  EXPECT_THAT(Chosen("(0|1|2)>1,2", {kA, kZeros, kB}),
              ElementsAre(UnorderedElementsAre(0, 2)));
}

TEST_F(TriggerChoiceTest, WantsAllWhenMembersMayCountTwice) {
  EXPECT_THAT(Chosen("(0|1|2)>1", {kA, kB, kB + "aa"}),
              ElementsAre(UnorderedElementsAre(0, 1, 2)));
}

// Each expression asks for the one before, twice: who follows all ways never
// ends.
TEST_F(TriggerChoiceTest, TriggersThatAskForTriggersAreReadOnce) {
  for (const std::string both : {"&", "|"}) {
    std::string line = "N;Engine:81-255,Target:0;60;" + kA;
    for (int i = 0; i < 60; ++i) {
      const std::string before = std::to_string(i);
      line += ";" + before + both + before + "/x/";
    }
    signature_ = Parsed(line);
    SortLogic(signature_, rates_);
    const auto choices = ChooseTriggers(signature_, 8, rates_);
    ASSERT_THAT(choices, SizeIs(1));
    EXPECT_THAT(choices.front().literals, SizeIs(1));
  }
}

TEST_F(TriggerChoiceTest, AbsenceNeedsNoTrigger) {
  for (const char* logic : {"0=0", "0<3", "0=0|1"}) {
    const auto parsed =
        Parsed(std::string("N;Engine:81-255,Target:0;") +
               (std::string(logic) == "0=0|1" ? "0=0|1;" + kA + ";" + kB
                                              : logic + (";" + kA)));
    const auto choices = ChooseTriggers(parsed, 8, rates_);
    ASSERT_THAT(choices, SizeIs(1)) << logic;
    EXPECT_TRUE(choices.front().is_always) << logic;
  }
  EXPECT_THAT(Chosen("0=0&1", {kA, kB}), ElementsAre(ElementsAre(1)));
}

TEST_F(TriggerChoiceTest, WhatIsInManyFilesIsAskedForTogether) {
  // "getaddri" and "realloc_" are in many files, and not in most.
  const auto chosen = Chosen("0&1", {"6765746164647269", "7265616c6c6f635f"});
  EXPECT_THAT(chosen, SizeIs(2));
  EXPECT_THAT(chosen, Each(SizeIs(1)));
}

TEST_F(TriggerChoiceTest, APatternAtAPlaceIsLookedAtThere) {
  EXPECT_THAT(Chosen("0", {"0:" + kZeros}), ElementsAre(ElementsAre(0)));
  const auto choices = ChooseTriggers(signature_, 8, rates_);
  EXPECT_THAT(choices.front().literals, IsEmpty());
  EXPECT_THAT(choices.front().anchored_atoms, ElementsAre(0));
}

TEST_F(TriggerChoiceTest, TheLiteralIsTheRarestWindowOfItsRun) {
  (void)Chosen("0", {kZeros + kA + kZeros});
  const auto choices = ChooseTriggers(signature_, 8, rates_);
  ASSERT_THAT(choices.front().literals, SizeIs(1));
  const TriggerLiteral& literal = choices.front().literals.front();
  EXPECT_EQ(literal.bytes.size(), 8U);
  EXPECT_EQ(literal.distance_min, literal.distance_max);
  EXPECT_GE(literal.distance_min, 1U);
  EXPECT_LE(literal.distance_min, 15U);
}

TEST_F(TriggerChoiceTest, WhatHasOnlyShortLiteralsIsSpelledOut) {
  // "vbe" and ".dll" with a six or a seven in between.
  (void)Chosen("0", {"766265(36|37)2e646c6c"});
  const auto choices = ChooseTriggers(signature_, 8, rates_);
  ASSERT_THAT(choices.front().literals, SizeIs(2));
  for (const TriggerLiteral& literal : choices.front().literals) {
    EXPECT_TRUE(literal.is_spelled);
    EXPECT_GE(literal.bytes.size(), 5U);
  }
  // Not what has a good one.
  (void)Chosen("0", {kA + "(36|37)"});
  EXPECT_THAT(ChooseTriggers(signature_, 8, rates_).front().literals,
              SizeIs(1));
}

TEST_F(TriggerChoiceTest, PairsThatAreSpelledOutAreBetterThanWhatIsEverywhere) {
  // Zeros are in all files, and 81e8 and 81c0 in few.
  (void)Chosen("0", {"81(e8|c0)??????0000"});
  const auto choices = ChooseTriggers(signature_, 8, rates_);
  EXPECT_FALSE(choices.front().is_always);
  ASSERT_THAT(choices.front().literals, SizeIs(2));
  EXPECT_THAT(choices.front().literals[0].bytes, SizeIs(2));
}

TEST_F(TriggerChoiceTest, TheBeginningOfATextsFormIsLookedAtThere) {
  signature_ = Parsed("Name;Engine:81-255,Target:7;0;0:7b5c72");
  const auto choices =
      ChooseTriggers(signature_, 8, rates_, LookedThrough::kTextOfView);
  EXPECT_THAT(choices.front().literals, IsEmpty());
  EXPECT_THAT(choices.front().anchored_atoms, ElementsAre(0));
  // No form has such a byte.
  signature_ = Parsed("Name;Engine:81-255,Target:7;0;0:7b00");
  EXPECT_TRUE(ChooseTriggers(signature_, 8, rates_, LookedThrough::kTextOfView)
                  .front()
                  .is_never);
}

TEST_F(TriggerChoiceTest, SortedLogicMeansTheSame) {
  Signature signature = Parsed("N;Engine:81-255,Target:0;((0|1)>2,2)&2&(3=0);" +
                               kZeros + ";" + kA + ";" + kB + ";" + kZeros);
  const Logic before = signature.logic;
  SortLogic(signature, rates_);
  // The rarest is asked first.
  const LogicNode& root = signature.logic.back();
  EXPECT_EQ(root.kind, LogicKind::kAnd);
  EXPECT_EQ(signature.logic[root.left].kind, LogicKind::kAtom);
  EXPECT_EQ(signature.logic[root.left].left, 2);
  size_t counted = 0;
  for (const LogicNode& node : signature.logic) {
    if (node.kind == LogicKind::kOr) {
      EXPECT_EQ(node.comparison, Comparison::kGreater);
      EXPECT_EQ(node.count, 2U);
      EXPECT_EQ(node.different, 2U);
      ++counted;
    }
  }
  EXPECT_EQ(counted, 1U);
  EXPECT_EQ(signature.logic.size(), before.size());
}

TEST_F(TriggerChoiceTest, SortingKeepsTheTriggersOfExpressions) {
  Signature signature = Parsed("N;Engine:81-255,Target:0;0&1&2;" + kZeros +
                               ";" + kA + ";0&1/a+b/");
  SortLogic(signature, rates_);
  const auto& regex = std::get<RegexAtom>(signature.atoms.at(2));
  const LogicNode& trigger = signature.logic.at(regex.trigger);
  EXPECT_EQ(trigger.kind, LogicKind::kAnd);
  EXPECT_EQ(signature.logic[trigger.left].left, 1);
  EXPECT_EQ(signature.logic[trigger.right].left, 0);
}

}  // namespace
}  // namespace gatehouse
