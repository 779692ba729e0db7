#include "daemon/protected_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/temp_dir.h"

namespace gatehouse {

namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Why the only path is missing.
Error MissingOf(const std::string& path, bool allow_root) {
  const ProtectedPaths found = FindProtectedPaths({path}, allow_root);
  EXPECT_THAT(found.file_systems, IsEmpty());
  EXPECT_EQ(found.missing.size(), 1U) << path;
  return found.missing.empty() ? Error{} : found.missing.front();
}

TEST(FindProtectedPathsTest, FindsNothingForNoPath) {
  const ProtectedPaths found = FindProtectedPaths({}, false);
  EXPECT_THAT(found.file_systems, IsEmpty());
  EXPECT_THAT(found.left_out, IsEmpty());
  EXPECT_THAT(found.missing, IsEmpty());
}

TEST(FindProtectedPathsTest, MissesAPlaceThatDoesNotExist) {
  const Error missing = MissingOf("/no/such/place", false);
  EXPECT_EQ(missing.code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.message, HasSubstr("'/no/such/place'"));
}

TEST(FindProtectedPathsTest, RefusesAFile) {
  const TempDir directory;
  const Error missing = MissingOf(directory.Write("file", "text"), false);
  EXPECT_EQ(missing.code, ErrorCode::kInvalidInput);
  EXPECT_THAT(missing.message, HasSubstr("not a directory"));
}

TEST(FindProtectedPathsTest, RefusesADirectoryWhereNothingIsMounted) {
  const TempDir directory;
  for (const bool allow_root : {false, true}) {
    const Error missing = MissingOf(directory.path(), allow_root);
    EXPECT_EQ(missing.code, ErrorCode::kInvalidInput);
    EXPECT_THAT(missing.message, HasSubstr("not a mount point"));
    EXPECT_THAT(missing.message, HasSubstr(directory.path()));
  }
}

TEST(FindProtectedPathsTest, RefusesTheRootFileSystemUnlessItIsAllowed) {
  const Error missing = MissingOf("/", false);
  EXPECT_EQ(missing.code, ErrorCode::kInvalidInput);
  EXPECT_THAT(missing.message, HasSubstr("root file system"));
}

TEST(FindProtectedPathsTest, OnePathThatIsMissingLeavesTheOthers) {
  const ProtectedPaths found =
      FindProtectedPaths({"/proc", "/no/such/place"}, false);
  ASSERT_EQ(found.missing.size(), 1U);
  EXPECT_THAT(found.missing.front().message, HasSubstr("'/no/such/place'"));
  ASSERT_FALSE(found.file_systems.empty());
  EXPECT_EQ(found.file_systems.front().places.front().mount_point, "/proc");
  EXPECT_TRUE(found.file_systems.front().is_named);
}

}  // namespace
}  // namespace gatehouse
