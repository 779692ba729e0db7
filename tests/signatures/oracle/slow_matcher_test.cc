#include "tests/signatures/oracle/slow_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gatehouse::oracle {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SlowMatcher MatcherOf(LineForm form, const std::string& line) {
  SlowMatcher matcher;
  const auto failure = matcher.AddLine(form, line);
  EXPECT_FALSE(failure) << failure->reason;
  return matcher;
}

bool MatchesLine(LineForm form, const std::string& line,
                 const Subject& subject) {
  const SubjectOutcome outcome = MatcherOf(form, line).Match(subject);
  EXPECT_THAT(outcome.unjudged, IsEmpty()) << line;
  return outcome.names.size() == 1;
}

Subject TextOf(std::string bytes) {
  Subject subject;
  subject.bytes = std::move(bytes);
  return subject;
}

// An executable whose entry point is at 4 and whose sections are [2, 6) and
// [6, 10).
Subject ExecutableOf(std::string bytes) {
  Subject subject = TextOf(std::move(bytes));
  subject.target = 1;
  subject.entry_point = 4;
  subject.sections = {{2, 4}, {6, 4}};
  subject.version_strings = {1, 7};
  return subject;
}

struct OffsetCase {
  const char* offset;
  const char* bytes;
  bool matches = false;
};

class OffsetTest : public testing::TestWithParam<OffsetCase> {};

TEST_P(OffsetTest, SaysWhereAPatternMayStart) {
  const std::string line = std::string("X:1:") + GetParam().offset + ":4142";
  EXPECT_EQ(MatchesLine(LineForm::kNdb, line, ExecutableOf(GetParam().bytes)),
            GetParam().matches)
      << GetParam().offset << " in " << GetParam().bytes;
}

INSTANTIATE_TEST_SUITE_P(
    All, OffsetTest,
    testing::Values(OffsetCase{"*", "....AB....", true},
                    OffsetCase{"4", "....AB....", true},
                    OffsetCase{"3", "....AB....", false},
                    OffsetCase{"3,1", "....AB....", true},
                    OffsetCase{"2,1", "....AB....", false},
                    OffsetCase{"5,9", "....AB....", false},
                    OffsetCase{"EOF-2", "........AB", true},
                    OffsetCase{"EOF-2", ".......AB.", false},
                    OffsetCase{"EOF-4,1", ".......AB.", true},
                    OffsetCase{"EOF-11,9", "AB........", false},
                    OffsetCase{"EP+0", "....AB....", true},
                    OffsetCase{"EP+2", "......AB..", true},
                    OffsetCase{"EP-3", ".AB.......", true},
                    OffsetCase{"EP-5", "AB........", false},
                    OffsetCase{"EP-4,4", "....AB....", true},
                    OffsetCase{"S0+1", "...AB.....", true},
                    OffsetCase{"S1+0", "......AB..", true},
                    OffsetCase{"S2+0", "......AB..", false},
                    OffsetCase{"SL+2", "........AB", true},
                    OffsetCase{"SE0", "..AB......", true},
                    OffsetCase{"SE0", "......AB..", true},
                    OffsetCase{"SE0", ".......AB.", false},
                    OffsetCase{"SE0,1", ".......AB.", true},
                    OffsetCase{"SE0", ".AB.......", false},
                    OffsetCase{"SE2", "....AB....", false},
                    OffsetCase{"VI", ".......AB.", true},
                    OffsetCase{"VI", "......AB..", false}));

TEST(SlowMatcherTest, RelativeOffsetsNeverMatchInAnUnreadableExecutable) {
  Subject broken = ExecutableOf("....AB");
  broken.entry_point.reset();
  EXPECT_FALSE(MatchesLine(LineForm::kNdb, "X:1:EOF-2:4142", broken));
  EXPECT_TRUE(MatchesLine(LineForm::kNdb, "X:1:4:4142", broken));
  EXPECT_TRUE(MatchesLine(LineForm::kNdb, "X:1:*:4142", broken));
}

