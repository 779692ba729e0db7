// Texts and HTML that are too large for normalised views: clean only where no
// signature could have matched one.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "engine/format/normalised_views.h"
#include "engine/scanner.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/signatures_for_tests.h"

namespace gatehouse {
namespace {

// Stands in the normalised form only, of what tests write.
std::unique_ptr<Scanner> ScannerForViews(Target target) {
  Signatures signatures;
  signatures.bodies.push_back(
      LiteralSignature("A", AsBytes("second word; third")));
  signatures.bodies.back().target = target;
  auto set = SignatureSet::Compile(std::move(signatures));
  EXPECT_TRUE(set.has_value());
  auto scanner = Scanner::Create(std::move(*set));
  EXPECT_TRUE(scanner.has_value());
  return std::move(*scanner);
}

Verdict ScanOf(Scanner& scanner, const std::string& content) {
  return scanner.Scan(FileOf(content).UnsafeFd(), {});
}

// So many bytes, of which the last are these.
std::string TextWith(size_t bytes, const std::string& tail) {
  std::string text;
  text.reserve(bytes + 64);
  while (text.size() + tail.size() < bytes) text += "Some line of text.\n";
  text.resize(bytes - tail.size());
  return text + tail;
}

TEST(ViewLimitsTest, ATextThatIsTooLongIsNotCleanIfItsFormMayMatch) {
  const auto scanner = ScannerForViews(Target::kText);
  const std::string tail = "\nSecond \n WORD; third";
  EXPECT_EQ(ScanOf(*scanner, TextWith(kTextFileBytesMax, tail)).threat_name,
            "A");
  const Verdict verdict =
      ScanOf(*scanner, TextWith(kTextFileBytesMax + 1, tail));
  EXPECT_EQ(verdict.kind, VerdictKind::kNotScanned);
  EXPECT_EQ(verdict.reason, NotScannedReason::kWorkLimit);
}

TEST(ViewLimitsTest, ATextThatIsTooLongIsCleanIfItsFormCannotMatch) {
  const auto scanner = ScannerForViews(Target::kText);
  for (const char* const tail :
       {"\nnothing", "\nsecond other word; third", "\nword; third second"}) {
    EXPECT_EQ(ScanOf(*scanner, TextWith(kTextFileBytesMax + 1, tail)).kind,
              VerdictKind::kClean)
        << tail;
  }
}

TEST(ViewLimitsTest, HtmlThatIsTooLongIsNotClean) {
  const auto scanner = ScannerForViews(Target::kHtml);
  const std::string head = "<html>";
  EXPECT_EQ(
      ScanOf(*scanner, head + TextWith(kHtmlNoTagsFileBytesMax - 6, "")).kind,
      VerdictKind::kClean);
  for (const size_t bytes : {kHtmlNoTagsFileBytesMax, kHtmlFileBytesMax}) {
    const Verdict verdict = ScanOf(*scanner, head + TextWith(bytes, ""));
    EXPECT_EQ(verdict.kind, VerdictKind::kNotScanned);
    EXPECT_EQ(verdict.reason, NotScannedReason::kWorkLimit);
  }
}

TEST(ViewLimitsTest, HtmlThatIsTooLongIsCleanIfNoSignatureIsAboutIt) {
  const auto scanner = ScannerForViews(Target::kPe);
  EXPECT_EQ(ScanOf(*scanner, "<html>" + TextWith(kHtmlFileBytesMax, "")).kind,
            VerdictKind::kClean);
}

TEST(ViewLimitsTest, WhatTheOwnBytesHaveIsFoundBeyondTheLimit) {
  const auto scanner = ScannerForViews(Target::kAny);
  const std::string tail = "second word; third";
  const Verdict verdict =
      ScanOf(*scanner, "<html>" + TextWith(kHtmlFileBytesMax, tail));
  EXPECT_EQ(verdict.threat_name, "A");
  EXPECT_EQ(verdict.unfinished, NotScannedReason::kWorkLimit);
}

}  // namespace
}  // namespace gatehouse
