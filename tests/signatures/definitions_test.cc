#include "signatures/definitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(DefinitionsTest, LoadsEveryKnownFileInOrderOfName) {
  const TempDir folder;
  (void)folder.Write("b.ndb", "B:0:*:aabb\n");
  (void)folder.Write("a.NDB", "A:0:*:aabb\n");
  (void)folder.Write("c.hsb", "00112233445566778899aabbccddeeff:5:C\n");
  const Result<Definitions> loaded = LoadDefinitions(folder.path());
  ASSERT_TRUE(loaded.has_value());
  ASSERT_THAT(loaded->report.files, SizeIs(3));
  EXPECT_EQ(loaded->report.files[0].file, "a.NDB");
  EXPECT_EQ(loaded->report.files[2].file, "c.hsb");
  EXPECT_EQ(loaded->signatures.bodies.at(0).name, "A");
  EXPECT_THAT(loaded->signatures.hashes, SizeIs(1));
  EXPECT_EQ(loaded->report.Totals().loaded, 3U);
}

TEST(DefinitionsTest, ListsOtherFilesAsIgnored) {
  const TempDir folder;
  (void)folder.Write("readme.txt", "x");
  (void)folder.MakeDirectory("old");
  const Result<Definitions> loaded = LoadDefinitions(folder.path());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_THAT(loaded->report.ignored_files, ElementsAre("old", "readme.txt"));
}

TEST(DefinitionsTest, AContainerIsNamedAndNoError) {
  const TempDir folder;
  (void)folder.Write("main.cvd", "x");
  (void)folder.Write("a.ndb", "A:0:*:aabb\n");
  const Result<Definitions> loaded = LoadDefinitions(folder.path());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->report.Totals().loaded, 1U);
  ASSERT_THAT(loaded->report.files, SizeIs(2));
  EXPECT_THAT(loaded->report.files[1].unsupported, SizeIs(1));
  EXPECT_THAT(loaded->report.problems, SizeIs(0));
}

TEST(DefinitionsTest, WhatIsIgnoredIsKnownBeforeItIsRead) {
  const TempDir folder;
  (void)folder.Write("a.ndb", "A.One:0:*:aabb\nA.Two:0:*:aabb\n");
  (void)folder.Write("z.ign2", "A.Two.UNOFFICIAL\n");
  const Result<Definitions> loaded = LoadDefinitions(folder.path());
  ASSERT_TRUE(loaded.has_value());
  ASSERT_THAT(loaded->signatures.bodies, SizeIs(1));
  EXPECT_EQ(loaded->signatures.bodies.front().name, "A.One");
  EXPECT_EQ(loaded->report.Totals().ignored, 1U);
  EXPECT_EQ(loaded->report.Totals().lines, 3U);
}

TEST(DefinitionsTest, AnIgnoredLineIsMeantByItsHash) {
  const TempDir folder;
  // By md5sum, of the two lines without their ends.
  (void)folder.Write("a.ndb", "A.One:0:*:aabb\nA.One:0:*:aabbcc\n");
  (void)folder.Write("z.ign2", "A.One:8f0ed889a501f715b202413c5df1482e\n");
  const Result<Definitions> loaded = LoadDefinitions(folder.path());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->report.Totals().ignored, 1U);
  EXPECT_EQ(loaded->report.Totals().loaded, 2U);
}

TEST(DefinitionsTest, WhatIsUnwantedIsLoadedWhenItIsAskedFor) {
  const TempDir folder;
  (void)folder.Write("a.ndu", "PUA.One:0:*:aabb\n");
  EXPECT_EQ(LoadDefinitions(folder.path())->report.Totals().unwanted, 1U);
  EXPECT_EQ(LoadDefinitions(folder.path(), {true})->report.Totals().loaded, 1U);
}

