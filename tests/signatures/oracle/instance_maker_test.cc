#include "tests/signatures/oracle/instance_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gatehouse::oracle {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Parsed<Instance> InstanceOf(LineForm form, const std::string& line) {
  const auto parsed = ParseLine(form, line);
  if (IsFailure(parsed)) return std::get<ParseFailure>(parsed);
  return MakeInstance(std::get<Signature>(parsed));
}

struct MakeableCase {
  LineForm form = LineForm::kLdb;
  std::string line;
};

class MakeableTest : public testing::TestWithParam<MakeableCase> {};

TEST_P(MakeableTest, HasAFileThatMatchesAndOneThatJustDoesNot) {
  const auto& [form, line] = GetParam();
  const auto made = InstanceOf(form, line);
  ASSERT_FALSE(IsFailure(made)) << std::get<ParseFailure>(made).reason;
  const auto& instance = std::get<Instance>(made);
  SlowMatcher matcher;
  ASSERT_FALSE(matcher.AddLine(form, line));
  EXPECT_EQ(matcher.Match(instance.matching).names.size(), 1);
  ASSERT_TRUE(instance.broken);
  EXPECT_EQ(matcher.Match(*instance.broken).names.size(), 0);
  EXPECT_EQ(instance.matching.bytes.size(), instance.broken->bytes.size());
}

MakeableCase Ndb(const std::string& rest) {
  return {LineForm::kNdb, "X:" + rest};
}
MakeableCase Ldb(const std::string& rest) {
  return {LineForm::kLdb, "X;Engine:81-255," + rest};
}

INSTANTIATE_TEST_SUITE_P(
    Ndb, MakeableTest,
    testing::Values(MakeableCase{LineForm::kDb, "X=414243*4445"},
                    Ndb("0:*:4142??ff(43|4445)!(46|47){2-5}4a4?(B)4c4d"),
                    Ndb("0:0:414243"), Ndb("0:100,50:414243"),
                    Ndb("0:EOF-20:414243"), Ndb("0:EOF-20,5:414243"),
                    Ndb("0:*:41[1-2]424344"), Ndb("0:*:424344[1-2]45"),
                    Ndb("0:*:(W)414243(L)"), Ndb("2:*:4142"), Ndb("3:*:6162"),
                    Ndb("3:0:6162"), Ndb("4:*:4142"), Ndb("5:*:4142"),
                    Ndb("5:0:89504e470d0a*4142"), Ndb("7:*:6162"),
                    Ndb("7:0:6162"), Ndb("10:*:4142"), Ndb("11:*:4142"),
                    Ndb("12:*:4142")));
INSTANTIATE_TEST_SUITE_P(
    Executables, MakeableTest,
    testing::Values(Ndb("1:*:4142"), Ndb("1:EP+0:4142"), Ndb("1:EP-200:4142"),
                    Ndb("1:S3+100:4142"), Ndb("1:SL+1000:4142"),
                    Ndb("1:SE1:4142"), Ndb("1:0:4d5a90*4142"),
                    Ndb("1:200:414243"), Ndb("6:EP+0:4142"), Ndb("6:S2+7:4142"),
                    Ndb("6:0:7f454c46*4142"), Ndb("9:EP+4:4142"),
                    Ndb("9:SE0:4142")));
INSTANTIATE_TEST_SUITE_P(
    Ldb, MakeableTest,
    testing::Values(Ldb("Target:0;0&1&2;4142::i;4344::w;4546::fwa"),
                    Ldb("Target:0;0=2&1>1&2<1;4142;4344;4546"),
                    Ldb("Target:0;(0|1|2)>3,2;4142;4344;4546"),
                    Ldb("Target:0;(0|1&2)&3;4142;4344;4546;4748"),
                    Ldb("Target:0,FileSize:1000-2000;0;4142"),
                    Ldb("Target:1,NumberOfSections:7-7;0;4142"),
                    Ldb("Target:1,EntryPoint:5000-6000;0;EP+1:4142"),
                    Ldb("Target:6,FileSize:9000-9000;0&1;EOF-9:4142;4344")));

struct UnmakeableCase {
  LineForm form = LineForm::kLdb;
  std::string line;
  const char* reason = "";
};

class UnmakeableTest : public testing::TestWithParam<UnmakeableCase> {};

TEST_P(UnmakeableTest, SaysWhatIsNeeded) {
  const auto made = InstanceOf(GetParam().form, GetParam().line);
  ASSERT_TRUE(IsFailure(made));
  EXPECT_THAT(std::get<ParseFailure>(made).reason,
              HasSubstr(GetParam().reason));
}

const std::string kHead = "X;Engine:81-255,Target:0";

INSTANTIATE_TEST_SUITE_P(
    All, UnmakeableTest,
    testing::Values(
        UnmakeableCase{LineForm::kLdb, kHead + ",Container:CL_TYPE_ZIP;0;4142",
                       "needs extraction, not comparable"},
        UnmakeableCase{LineForm::kLdb, kHead + ";0&1;4142;0/a/", "a regex"},
        UnmakeableCase{LineForm::kLdb, kHead + ";0&1;4142;${1-2}3$", "a macro"},
        UnmakeableCase{LineForm::kLdb, kHead + ";0&1;0:4142;0:4344",
                       "in its own way"},
        UnmakeableCase{LineForm::kNdb, "X:7:*:4142", "not normal"},
        UnmakeableCase{LineForm::kNdb, "X:13:*:4142", "no file"},
        UnmakeableCase{LineForm::kHash, std::string(32, 'a') + ":1:X",
                       "digest"}));

TEST(InstanceMakerTest, NothingBreaksWhatHoldsWithoutAMatch) {
  const auto made = InstanceOf(LineForm::kLdb, kHead + ";0=0;4142");
  ASSERT_FALSE(IsFailure(made));
  EXPECT_FALSE(std::get<Instance>(made).broken);
}

TEST(InstanceMakerTest, APeFileHasItsSections) {
  const auto made = InstanceOf(LineForm::kNdb, "X:1:S3+100:4142");
  ASSERT_FALSE(IsFailure(made));
  const Subject& subject = std::get<Instance>(made).matching;
  EXPECT_THAT(subject.bytes, StartsWith("MZ"));
  ASSERT_EQ(subject.sections.size(), 4);
  EXPECT_EQ(subject.bytes.substr(subject.sections[3].raw_offset + 100, 2),
            "AB");
}

}  // namespace
}  // namespace gatehouse::oracle
