#include "base/file_custody.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/unique_fd.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

class FileCustodyTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return dir_.Path(name); }
  UniqueFd Make(const std::string& name, mode_t mode) {
    UniqueFd file(::open(Path(name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0));
    EXPECT_TRUE(file.valid()) << name;
    EXPECT_EQ(::fchmod(file.UnsafeFd(), mode), 0);
    return file;
  }

  TempDir dir_;
  const SystemLibraries none_{std::vector<const char*>{}};
};

TEST_F(FileCustodyTest, TellsOwnerAndModeOfFileAndDirectory) {
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0770), 0);
  const UniqueFd file = Make("program", 0754);
  const FileCustody custody = CustodyOf(file.UnsafeFd(), none_);
  EXPECT_TRUE(custody.is_known);
  EXPECT_EQ(custody.owner, ::geteuid());
  EXPECT_EQ(custody.mode & 07777U, 0754U);
  ASSERT_TRUE(custody.is_directory_known);
  EXPECT_EQ(custody.directory_owner, ::geteuid());
  EXPECT_EQ(custody.directory_mode & 07777U, 0770U);
  EXPECT_FALSE(custody.is_in_system_libraries);
}

TEST_F(FileCustodyTest, BelievesNoPathThatLeadsToAnotherFile) {
  const UniqueFd file = Make("program", 0755);
  ASSERT_EQ(::unlink(Path("program").c_str()), 0);
  EXPECT_FALSE(CustodyOf(file.UnsafeFd(), none_).is_directory_known);
  // The very name of a deleted file, as the kernel spells it.
  const UniqueFd other = Make("program (deleted)", 0755);
  const FileCustody custody = CustodyOf(file.UnsafeFd(), none_);
  EXPECT_TRUE(custody.is_known);
  EXPECT_FALSE(custody.is_directory_known);
  EXPECT_TRUE(CustodyOf(other.UnsafeFd(), none_).is_directory_known);
}

TEST_F(FileCustodyTest, KnowsWhatLiesBelowALibraryDirectoryByItsIdentity) {
  const std::string libraries = Path("lib");
  ASSERT_EQ(::mkdir(libraries.c_str(), 0755), 0);
  ASSERT_EQ(::mkdir((libraries + "/deep").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(Path("lib-not").c_str(), 0755), 0);
  // By another name: a symbolic link, as /lib is one.
  ASSERT_EQ(::symlink(libraries.c_str(), Path("link").c_str()), 0);
  const std::string link = Path("link");
  const SystemLibraries known({link.c_str(), "/nowhere/at/all"});
  EXPECT_TRUE(
      CustodyOf(Make("lib/a", 0755).UnsafeFd(), known).is_in_system_libraries);
  EXPECT_TRUE(CustodyOf(Make("lib/deep/a", 0755).UnsafeFd(), known)
                  .is_in_system_libraries);
  EXPECT_FALSE(CustodyOf(Make("lib-not/a", 0755).UnsafeFd(), known)
                   .is_in_system_libraries);
  EXPECT_FALSE(
      CustodyOf(Make("a", 0755).UnsafeFd(), known).is_in_system_libraries);
}

TEST_F(FileCustodyTest, FindsTheLibrariesOfThisSystem) {
  const SystemLibraries libraries = SystemLibraries::Find();
  struct stat status = {};
  ASSERT_EQ(::stat("/usr/lib", &status), 0);
  EXPECT_TRUE(libraries.Contains(status.st_dev, status.st_ino));
  ASSERT_EQ(::stat("/", &status), 0);
  EXPECT_FALSE(libraries.Contains(status.st_dev, status.st_ino));
}

TEST_F(FileCustodyTest, KnowsNothingOfWhatIsNotOpen) {
  EXPECT_FALSE(CustodyOf(-1, none_).is_known);
}

TEST_F(FileCustodyTest, AFileWithoutANameHasNoDirectory) {
  const UniqueFd file(::memfd_create("none", MFD_CLOEXEC));
  ASSERT_TRUE(file.valid());
  const FileCustody custody = CustodyOf(file.UnsafeFd(), none_);
  EXPECT_TRUE(custody.is_known);
  EXPECT_FALSE(custody.is_directory_known);
}

}  // namespace
}  // namespace gatehouse
