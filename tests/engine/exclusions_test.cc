#include "engine/exclusions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {
namespace {

using testing::HasSubstr;

struct PathCase {
  std::string_view pattern;
  std::string_view path;
  bool file;    // As an exclusion of a file.
  bool folder;  // As one of a folder.
};
class Matching : public testing::TestWithParam<PathCase> {};

TEST_P(Matching, OfFilesAndFolders) {
  const PathCase& one = GetParam();
  EXPECT_EQ(MatchesPath(one.pattern, one.path, false), one.file)
      << one.pattern << " " << one.path;
  EXPECT_EQ(MatchesPath(one.pattern, one.path, true), one.folder)
      << one.pattern << " " << one.path;
}

// The examples of Defender's documentation, and their neighbours.
INSTANTIATE_TEST_SUITE_P(
    Exclusions, Matching,
    testing::Values(
        PathCase{"/var/log/test.log", "/var/log/test.log", true, false},
        PathCase{"/var/log/test.log", "/var/log/test.log2", false, false},
        PathCase{"/var/log/test.log", "/var/log", false, false},
        PathCase{"/var/log/*.log", "/var/log/test.log", true, false},
        PathCase{"/var/log/*.log", "/var/log/.log", true, false},
        PathCase{"/var/log/*.log", "/var/log/a/test.log", false, false},
        PathCase{"/var/log/install.?.log", "/var/log/install.1.log", true,
                 false},
        PathCase{"/var/log/install.?.log", "/var/log/install.12.log", false,
                 false},
        PathCase{"/var/log", "/var/log/test.log", false, true},
        PathCase{"/var/log", "/var/log/a/b/test.log", false, true},
        PathCase{"/var/log", "/var/logs/test.log", false, false},
        PathCase{"/var/log", "/other/var/log/test.log", false, false},
        // Sub-directories only, not files directly in /var.
        PathCase{"/var/*", "/var/file", true, false},
        PathCase{"/var/*", "/var/abc/file", true, true},
        PathCase{"/var/*/tmp", "/var/abc/tmp/file", false, true},
        PathCase{"/var/*/tmp", "/var/abc/log/file", false, false},
        PathCase{"/var/*/tmp", "/var/a/b/tmp/file", false, false},
        PathCase{"/home/*/git", "/home/eve/git/a/b", false, true},
        PathCase{"/opt/file?.log", "/opt/file1.log", true, false},
        PathCase{"/opt/file?.log", "/opt/file123.log", false, false},
        PathCase{"/a*b*c/x", "/a123b456c/x", true, false},
        PathCase{"/a*b*c/x", "/a123c456b/x", false, false},
        PathCase{"/**/x", "/anything/x", true, false},
        PathCase{"/a/b", "", false, false},
        PathCase{"/a/b", "/", false, false}));

Exclusion Of(ExclusionKind kind, std::string text,
             ExclusionScope scope = ExclusionScope::kEpp) {
  return {kind, std::move(text), scope, false};
}

TEST(CheckedExclusionTest, GivesTheProperForm) {
  EXPECT_EQ(CheckedExclusion(Of(ExclusionKind::kFolder, "//var///log/"))->text,
            "/var/log");
  EXPECT_EQ(CheckedExclusion(Of(ExclusionKind::kExtension, "test"))->text,
            ".test");
  EXPECT_EQ(CheckedExclusion(Of(ExclusionKind::kExtension, ".tar.gz"))->text,
            ".tar.gz");
  EXPECT_EQ(CheckedExclusion(Of(ExclusionKind::kProcess, "c?t"))->text, "c?t");
  EXPECT_EQ(CheckedExclusion(Of(ExclusionKind::kProcess, "/bin//cat"))->text,
            "/bin/cat");
}

TEST(CheckedExclusionTest, RefusesAndSaysWhy) {
  const auto expect = [](ExclusionKind kind, std::string_view text,
                         const char* why) {
    const Result<Exclusion> checked =
        CheckedExclusion(Of(kind, std::string(text)));
    ASSERT_FALSE(checked.has_value()) << text;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidInput);
    EXPECT_THAT(checked.error().message, HasSubstr(why));
  };
  expect(ExclusionKind::kFile, "", "absolute");
  expect(ExclusionKind::kFile, "var/log", "absolute");
  expect(ExclusionKind::kFolder, "/var/../etc", "'..'");
  expect(ExclusionKind::kFolder, "/", "everything");
  expect(ExclusionKind::kFolder, "///", "everything");
  expect(ExclusionKind::kFolder, "/*", "everything");
  expect(ExclusionKind::kFile, std::string_view("/a\0b", 4), "NUL");
  expect(ExclusionKind::kExtension, "", "no file extension");
  expect(ExclusionKind::kExtension, ".", "no file extension");
  expect(ExclusionKind::kExtension, "a/b", "no file extension");
  expect(ExclusionKind::kExtension, "*", "no file extension");
  expect(ExclusionKind::kProcess, "", "every process");
  expect(ExclusionKind::kProcess, "*", "every process");
}

