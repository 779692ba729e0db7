#include "signatures/packed_load_report.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

LoadReport SomeReport() {
  LoadReport report;
  FileReport file;
  file.file = std::string("a\0b.ndb", 7);
  file.modified_ms = -5;
  file.counts = {8, 1, 2, 3, 4, 5, 6, 7};
  file.unsupported["icons"] = 3;
  file.unsupported["archives"] = 4;
  report.files = {file, {"empty.ldb", 0, {}, {}}};
  report.problems = {{"a.ndb", 17, "no name"}, {"b.ndb", 0, "cannot be read"}};
  report.problems_left_out = 9;
  report.ignored_files = {"readme"};
  report.ignored_files_left_out = 1;
  report.any_size_hashes = 156;
  return report;
}

TEST(PackedLoadReportTest, GivesBackWhatItWasGiven) {
  const Result<LoadReport> opened =
      OpenLoadReport(PackLoadReport(SomeReport()));
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->files.at(0).file, std::string("a\0b.ndb", 7));
  EXPECT_EQ(opened->files.at(0).modified_ms, -5);
  EXPECT_EQ(opened->files.at(0).counts.malformed, 7U);
  EXPECT_EQ(opened->files.at(0).unsupported.at("archives"), 4U);
  EXPECT_EQ(opened->problems.at(0).line, 17U);
  EXPECT_EQ(opened->problems.at(1).reason, "cannot be read");
  EXPECT_EQ(opened->ignored_files, SomeReport().ignored_files);
  EXPECT_EQ(opened->any_size_hashes, 156U);
  // Every member: what is packed again is the same.
  EXPECT_EQ(PackLoadReport(*opened), PackLoadReport(SomeReport()));
}

TEST(PackedLoadReportTest, RefusesWhatIsCutOffOrTooLong) {
  const std::string whole = PackLoadReport(SomeReport());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(OpenLoadReport(whole.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(OpenLoadReport(whole + "x").has_value());
}

// Run with sanitizers: a length that is a lie costs neither memory nor time.
TEST(PackedLoadReportTest, SurvivesEveryChangedByte) {
  std::string bytes = PackLoadReport(SomeReport());
  for (char& byte : bytes) {
    const char right = byte;
    for (const int wrong : {0x01, 0x7f, 0xff}) {
      byte = static_cast<char>(right ^ wrong);
      (void)OpenLoadReport(bytes).has_value();
    }
    byte = right;
  }
}

}  // namespace
}  // namespace gatehouse