TEST(SlowMatcherTest, TargetZeroIsForAllAndOthersForTheirOwnType) {
  Subject subject = TextOf("ABC");
  EXPECT_TRUE(MatchesLine(LineForm::kNdb, "X:0:*:414243", subject));
  EXPECT_FALSE(MatchesLine(LineForm::kNdb, "X:7:*:414243", subject));
  subject.target = 7;
  EXPECT_TRUE(MatchesLine(LineForm::kNdb, "X:0:*:414243", subject));
  EXPECT_TRUE(MatchesLine(LineForm::kNdb, "X:7:*:414243", subject));
  EXPECT_FALSE(MatchesLine(LineForm::kNdb, "X:3:*:414243", subject));
}

TEST(SlowMatcherTest, ADbLineIsForEveryType) {
  EXPECT_TRUE(MatchesLine(LineForm::kDb, "X=4142*4344", TextOf("AB.CD")));
  EXPECT_FALSE(MatchesLine(LineForm::kDb, "X=4142*4344", TextOf("CDAB")));
}

TEST(SlowMatcherTest, CountsEachSubsignature) {
  const SlowMatcher matcher =
      MatcherOf(LineForm::kLdb,
                "X;Engine:81-255,Target:0;(0|1|2)>5;4142;4142*4344;6162::wa");
  const std::string bytes("AB AB CD CD a\0b\0 ab", 19);
  const SubjectOutcome outcome = matcher.Match(TextOf(bytes));
  EXPECT_THAT(outcome.names, ElementsAre("X"));
  EXPECT_THAT(outcome.signatures.front().counts, ElementsAre(2, 2, 2));
}

TEST(SlowMatcherTest, GatesMustHoldToo) {
  const Subject subject = ExecutableOf("....AB....");
  const auto matches = [&](const std::string& gate) {
    return MatchesLine(LineForm::kLdb,
                       "X;Engine:81-255,Target:1," + gate + ";0;4142", subject);
  };
  EXPECT_TRUE(matches("FileSize:10-10"));
  EXPECT_FALSE(matches("FileSize:11-20"));
  EXPECT_FALSE(matches("FileSize:20-1"));
  EXPECT_TRUE(matches("EntryPoint:4-9"));
  EXPECT_FALSE(matches("EntryPoint:5-9"));
  EXPECT_TRUE(matches("NumberOfSections:1-2"));
  EXPECT_FALSE(matches("NumberOfSections:3-9"));
}

TEST(SlowMatcherTest, WhatItCannotJudgeItSays) {
  const auto unjudged = [](const std::string& rest) {
    return MatcherOf(LineForm::kLdb, "X;Engine:81-255,Target:0" + rest)
        .Match(TextOf("AB"))
        .unjudged.size();
  };
  EXPECT_EQ(unjudged(",Container:CL_TYPE_ZIP;0;4142"), 1);
  EXPECT_EQ(unjudged(";0&1;4142;0/a/"), 1);
  EXPECT_EQ(unjudged(";0;4142"), 0);
}

TEST(SlowMatcherTest, AnAbsurdSignatureIsUnjudged) {
  SlowMatcher matcher(1000);
  EXPECT_FALSE(matcher.AddLine(LineForm::kNdb, "X:0:*:414141(41|4141)42"));
  EXPECT_THAT(matcher.Match(TextOf(std::string(5000, 'A'))).unjudged,
              ElementsAre("X"));
}

struct CompareCase {
  const char* compare;
  std::string field;
  bool holds = false;
};

class ByteCompareTest : public testing::TestWithParam<CompareCase> {};

TEST_P(ByteCompareTest, HoldsOrNot) {
  const std::string line =
      std::string("X;Engine:81-255,Target:0;0&1;61616101;") +
      GetParam().compare;
  EXPECT_EQ(
      MatchesLine(LineForm::kLdb, line, TextOf("..aaa\x01" + GetParam().field)),
      GetParam().holds)
      << GetParam().compare << " in " << GetParam().field;
}

