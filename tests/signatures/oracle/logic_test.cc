#include "tests/signatures/oracle/logic.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse::oracle {
namespace {

struct LogicCase {
  const char* text;
  std::vector<uint64_t> counts;
  bool holds = false;
};

class LogicTest : public testing::TestWithParam<LogicCase> {};
class LogicRefusedTest : public testing::TestWithParam<const char*> {};

TEST_P(LogicTest, HoldsOrNot) {
  const auto parsed = ParseLogic(GetParam().text);
  ASSERT_FALSE(IsFailure(parsed)) << GetParam().text;
  EXPECT_EQ(Evaluate(std::get<Logic>(parsed), GetParam().counts).holds,
            GetParam().holds)
      << GetParam().text << " with "
      << testing::PrintToString(GetParam().counts);
}

TEST_P(LogicRefusedTest, IsNoLogic) {
  EXPECT_TRUE(IsFailure(ParseLogic(GetParam()))) << GetParam();
}

const LogicCase kIndexes[] = {
    {"0", {1}, true},       {"0", {0}, false},      {"0=0", {0}, true},
    {"0=0", {1}, false},    {"0=2", {2}, true},     {"0=2", {3}, false},
    {"0>1", {2}, true},     {"0>1", {1}, false},    {"0<2", {0}, true},
    {"0<2", {1}, true},     {"0<2", {2}, false},    {"0=1,9", {1}, true},
    {"0==2", {2}, true},    {"0=2,", {2}, true},    {"0>=2", {3}, false},
    {"0&1", {1, 1}, true},  {"0&1", {1, 0}, false}, {"0|1", {0, 1}, true},
    {"0|1", {0, 0}, false},
};

// Outside of parentheses the first operator has all of its right side.
const LogicCase kChains[] = {
    {"0&1|2", {1, 0, 1}, true},    {"0&1|2", {0, 0, 1}, false},
    {"(0&1)|2", {0, 0, 1}, true},  {"0|1&2", {1, 0, 0}, true},
    {"(0|1)&2", {1, 0, 0}, false}, {"((0))", {1}, true},
    {"0&1=2", {1, 2}, true},       {"0&1=2", {1, 1}, false},
};

// Directly inside of parentheses the last operator splits.
const LogicCase kEnclosedChains[] = {
    {"(0|1&2)", {1, 0, 0}, false},
    {"(0|1&2)", {1, 0, 1}, true},
    {"(0&1|2)", {0, 0, 1}, true},
    {"(0|1&2&3)", {1, 0, 0, 1}, true},
    {"(0|1&2&3)", {1, 1, 1, 0}, false},
    {"(0|1&2)&3", {1, 0, 0, 1}, false},
    {"((0|1&2))", {1, 0, 0}, false},
    {"(0|(1&2|3))", {0, 0, 0, 1}, true},
    {"((0|1&(2|3))&4)", {1, 0, 0, 0, 1}, false},
    {"((0|1&(2|3))&4)", {1, 0, 0, 1, 1}, true},
};

const LogicCase kGroups[] = {
    {"(0|1)=2", {1, 1}, true},
    {"(0|1)=2", {0, 2}, true},
    {"(0|1)=2", {2, 2}, false},
    {"(0|1)=2,2", {0, 2}, false},
    {"(0|1)=2,2", {1, 1}, true},
    {"(0|1)>1,2", {2, 0}, false},
    {"(0|1)>1,2", {2, 1}, true},
    {"(0|1)<3", {0, 0}, true},
    {"(0|1)<3,1", {0, 0}, false},
    {"(0&1)=0", {5, 0}, true},
    {"(0&1)=0", {5, 1}, false},
    {"(0&1)<3", {5, 0}, true},
    {"(0|(1&2))>1", {1, 5, 0}, false},
    {"(0|(1&2))>1", {1, 1, 1}, true},
    {"(0=1|1)=2", {2, 2}, true},
    {"(0=1|1)=2", {1, 1}, true},
    {"(0=0|1)=1,2", {0, 1}, true},
    {"(0=0|1)=1,2", {1, 1}, false},
    {"((0|1)=2|2)>2", {1, 1, 1}, true},
    {"((0|1)=2|2)>2,1", {1, 1, 1}, true},
    {"((0|1)=2|2)>2,2", {1, 1, 1}, false},
    {"((0|1)|2)>2,3", {1, 1, 1}, true},
    {"(0|1)=2&2", {1, 1, 1}, true},
    {"(0|1)=2|2", {0, 1, 1}, true},
};

INSTANTIATE_TEST_SUITE_P(Indexes, LogicTest, testing::ValuesIn(kIndexes));
INSTANTIATE_TEST_SUITE_P(Chains, LogicTest, testing::ValuesIn(kChains));
INSTANTIATE_TEST_SUITE_P(EnclosedChains, LogicTest,
                         testing::ValuesIn(kEnclosedChains));
INSTANTIATE_TEST_SUITE_P(Groups, LogicTest, testing::ValuesIn(kGroups));

INSTANTIATE_TEST_SUITE_P(All, LogicRefusedTest,
                         testing::Values("", "&0", "0&", "0&&1", "(0", "0)",
                                         "()", "!0", "0=", "0=,1", "0(1)",
                                         "(0)1", "(0)(1)", "(0)=2", "((0|1))=2",
                                         "((0|1)>1)>2", "(0|1)=1=2", "(0|1)==2",
                                         "x", "0+1"));

TEST(LogicTest, KnowsItsHighestIndex) {
  const auto parsed = ParseLogic("0&(7|3)=2&1");
  ASSERT_FALSE(IsFailure(parsed));
  EXPECT_EQ(HighestIndex(std::get<Logic>(parsed)), 7);
}

}  // namespace
}  // namespace gatehouse::oracle
