#include "tests/signatures/oracle/signature_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gatehouse::oracle {
namespace {

using testing::ElementsAre;

struct LineCase {
  LineForm form = LineForm::kNdb;
  std::string line;
};

class LineLoadedTest : public testing::TestWithParam<LineCase> {};
class LineSkippedTest : public testing::TestWithParam<LineCase> {};
class LineMalformedTest : public testing::TestWithParam<LineCase> {};

TEST_P(LineLoadedTest, IsASignature) {
  const auto parsed = ParseLine(GetParam().form, GetParam().line);
  ASSERT_FALSE(IsFailure(parsed)) << std::get<ParseFailure>(parsed).reason;
  EXPECT_EQ(std::get<Signature>(parsed).name, "X");
}

TEST_P(LineSkippedTest, IsSkipped) {
  const auto parsed = ParseLine(GetParam().form, GetParam().line);
  ASSERT_TRUE(IsFailure(parsed)) << GetParam().line;
  EXPECT_EQ(std::get<ParseFailure>(parsed).kind, FailureKind::kSkipped)
      << GetParam().line;
}

TEST_P(LineMalformedTest, IsMalformed) {
  const auto parsed = ParseLine(GetParam().form, GetParam().line);
  ASSERT_TRUE(IsFailure(parsed)) << GetParam().line;
  EXPECT_EQ(std::get<ParseFailure>(parsed).kind, FailureKind::kMalformed)
      << GetParam().line;
}

LineCase Ndb(std::string line) { return {LineForm::kNdb, std::move(line)}; }
LineCase Ldb(std::string line) { return {LineForm::kLdb, std::move(line)}; }
LineCase Db(std::string line) { return {LineForm::kDb, std::move(line)}; }
LineCase Hash(std::string line) { return {LineForm::kHash, std::move(line)}; }

const std::string kMd5(32, 'a');

INSTANTIATE_TEST_SUITE_P(
    Ndb, LineLoadedTest,
    testing::Values(Ndb("X:0:*:616161"), Ndb("X:*:*:616161"),
                    Ndb("X:0:*:616161:216"), Ndb("X:0:*:616161:1:216"),
                    Ndb("X:1:EP+0:6161"), Ndb("X:1:EP-5,7:6161"),
                    Ndb("X:6:S0+0:6161"), Ndb("X:9:SL+3:6161"),
                    Ndb("X:1:SE1:6161"), Ndb("X:1:VI:6161"),
                    Ndb("X:0:$31$:616161"), Ndb("X:2:*:6161"),
                    Ndb("X:0:EOF-5,5:616161"), Ndb("X:0:*:616161\r")));
INSTANTIATE_TEST_SUITE_P(Ndb, LineSkippedTest,
                         testing::Values(Ndb("# X:0:*:616161"), Ndb(""),
                                         Ndb("X:15:*:616161"),
                                         Ndb("X:0:*:616161:217"),
                                         Ndb("X:0:*:616161:1:215")));
INSTANTIATE_TEST_SUITE_P(
    Ndb, LineMalformedTest,
    testing::Values(
        Ndb("X:a:*:616161"), Ndb("X:-1:*:616161"), Ndb("X:0:*:"), Ndb("X:0:*"),
        Ndb("X:0:*:616161:a"), Ndb("X:0:*:616161:1:2:3"), Ndb(":0:*:616161"),
        Ndb("X:0:EP+0:616161"), Ndb("X:2:EP+0:616161"), Ndb("X:1:SE1+2:6161"),
        Ndb("X:1:S1:6161"), Ndb("X:1:Sx+1:6161"), Ndb("X:1:S1-1:6161"),
        Ndb("X:1:SL-1:6161"), Ndb("X:1:EP:6161"), Ndb("X:1:EP*1:6161"),
        Ndb("X:7:VI:6161"), Ndb("X:0:$32$:616161"), Ndb("X:0:*:6161"),
        Ndb("X:0:0,a:616161"), Ndb("X:0:*,5:616161"), Ndb("X:0:0x0b:616161"),
        Ndb("X:0:*:616161 "), Ndb("X:0:" + std::string(65, '1') + ":616161")));

INSTANTIATE_TEST_SUITE_P(Db, LineLoadedTest,
                         testing::Values(Db("X=616161"), Db("X=6161*6262")));
INSTANTIATE_TEST_SUITE_P(Db, LineMalformedTest,
                         testing::Values(Db("X:616161"), Db("X="),
                                         Db("=616161"), Db("X=6161"),
                                         Db("X=616161="), Db("X = 616161")));

INSTANTIATE_TEST_SUITE_P(
    Hash, LineLoadedTest,
    testing::Values(Hash(kMd5 + ":1:X"), Hash(kMd5 + ":4294967294:X"),
                    Hash(kMd5 + "aaaaaaaa:1:X:1:255"), Hash(kMd5 + ":*:X:73"),
                    Hash(kMd5 + kMd5 + ":1:X"),
                    LineCase{LineForm::kSectionHash, "1:" + kMd5 + ":X"},
                    LineCase{LineForm::kImport, kMd5 + ":*:X"}));
INSTANTIATE_TEST_SUITE_P(
    Hash, LineMalformedTest,
    testing::Values(Hash(kMd5 + ":0:X"), Hash(kMd5 + ":4294967295:X"),
                    Hash(kMd5 + "aa:1:X"), Hash(kMd5 + ":*:X"),
                    Hash(kMd5 + ":*:X:72"), Hash(kMd5 + ":1:X:1:2:3"),
                    Hash(kMd5 + ":1"), Hash("g" + kMd5.substr(1) + ":1:X"),
                    Hash("1:" + kMd5 + ":X")));

const std::string kHead = "X;Engine:81-255,Target:0;";

std::string Numbered(int count) {
  std::string logic;
  std::string subsignatures;
  for (int index = 0; index < count; ++index) {
    logic += (index == 0 ? "" : "&") + std::to_string(index);
    subsignatures += ";6161";
  }
  return kHead + logic + subsignatures;
}

INSTANTIATE_TEST_SUITE_P(
    Ldb, LineLoadedTest,
    testing::Values(
        Ldb(kHead + "0;6161"), Ldb("X;Target:0;0;6161"),
        Ldb("X;Engine:51-255,Target:0,FileSize:1-9;0;6161"),
        Ldb("X;Engine:81-255,Target:1,EntryPoint:1-9;0;6161"),
        Ldb("X;Engine:81-255,Target:9,NumberOfSections:1-9;0;6161"),
        Ldb("X;Engine:81-255,Target:0,Container:CL_TYPE_ZIP;0;6161"),
        Ldb(kHead + "0&1;6161;0/a;b/"), Ldb(kHead + "0&1;6161;2,5:0/a/ig"),
        Ldb(kHead + "0&1;6161;0(>>4#ib2#=258)"),
        Ldb(kHead + "0&1;6161;${0-4}1$"), Ldb(kHead + "0;6161::"),
        Ldb(kHead + "0;EOF-9,2:6161::iwaf"), Ldb(Numbered(64))));
INSTANTIATE_TEST_SUITE_P(
    Ldb, LineSkippedTest,
    testing::Values(Ldb("X;Engine:217-255,Target:0;0;6161"),
                    Ldb("X;Engine:1-60,Target:0;0;6161"),
                    Ldb("X;Engine:81-255,Target:15;0;6161"),
                    Ldb("X;Engine:81-255,Target:0,Colour:1;0;6161")));
INSTANTIATE_TEST_SUITE_P(
    Ldb, LineMalformedTest,
    testing::Values(Ldb("X;Target:0,Engine:81-255;0;6161"),
                    Ldb("X;Engine:81-255;0;6161"),
                    Ldb("X;Engine:50-255,Target:0,FileSize:1-9;0;6161"),
                    Ldb("X;Engine:81,Target:0;0;6161"), Ldb("X;;0;6161"),
                    Ldb("X;Engine:81-255,Target:0,FileSize:9;0;6161"),
                    Ldb("X;Engine:81-255,Target:0,EntryPoint:1-9;0;6161"),
                    Ldb("X;Engine:81-255,Target:0,NumberOfSections:1-9;0;6161"),
                    Ldb("X;Engine:81-255,Target:0,IconGroup1:a;0;6161"),
                    Ldb("X;Engine:81-255,Target:*;0;6161"),
                    Ldb("X;Engine:81-255,,Target:0;0;6161"),
                    Ldb(kHead + "1;6161"), Ldb(kHead + "0;6161;6161"),
                    Ldb(kHead + "0&1;6161"), Ldb(kHead + ";6161"),
                    Ldb(kHead + "0"), Ldb("X"),
                    Ldb(";Engine:81-255,Target:0;0;6161"), Ldb(kHead + "0;"),
                    Ldb(kHead + "0;6161;"), Ldb(kHead + "0;6161::x"),
                    Ldb(kHead + "0;6161:i"), Ldb(kHead + "0;EP+0:6161"),
                    Ldb(kHead + "0;6161/"), Ldb(kHead + "0&1;6161;/a/"),
                    Ldb(kHead + "0&1;6161;0//"), Ldb(kHead + "0;${0-4}1$"),
                    Ldb(kHead + "0&1;6161;0(>>4#ib3#=1)"), Ldb(Numbered(65))));

class ByteCompareRefusedTest : public testing::TestWithParam<const char*> {};

TEST_P(ByteCompareRefusedTest, IsNoByteCompare) {
  EXPECT_TRUE(IsFailure(ParseByteCompare(GetParam()))) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(All, ByteCompareRefusedTest,
                         testing::Values("0(4#ib2#=2)", "0(>>4#2il#=5)",
                                         "0(>>4#ib3#=1)", "0(>>4#dl3#=1)",
                                         "0(>>4#hb19#=1)", "0(>>4#hb4#=A)",
                                         "0(>>4#ib1#!0)", "0(>>4#ib1#>0,<9,=4)",
                                         "0(>>4#ib1#)", "0(>>4##>0)",
                                         "0(>>4#zb1#>0)", "(>>4#ib1#>0)",
                                         "0(>>4#ib1#>0", "0(>>4#ib1)"));

TEST(SignatureLineTest, ReadsEveryPartOfAnOffset) {
  const auto parsed = ParseOffset("EP-5,7", 1);
  ASSERT_FALSE(IsFailure(parsed));
  const auto& field = std::get<OffsetField>(parsed);
  EXPECT_EQ(field.base, OffsetBase::kEntryPoint);
  EXPECT_EQ(field.value, -5);
  EXPECT_EQ(field.shift, 7);
}

TEST(SignatureLineTest, ASemicolonInARegexIsNoSeparator) {
  EXPECT_THAT(SplitLogicalLine("a/b;c/d;0&1;61;0/x;\\/;y/i;62"),
              ElementsAre("a/b", "c/d", "0&1", "61", "0/x;\\/;y/i", "62"));
}

}  // namespace
}  // namespace gatehouse::oracle
