#include "engine/open_directories.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

size_t OpenDescriptors() {
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    if (entry.is_symlink()) ++count;
  }
  return count;
}

class OpenDirectoriesTest : public testing::Test {
 protected:
  // r/1/2/3/.../depth
  OpenDirectoriesTest() : root_(DirectoryRef::MakeRoot(folder_.path())) {
    DirectoryRef parent = root_;
    std::string path = folder_.path();
    for (int i = 1; i <= 40; ++i) {
      path += "/" + std::to_string(i);
      EXPECT_EQ(::mkdir(path.c_str(), 0755), 0);
      parent = parent.MakeChild(std::to_string(i));
      chain_.push_back(parent);
    }
  }

  ino_t InodeOf(int fd) const {
    struct stat status = {};
    EXPECT_EQ(::fstat(fd, &status), 0);
    return status.st_ino;
  }
  ino_t InodeAtDepth(size_t depth) const {
    std::string path = folder_.path();
    for (size_t i = 1; i <= depth; ++i) path += "/" + std::to_string(i);
    struct stat status = {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_ino;
  }
  void ExpectOpens(OpenDirectories& open, size_t depth) {
    const OpenedDirectory opened =
        open.Open(chain_.at(depth - 1), root_fd_.UnsafeFd());
    ASSERT_EQ(opened.error_number, 0);
    EXPECT_EQ(InodeOf(opened.unsafe_fd), InodeAtDepth(depth));
  }

  TempDir folder_;
  DirectoryRef root_;
  std::vector<DirectoryRef> chain_;
  UniqueFd root_fd_{::open(folder_.path().c_str(), O_RDONLY | O_CLOEXEC)};
};

TEST_F(OpenDirectoriesTest, TheRootIsTheDescriptorItWasGiven) {
  OpenDirectories open(2);
  EXPECT_EQ(open.Open(root_, root_fd_.UnsafeFd()).unsafe_fd,
            root_fd_.UnsafeFd());
}

TEST_F(OpenDirectoriesTest, OpensAnyDepthInAnyOrder) {
  OpenDirectories open(4);
  for (const size_t depth :
       {1U, 40U, 39U, 40U, 3U, 1U, 20U, 22U, 21U, 40U, 2U, 2U}) {
    ExpectOpens(open, depth);
  }
}

TEST_F(OpenDirectoriesTest, KeepsNoMoreDescriptorsThanItMay) {
  const size_t before = OpenDescriptors();
  OpenDirectories open(4);
  for (size_t depth = 1; depth <= 40; ++depth) ExpectOpens(open, depth);
  EXPECT_EQ(OpenDescriptors(), before + 4);
  for (size_t depth = 40; depth >= 1; --depth) ExpectOpens(open, depth);
  EXPECT_LE(OpenDescriptors(), before + 4);
  open.Clear();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(OpenDirectoriesTest, ReportsADirectoryThatIsGone) {
  OpenDirectories open(4);
  const DirectoryRef gone = chain_.at(2).MakeChild("gone");
  EXPECT_EQ(open.Open(gone, root_fd_.UnsafeFd()).error_number, ENOENT);
  ExpectOpens(open, 3);
}

TEST_F(OpenDirectoriesTest, DoesNotFollowALinkInPlaceOfADirectory) {
  OpenDirectories open(4);
  ExpectOpens(open, 2);
  ASSERT_EQ(::symlink("/", folder_.Path("1/link").c_str()), 0);
  const DirectoryRef link = chain_.at(0).MakeChild("link");
  EXPECT_EQ(open.Open(link, root_fd_.UnsafeFd()).error_number, ENOTDIR);
}

TEST_F(OpenDirectoriesTest, NoticesAnotherDirectoryUnderTheSameName) {
  OpenDirectories open(2);
  for (size_t depth = 1; depth <= 10; ++depth) ExpectOpens(open, depth);
  ASSERT_EQ(::rename(folder_.Path("1").c_str(), folder_.Path("x").c_str()), 0);
  ASSERT_EQ(::mkdir(folder_.Path("1").c_str(), 0755), 0);
  EXPECT_EQ(open.Open(chain_.at(1), root_fd_.UnsafeFd()).error_number, ESTALE);
}

TEST(DirectoryDescriptorsTest, AreAtLeastTwoPerThread) {
  EXPECT_GE(DirectoryDescriptorsMax(1), 2U);
  EXPECT_EQ(DirectoryDescriptorsMax(1000000), 2U);
}

}  // namespace
}  // namespace gatehouse