TEST(DefinitionsTest, HashesOfAnySizeAreLeftOutWhenTheyAreSwitchedOff) {
  const TempDir folder;
  const std::string hash(32, 'a');
  (void)folder.Write("a.hdb", hash + ":*:A:73\n" + hash + ":5:B\n");
  (void)folder.Write("b.mdb", "*:" + hash + ":C:73\n5:" + hash + ":D\n");
  (void)folder.Write("c.fp", hash + ":*:E:73\n");
  (void)folder.Write("d.imp", hash + ":*:F\n");
  LoadOptions options;
  EXPECT_EQ(LoadDefinitions(folder.path(), options)->report.any_size_hashes,
            1U);
  options.takes_any_size_hashes = false;
  const Result<Definitions> loaded = LoadDefinitions(folder.path(), options);
  ASSERT_TRUE(loaded.has_value());
  const LineCounts totals = loaded->report.Totals();
  EXPECT_EQ(totals.switched_off, 2U);
  EXPECT_EQ(totals.skipped(), 2U);
  EXPECT_EQ(totals.loaded, 4U);
  EXPECT_EQ(totals.lines, 6U);
  EXPECT_EQ(loaded->report.any_size_hashes, 0U);
  ASSERT_THAT(loaded->signatures.hashes, SizeIs(1));
  EXPECT_EQ(loaded->signatures.hashes[0].name, "B");
  ASSERT_THAT(loaded->signatures.section_hashes, SizeIs(1));
  EXPECT_EQ(loaded->signatures.section_hashes[0].name, "D");
  EXPECT_THAT(loaded->signatures.allowed_hashes, SizeIs(1));
  EXPECT_THAT(loaded->signatures.import_hashes, SizeIs(1));
}

TEST(DefinitionsTest, AnEmptyDirectoryIsNoError) {
  const TempDir folder;
  const Result<Definitions> loaded = LoadDefinitions(folder.path());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->report.Totals().lines, 0U);
}

TEST(DefinitionsTest, AMissingDirectoryIsNotFound) {
  const TempDir folder;
  const Result<Definitions> loaded = LoadDefinitions(folder.Path("none"));
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(loaded.error().message, HasSubstr("none"));
}

TEST(DefinitionsTest, AFileIsNoDirectory) {
  const TempDir folder;
  const Result<Definitions> loaded =
      LoadDefinitions(folder.Write("a.ndb", "A:0:*:aabb\n"));
  ASSERT_FALSE(loaded.has_value());
  EXPECT_THAT(loaded.error().message, HasSubstr("Not a directory"));
}

TEST(DefinitionsTest, AFifoDoesNotHoldItUp) {
  const TempDir folder;
  ASSERT_EQ(::mkfifo(folder.Path("a.ndb").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("a.ndb", folder.Path("b.ndb").c_str()), 0);
  (void)folder.Write("c.ndb", "C:0:*:aabb\n");
  const Result<Definitions> loaded = LoadDefinitions(folder.path());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->report.Totals().loaded, 1U);
  ASSERT_THAT(loaded->report.problems, SizeIs(2));
  EXPECT_EQ(loaded->report.problems[0].line, 0U);
  EXPECT_THAT(loaded->report.problems[0].reason,
              HasSubstr("not a regular file"));
}

TEST(DefinitionsTest, FollowsALinkToAFile) {
  const TempDir folder;
  const TempDir elsewhere;
  const std::string target = elsewhere.Write("x", "A:0:*:aabb\n");
  ASSERT_EQ(::symlink(target.c_str(), folder.Path("a.ndb").c_str()), 0);
  const Result<Definitions> loaded = LoadDefinitions(folder.path());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->report.Totals().loaded, 1U);
}

TEST(DefinitionsTest, ADanglingLinkIsAProblemOfThatFileOnly) {
  const TempDir folder;
  ASSERT_EQ(::symlink("none", folder.Path("a.ndb").c_str()), 0);
  (void)folder.Write("b.ndb", "B:0:*:aabb\n");
  const Result<Definitions> loaded = LoadDefinitions(folder.path());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->report.Totals().loaded, 1U);
  ASSERT_THAT(loaded->report.problems, SizeIs(1));
  EXPECT_EQ(loaded->report.problems[0].file, "a.ndb");
}

}  // namespace
}  // namespace gatehouse