TEST(CheckedExclusionTest, GlobalScopeIsForFullPathsOnly) {
  for (const Exclusion& exclusion :
       {Of(ExclusionKind::kFile, "/var/*.log", ExclusionScope::kGlobal),
        Of(ExclusionKind::kExtension, ".log", ExclusionScope::kGlobal),
        Of(ExclusionKind::kProcess, "cat", ExclusionScope::kGlobal)}) {
    EXPECT_FALSE(CheckedExclusion(exclusion).has_value()) << exclusion.text;
  }
  EXPECT_TRUE(CheckedExclusion(Of(ExclusionKind::kProcess, "/bin/cat",
                                  ExclusionScope::kGlobal))
                  .has_value());
}

TEST(ExclusionsTest, ExcludesByEachKind) {
  Exclusions exclusions;
  EXPECT_FALSE(exclusions.any_path() || exclusions.any_process());
  exclusions.Set({Of(ExclusionKind::kFile, "/data/one"),
                  Of(ExclusionKind::kFolder, "/data/folder"),
                  Of(ExclusionKind::kExtension, ".test"),
                  Of(ExclusionKind::kProcess, "/usr/bin/cat"),
                  Of(ExclusionKind::kProcess, "hea?")});
  EXPECT_TRUE(exclusions.any_path() && exclusions.any_process());
  EXPECT_TRUE(exclusions.ExcludesPath("/data/one"));
  EXPECT_TRUE(exclusions.ExcludesPath("/data/folder/a/b"));
  EXPECT_TRUE(exclusions.ExcludesPath("/any/where.test"));
  EXPECT_FALSE(exclusions.ExcludesPath("/data/two"));
  EXPECT_FALSE(exclusions.ExcludesPath("/any/.test")) << "that is its name";
  EXPECT_TRUE(exclusions.ExcludesProcess("/usr/bin/cat"));
  EXPECT_FALSE(exclusions.ExcludesProcess("/home/eve/usr/bin/cat"));
  EXPECT_TRUE(exclusions.ExcludesProcess("/anywhere/head"));
  EXPECT_FALSE(exclusions.ExcludesProcess("/anywhere/header"));
}

TEST(ExclusionsTest, TheUnknownIsNeverExcluded) {
  Exclusions exclusions;
  exclusions.Set(
      {Of(ExclusionKind::kFolder, "/data"), Of(ExclusionKind::kProcess, "c*")});
  EXPECT_FALSE(exclusions.ExcludesPath(""));
  EXPECT_FALSE(exclusions.ExcludesProcess(""));
}

TEST(ExclusionsTest, ScansOnDemandSeeWhatIsExcludedGlobally) {
  Exclusions exclusions;
  exclusions.Set(
      {Of(ExclusionKind::kFolder, "/global", ExclusionScope::kGlobal),
       Of(ExclusionKind::kFolder, "/epp")});
  EXPECT_TRUE(exclusions.ExcludesPath("/global/file"));
  EXPECT_FALSE(exclusions.ExcludesFromScan("/global/file"));
  EXPECT_TRUE(exclusions.ExcludesPath("/epp/file"));
  EXPECT_TRUE(exclusions.ExcludesFromScan("/epp/file"));
}

TEST(ExclusionsTest, WordsGoBothWays) {
  for (const ExclusionKind kind :
       {ExclusionKind::kFile, ExclusionKind::kFolder, ExclusionKind::kExtension,
        ExclusionKind::kProcess}) {
    EXPECT_EQ(ExclusionKindOf(ExclusionKindWord(kind)).value(), kind);
  }
  EXPECT_EQ(ExclusionScopeOf("global").value(), ExclusionScope::kGlobal);
  EXPECT_FALSE(ExclusionKindOf("path").has_value());
  EXPECT_FALSE(ExclusionScopeOf("all").has_value());
}

}  // namespace
}  // namespace gatehouse
