#include "daemon/replace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

std::string ContentOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

TEST(ReplaceFileTest, WritesAFileThatEverybodyMayRead) {
  const TempDir directory;
  const std::string path = directory.Path("file");
  ASSERT_TRUE(ReplaceFile(path, "text\n", Durability::kNone).has_value());
  EXPECT_EQ(ContentOf(path), "text\n");
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST(ReplaceFileTest, ReplacesWhatWasThere) {
  const TempDir directory;
  const std::string path = directory.Write("file", "a much longer text");
  ASSERT_TRUE(ReplaceFile(path, "short", Durability::kDurable).has_value());
  EXPECT_EQ(ContentOf(path), "short");
  EXPECT_NE(::access((path + ".new").c_str(), F_OK), 0);
}

TEST(ReplaceFileTest, IsNotStoppedByWhatADeadProcessLeft) {
  const TempDir directory;
  directory.Write("file.new", "half of a te");
  const Result<bool> replaced =
      ReplaceFile(directory.Path("file"), "text", Durability::kNone);
  ASSERT_TRUE(replaced.has_value()) << replaced.error().message;
  EXPECT_EQ(ContentOf(directory.Path("file")), "text");
}

TEST(ReplaceFileTest, FollowsNoLink) {
  const TempDir directory;
  const std::string precious = directory.Write("precious", "precious");
  for (const std::string name : {"file", "file.new"}) {
    ASSERT_EQ(::symlink(precious.c_str(), directory.Path(name).c_str()), 0);
  }
  ASSERT_TRUE(ReplaceFile(directory.Path("file"), "text", Durability::kNone)
                  .has_value());
  EXPECT_EQ(ContentOf(precious), "precious");
  EXPECT_EQ(ContentOf(directory.Path("file")), "text");
}

TEST(ReplaceFileTest, SaysWhereItCannotWrite) {
  const TempDir directory;
  const auto replaced =
      ReplaceFile(directory.Path("missing/file"), "text", Durability::kNone);
  ASSERT_FALSE(replaced.has_value());
  EXPECT_THAT(replaced.error().message, HasSubstr("missing/file.new"));
}

}  // namespace
}  // namespace gatehouse