INSTANTIATE_TEST_SUITE_P(
    Raw, ByteCompareTest,
    testing::Values(CompareCase{"0(>>4#ib2#=258)", "\x01\x02", true},
                    CompareCase{"0(>>4#il2#=513)", "\x01\x02", true},
                    CompareCase{"0(>>4#li2#=0x201)", "\x01\x02", true},
                    CompareCase{"0(>>4#ib2#>257,<259)", "\x01\x02", true},
                    CompareCase{"0(>>4#ib2#>257,<258)", "\x01\x02", false},
                    CompareCase{"0(>>0x4#ib1#>127)", "\xff", true},
                    CompareCase{"0(>>4#ib8#<1)",
                                "\xff\x02\x03\x04\x01\x02\x03\x04", true},
                    CompareCase{"0(0#ib2#=24929)", "", true},
                    CompareCase{"0(<<1#ib1#=46)", "", true},
                    CompareCase{"0(<<3#ib1#>0)", "", false},
                    CompareCase{"0(>>4#ib2#>0)", "\x01", false},
                    CompareCase{"0(>>4#i1#=1)", "\x01", false},
                    CompareCase{"0(>>4#ib1#=5)",
                                "\x04"
                                "aaa\x01\x05",
                                true},
                    CompareCase{"0(>>4#ib1#=4)",
                                "\x04"
                                "aaa\x01\x05",
                                false}));
INSTANTIATE_TEST_SUITE_P(
    Text, ByteCompareTest,
    testing::Values(CompareCase{"0(>>4#de3#=123)", "1234", true},
                    CompareCase{"0(>>4#de3#=12)", "12x", false},
                    CompareCase{"0(>>4#d3#=12)", "12x", true},
                    CompareCase{"0(>>4#d3#=3)", " 3 ", true},
                    CompareCase{"0(>>4#d3#<0)", "-12", true},
                    CompareCase{"0(>>4#d3#=0)", "xyz", true},
                    CompareCase{"0(>>4#hb4#=258)", "0102", true},
                    CompareCase{"0(>>4#hl4#=513)", "0102", true},
                    CompareCase{"0(>>4#hbe4#=258)", "0102", true},
                    CompareCase{"0(>>4#hb6#=258)", "0102zz", true},
                    CompareCase{"0(>>4#hbe6#=258)", "0102zz", false},
                    CompareCase{"0(>>4#hb6#=258)", "0x0102", true},
                    CompareCase{"0(>>4#hb4#=0xA)", "000A", true},
                    CompareCase{"0(>>4#ab4#=16)", "0x10", true},
                    CompareCase{"0(>>4#ab4#=16)", "0016", true}));

TEST(SlowMatcherTest, AMacroStandsBehindTheSubsignatureBefore) {
  SlowMatcher matcher;
  ASSERT_FALSE(matcher.AddLine(LineForm::kNdb, "M:0:$3$:4d4d4d"));
  ASSERT_FALSE(matcher.AddLine(LineForm::kLdb,
                               "X;Engine:81-255,Target:0;0&1;4142;${2-4}3$"));
  EXPECT_THAT(matcher.Match(TextOf("AB..MMM")).names, ElementsAre("X"));
  EXPECT_THAT(matcher.Match(TextOf("AB...MMM")).names, IsEmpty());
  EXPECT_THAT(matcher.Match(TextOf("MMMAB")).names, IsEmpty());
}

TEST(SlowMatcherTest, DigestsAreOfTheFileASectionOrTheImports) {
  // Of "abc", by the standards that define the algorithms.
  const std::string md5 = "900150983cd24fb0d6963f7d28e17f72";
  const std::string sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
  EXPECT_TRUE(MatchesLine(LineForm::kHash, md5 + ":3:X", TextOf("abc")));
  EXPECT_FALSE(MatchesLine(LineForm::kHash, md5 + ":4:X", TextOf("abc")));
  EXPECT_TRUE(MatchesLine(LineForm::kHash, md5 + ":*:X:73", TextOf("abc")));
  EXPECT_TRUE(MatchesLine(LineForm::kHash, sha1 + ":3:X", TextOf("abc")));
  Subject subject = ExecutableOf("..abc.....");
  subject.sections = {{0, 1}, {2, 3}};
  EXPECT_TRUE(MatchesLine(LineForm::kSectionHash, "3:" + md5 + ":X", subject));
  EXPECT_FALSE(MatchesLine(LineForm::kImport, md5 + ":3:X", subject));
  subject.import_text = "abc";
  EXPECT_TRUE(MatchesLine(LineForm::kImport, md5 + ":3:X", subject));
}

}  // namespace
}  // namespace gatehouse::oracle
