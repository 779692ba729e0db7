#include "daemon/protected_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/temp_dir.h"

namespace gatehouse {

bool operator==(const MountedFileSystem& a, const MountedFileSystem& b) {
  return a.mount_point == b.mount_point && a.type == b.type &&
         a.device == b.device;
}

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Row {
  std::string_view line;
  MountedFileSystem expected;
};

TEST(ParseMountInfoTest, ReadsWhatTheTableSays) {
  const std::vector<Row> table = {
      // The example of proc_pid_mountinfo(5).
      {"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw",
       {"/mnt2", "ext3", "98:0"}},
      // No optional field, several of them, and one that nobody knows.
      {"1 2 0:5 / /proc rw - proc proc rw", {"/proc", "proc", "0:5"}},
      {"1 2 8:1 / / rw shared:1 master:2 propagate_from:3 unbindable - ext4 x "
       "y",
       {"/", "ext4", "8:1"}},
      {"1 2 8:1 / /a rw new:thing - xfs x y", {"/a", "xfs", "8:1"}},
      // Escapes: space, tab, newline, backslash.
      {R"(1 2 8:1 / /a\040b\011c\012d\134e rw - ext4 x y)",
       {"/a b\tc\nd\\e", "ext4", "8:1"}},
      // A backslash that begins no escape stands for itself.
      {R"(1 2 8:1 / /a\08\xb\4 rw - ext4 x y)",
       {R"(/a\08\xb\4)", "ext4", "8:1"}},
      // Bytes that are not text.
      {"1 2 8:1 / /\xff\xfe rw - ext4 x y", {"/\xff\xfe", "ext4", "8:1"}},
      // Source and super options may be missing.
      {"1 2 8:1 / /a rw - tmpfs", {"/a", "tmpfs", "8:1"}},
      {"1 2 0:44 / /s rw - fuse.sshfs host:/ rw", {"/s", "fuse.sshfs", "0:44"}},
  };
  for (const Row& row : table) {
    EXPECT_THAT(ParseMountInfo(row.line), ElementsAre(row.expected))
        << row.line;
  }
}

TEST(ParseMountInfoTest, LeavesOutLinesThatDoNotFit) {
  for (const std::string_view line :
       {"", "\n", "\n\n", " ", "-", "garbage", "1 2 8:1 / /a rw",
        "1 2 8:1 / /a rw shared:1", "1 2 8:1 / /a rw -", "1 2 8:1 / - ext4 x",
        "- - - - -", "1 2 8:1 / /a - ext4 x y"}) {
    EXPECT_THAT(ParseMountInfo(line), IsEmpty()) << line;
  }
}

TEST(ParseMountInfoTest, KeepsTheOrderAndGoesOnAfterGarbage) {
  EXPECT_THAT(ParseMountInfo("1 2 8:1 / /a rw - ext4 x y\n"
                             "garbage\n"
                             "\n"
                             "1 2 8:2 / /b rw - xfs x y\n"
                             "1 2 8:3 / /a rw - tmpfs x y"),
              ElementsAre(MountedFileSystem{"/a", "ext4", "8:1"},
                          MountedFileSystem{"/b", "xfs", "8:2"},
                          MountedFileSystem{"/a", "tmpfs", "8:3"}));
}

TEST(MayHangTest, KnowsFileSystemsWithAServer) {
  for (const std::string_view type :
       {"fuse", "fuseblk", "fuse.sshfs", "fuse.gvfsd-fuse", "nfs", "nfs4",
        "cifs", "smb3", "9p", "ceph", "autofs", "afs", "virtiofs"}) {
    EXPECT_TRUE(MayHang(type)) << type;
  }
}

TEST(MayHangTest, KnowsFileSystemsWithout) {
  for (const std::string_view type :
       {"", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "vfat", "nfsd", "9",
        "NFS", "xfuse"}) {
    EXPECT_FALSE(MayHang(type)) << type;
  }
}

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
  EXPECT_EQ(found.file_systems.back().mount_point, "/proc");
}

}  // namespace
}  // namespace gatehouse
