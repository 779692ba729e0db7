#include "base/mounted_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace gatehouse {

bool operator==(const MountedFileSystem& a, const MountedFileSystem& b) {
  return a.mount_point == b.mount_point && a.type == b.type &&
         a.device == b.device;
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Expected {
  std::string_view mount_point;
  std::string_view type;
  std::string_view device;
};

MountedFileSystem Mount(const Expected& expected) {
  MountedFileSystem mount;
  mount.mount_point = expected.mount_point;
  mount.type = expected.type;
  mount.device = expected.device;
  return mount;
}

struct Row {
  std::string_view line;
  Expected expected;
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
    EXPECT_THAT(ParseMountInfo(row.line), ElementsAre(Mount(row.expected)))
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
  EXPECT_THAT(
      ParseMountInfo("1 2 8:1 / /a rw - ext4 x y\n"
                     "garbage\n"
                     "\n"
                     "1 2 8:2 / /b rw - xfs x y\n"
                     "1 2 8:3 / /a rw - tmpfs x y"),
      ElementsAre(Mount({"/a", "ext4", "8:1"}), Mount({"/b", "xfs", "8:2"}),
                  Mount({"/a", "tmpfs", "8:3"})));
}

TEST(ParseMountInfoTest, KnowsWhichMountShowsWhatOfWhere) {
  const std::vector<MountedFileSystem> mounts = ParseMountInfo(
      R"(36 35 98:0 /a\040b /mnt2 rw master:1 - ext3 /dev/a\040b rw)"
      "\n"
      "x 35 98:0 / /mnt3 rw - tmpfs  rw");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].id, 36U);
  EXPECT_EQ(mounts[0].parent_id, 35U);
  EXPECT_EQ(mounts[0].root, "/a b");
  EXPECT_EQ(mounts[0].source, "/dev/a b");
  EXPECT_EQ(mounts[1].id, 0U);
  EXPECT_EQ(mounts[1].source, "");
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
        "NFS", "xfuse", "fusectl"}) {
    EXPECT_FALSE(MayHang(type)) << type;
  }
}

TEST(AnswersFromMemoryTest, NothingThatMayHangDoes) {
  EXPECT_TRUE(AnswersFromMemory("ext4"));
  EXPECT_TRUE(AnswersFromMemory("tmpfs"));
  for (const std::string_view type :
       {"", "overlay", "fuse", "fuse.sshfs", "nfs", "cifs", "unknown"}) {
    EXPECT_FALSE(AnswersFromMemory(type)) << type;
  }
}

}  // namespace
}  // namespace gatehouse
