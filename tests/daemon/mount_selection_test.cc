#include "daemon/mount_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The machine's own "/" in every table: never to be marked.
constexpr std::string_view kRoot = "1 0 8:1 / / rw - ext4 /dev/sda rw\n";

MountNamespace Own(const std::string& mounts) {
  return {100, 0, std::string(kRoot) + mounts};
}
MountNamespace Foreign(pid_t pid, const std::string& mounts) {
  return {static_cast<uint64_t>(1000 + pid), pid, mounts};
}

// "DEVICE PID:PLACE PID:PLACE" of each that was chosen.
std::vector<std::string> Chosen(const MountSelection& selection) {
  std::vector<std::string> texts;
  for (const ChosenFileSystem& one : selection.file_systems) {
    std::string text = one.device;
    for (const MountPlace& place : one.places) {
      text += " " + std::to_string(place.pid) + ":" + place.mount_point;
    }
    texts.push_back(text);
  }
  return texts;
}

const char* WordOf(LeftOutReason reason) {
  switch (reason) {
    case LeftOutReason::kServerMayHang:
      return "server";
    case LeftOutReason::kBehindServer:
      return "behind";
    case LeftOutReason::kPseudo:
      return "pseudo";
    case LeftOutReason::kRootFileSystem:
      return "root";
    case LeftOutReason::kHidden:
      return "hidden";
    case LeftOutReason::kRootUnknown:
      return "root-unknown";
    case LeftOutReason::kUnmarkable:
      break;
  }
  return "unmarkable";
}

// "PLACE REASON" of each that was left out, but "/".
std::vector<std::string> LeftOut(const MountSelection& selection) {
  std::vector<std::string> texts;
  for (const LeftOutFileSystem& one : selection.left_out) {
    if (one.mount_point == "/" && one.reason == LeftOutReason::kRootFileSystem)
      continue;
    texts.push_back(one.mount_point + " " + WordOf(one.reason));
  }
  return texts;
}

struct Row {
  const char* what;
  std::vector<MountNamespace> namespaces;
  std::vector<std::string> chosen;
  std::vector<std::string> left_out;
};

SelectionRules Everywhere() {
  SelectionRules rules;
  rules.is_everywhere = true;
  return rules;
}

void ExpectRows(const std::vector<Row>& table,
                const SelectionRules& rules = Everywhere()) {
  for (const Row& row : table) {
    const MountSelection selection = SelectFileSystems(row.namespaces, rules);
    EXPECT_EQ(Chosen(selection), row.chosen) << row.what;
    EXPECT_EQ(LeftOut(selection), row.left_out) << row.what;
  }
}

TEST(SelectFileSystemsTest, ChoosesWhatIsLocalAndMarksItOnce) {
  ExpectRows({
      {"nothing", {Own("")}, {}, {}},
      {"two file systems",
       {Own("2 1 8:2 / /home rw - xfs /dev/sdb rw\n"
            "3 1 0:9 / /dev/shm rw - tmpfs none rw\n")},
       {"8:2 0:/home", "0:9 0:/dev/shm"},
       {}},
      {"a bind mount is the same file system",
       {Own("2 1 8:2 / /home rw - xfs /dev/sdb rw\n"
            "3 1 8:2 /user /srv/user rw - xfs /dev/sdb rw\n")},
       {"8:2 0:/home 0:/srv/user"},
       {}},
      {"the whole comes before a part of it, which may be a file",
       {Own("2 1 8:2 /file /etc/file rw - xfs /dev/sdb rw\n"
            "3 1 8:2 / /home rw - xfs /dev/sdb rw\n"
            "4 1 8:2 / /again rw - xfs /dev/sdb rw\n")},
       {"8:2 0:/home 0:/again 0:/etc/file"},
       {}},
      {"an overlay is one, and what is below it another",
       {Own("2 1 8:2 / /lower rw - xfs /dev/sdb rw\n"
            "3 1 0:40 / /merged rw - overlay overlay rw,lowerdir=/lower\n")},
       {"8:2 0:/lower", "0:40 0:/merged"},
       {}},
      {"names with spaces",
       {Own("2 1 8:2 / /a\\040b rw - xfs /dev/sdb rw\n")},
       {"8:2 0:/a b"},
       {}},
      {"garbage", {Own("garbage\n\n1 2 3\n")}, {}, {}},
  });
}

TEST(SelectFileSystemsTest, NeverChoosesWhatMayHangOrWhatTheKernelMakesUp) {
  for (const char* type : {"fuse", "fuseblk", "fuse.sshfs", "nfs", "nfs4",
                           "cifs", "smb3", "9p", "autofs", "ceph"}) {
    ExpectRows({{type,
                 {Own(std::string("2 1 0:50 / /net rw - ") + type + " x rw\n")},
                 {},
                 {"/net server"}}});
  }
  for (const char* type : {"proc", "sysfs", "cgroup2", "debugfs", "devpts",
                           "securityfs", "bpf", "tracefs", "nsfs"}) {
    ExpectRows({{type,
                 {Own(std::string("2 1 0:50 / /p rw - ") + type + " x rw\n")},
                 {},
                 {"/p pseudo"}}});
  }
}

TEST(SelectFileSystemsTest, NeverGoesThroughWhatMayHang) {
  ExpectRows({
      {"below a FUSE mount",
       {Own("2 1 0:50 / /net rw - fuse.x x rw\n"
            "3 2 0:51 / /net/local rw - tmpfs none rw\n")},
       {},
       {"/net server", "/net/local behind"}},
      {"two levels below it",
       {Own("2 1 0:50 / /net rw - nfs x rw\n"
            "3 2 0:51 / /net/a rw - tmpfs none rw\n"
            "4 3 0:52 / /net/a/b rw - tmpfs none rw\n")},
       {},
       {"/net server", "/net/a behind", "/net/a/b behind"}},
      {"where it has another place, it is taken",
       {Own("2 1 0:50 / /net rw - nfs x rw\n"
            "3 2 0:51 / /net/a rw - tmpfs none rw\n"
            "4 1 0:51 / /here rw - tmpfs none rw\n")},
       {"0:51 0:/here"},
       {"/net server"}},
      {"a server that is mounted over the way",
       {Own("2 1 0:51 / /a/b rw - tmpfs none rw\n"
            "3 1 0:50 / /a rw - fuse x rw\n")},
       {},
       {"/a/b hidden", "/a server"}},
      {"a server over the very place",
       {Own("2 1 0:51 / /a rw - tmpfs none rw\n"
            "3 2 0:50 / /a rw - fuse x rw\n")},
       {},
       {"/a hidden", "/a server"}},
      {"a local one over a server: the server is on the way",
       {Own("2 1 0:50 / /a rw - fuse x rw\n"
            "3 2 0:51 / /a rw - tmpfs none rw\n")},
       {},
       {"/a server", "/a behind"}},
      {"a name that only begins alike",
       {Own("2 1 0:50 / /net rw - fuse x rw\n"
            "3 1 0:51 / /network rw - tmpfs none rw\n")},
       {"0:51 0:/network"},
       {"/net server"}},
  });
}

TEST(SelectFileSystemsTest, WhatIsHiddenIsChosenOnlyWhereItIsNot) {
  ExpectRows({
      {"the upper of two",
       {Own("2 1 0:51 / /a rw - tmpfs none rw\n"
            "3 2 0:52 / /a rw - tmpfs none rw\n")},
       {"0:52 0:/a"},
       {"/a hidden"}},
      {"below something that was mounted later",
       {Own("2 1 0:51 / /a/b rw - tmpfs none rw\n"
            "3 1 0:52 / /a rw - tmpfs none rw\n")},
       {"0:52 0:/a"},
       {"/a/b hidden"}},
      {"in a foreign namespace it is to be seen",
       {Own("2 1 0:51 / /a rw - tmpfs none rw\n"
            "3 2 0:52 / /a rw - tmpfs none rw\n"),
        Foreign(7,
                "11 10 0:60 / / rw - overlay o rw\n"
                "12 11 0:51 / /b rw - tmpfs none rw\n")},
       {"0:51 7:/b", "0:52 0:/a", "0:60 7:/"},
       {}},
  });
}

TEST(SelectFileSystemsTest, TheRootFileSystemIsNeverChosenUnlessItIsAllowed) {
  const std::vector<MountNamespace> namespaces = {
      Own("2 1 8:1 /srv /bind rw - ext4 /dev/sda rw\n"),
      Foreign(1, "21 20 8:7 / / rw - ext4 /dev/sdc rw\n"),
      Foreign(7,
              "11 10 8:1 /container / rw - ext4 /dev/sda rw\n"
              "12 11 8:7 /etc/hosts /etc/hosts rw - ext4 /dev/sdc rw\n")};
  ExpectRows({{"ours and that of process 1", namespaces, {}, {}}});
  SelectionRules rules = Everywhere();
  rules.root_devices = {"8:9"};
  ExpectRows({{"told by its device",
               {Own("2 1 8:9 /sub /home rw - btrfs /dev/sdx rw\n")},
               {},
               {"/home root"}}},
             rules);
  rules.allows_root_file_system = true;
  ExpectRows({{"allowed",
               namespaces,
               {"8:1 0:/ 0:/bind 7:/", "8:7 1:/ 7:/etc/hosts"},
               {}}},
             rules);
}

TEST(SelectFileSystemsTest, FindsWhatIsMountedInForeignNamespacesOnly) {
  ExpectRows({
      {"a container",
       {Own("2 1 8:2 / /home rw - xfs /dev/sdb rw\n"),
        Foreign(7,
                "11 10 0:60 / / rw - overlay o rw\n"
                "12 11 0:61 / /tmp rw - tmpfs none rw\n"
                "13 11 0:62 / /proc rw - proc none rw\n"
                "14 11 8:2 /user /data rw - xfs /dev/sdb rw\n")},
       {"8:2 0:/home 7:/data", "0:60 7:/", "0:61 7:/tmp"},
       {"/proc pseudo"}},
      {"one file system in two namespaces",
       {Own(""), Foreign(7, "11 10 0:60 / / rw - tmpfs o rw\n"),
        Foreign(8, "21 20 0:60 / / rw - tmpfs o rw\n")},
       {"0:60 7:/ 8:/"},
       {}},
      {"whose root is no mount may have it on a server",
       {Own(""), Foreign(7, "12 11 0:61 / /tmp rw - tmpfs none rw\n")},
       {},
       {"/tmp root-unknown"}},
      {"whose root is on a server",
       {Own(""), Foreign(7,
                         "11 10 0:60 / / rw - nfs x rw\n"
                         "12 11 0:61 / /tmp rw - tmpfs none rw\n")},
       {},
       {"/ server", "/tmp behind"}},
      {"who sees nothing", {Own(""), Foreign(7, "")}, {}, {}},
  });
}

TEST(SelectFileSystemsTest, OurOwnRootNeedNotBeAMount) {
  const MountNamespace own = {1, 0, "3 2 0:61 / /tmp rw - tmpfs none rw\n"};
  ExpectRows({{"in a chroot", {own}, {"0:61 0:/tmp"}, {}}});
}

TEST(SelectFileSystemsTest, KeepsToThePathsThatWereNamed) {
  SelectionRules paths;
  paths.paths = {"/a", "/p"};
  const std::vector<MountNamespace> namespaces = {
      Own("2 1 0:51 / /a rw - tmpfs none rw\n"
          "3 2 0:52 / /a/b rw - tmpfs none rw\n"
          "4 1 0:53 / /ab rw - tmpfs none rw\n"
          "5 1 0:54 / /p rw - proc none rw\n"
          "6 5 0:55 / /p/q rw - sysfs none rw\n"
          "7 2 0:56 / /a/net rw - fuse x rw\n")};
  // What is named is tried, whatever it is: the kernel will say why not.
  ExpectRows({{"named",
               namespaces,
               {"0:51 0:/a", "0:52 0:/a/b", "0:54 0:/p"},
               {"/p/q pseudo", "/a/net server"}}},
             paths);
  const MountSelection selection = SelectFileSystems(namespaces, paths);
  EXPECT_TRUE(selection.file_systems.at(0).is_named);
  EXPECT_FALSE(selection.file_systems.at(1).is_named);
  EXPECT_TRUE(selection.file_systems.at(2).is_named);
}

TEST(SelectFileSystemsTest, ChoosesNothingUnlessItIsTold) {
  const MountSelection selection = SelectFileSystems(
      std::vector{Own("2 1 8:2 / /home rw - xfs /dev/sdb rw\n")}, {});
  EXPECT_THAT(selection.file_systems, IsEmpty());
  EXPECT_THAT(selection.left_out, IsEmpty());
}

TEST(SelectFileSystemsTest, CountsWhatIsOverALimit) {
  std::string many;
  for (int i = 2; i < 12; ++i) {
    const std::string number = std::to_string(i);
    many +=
        number + " 1 0:" + number + " / /m" + number + " rw - tmpfs none rw\n";
  }
  SelectionRules rules = Everywhere();
  rules.file_systems_max = 4;
  MountSelection selection = SelectFileSystems(std::vector{Own(many)}, rules);
  EXPECT_EQ(selection.file_systems.size(), 4U);
  EXPECT_EQ(selection.file_systems_over_limit, 6U);
  EXPECT_EQ(selection.mounts_over_limit, 0U);
  rules.file_systems_max = 100;
  rules.mounts_max = 5;
  const std::vector<MountNamespace> two = {Own(many), Foreign(7, many)};
  selection = SelectFileSystems(two, rules);
  EXPECT_EQ(selection.file_systems.size(), 4U);  // And "/" was looked at.
  EXPECT_EQ(selection.mounts_over_limit, 6U + 10U);
}

TEST(SelectFileSystemsTest, KeepsFewPlacesOfEach) {
  std::string many;
  for (int i = 2; i < 30; ++i) {
    const std::string number = std::to_string(i);
    many += number + " 1 0:50 /part /m" + number + " rw - tmpfs none rw\n";
  }
  many += "40 1 0:50 / /whole rw - tmpfs none rw\n";
  const MountSelection selection =
      SelectFileSystems(std::vector{Own(many)}, Everywhere());
  EXPECT_THAT(Chosen(selection),
              ElementsAre("0:50 0:/whole 0:/m2 0:/m3 0:/m4"));
}

TEST(SelectFileSystemsTest, SurvivesMountsThatAreTheirOwnParents) {
  EXPECT_THAT(
      Chosen(SelectFileSystems(
          std::vector{MountNamespace{1, 0,
                                     "5 5 0:50 / / rw - rootfs none rw\n"
                                     "6 7 0:51 / /a rw - tmpfs none rw\n"
                                     "7 6 0:52 / /a rw - tmpfs none rw\n"}},
          Everywhere())),
      IsEmpty());
}

TEST(LeftOutFileSystemTest, SaysWhatWhereAndWhy) {
  LeftOutFileSystem left_out;
  left_out.mount_point = "/x/y";
  left_out.type = "fuse.sshfs";
  left_out.reason = LeftOutReason::kServerMayHang;
  EXPECT_EQ(TextOf(left_out), "'/x/y' (fuse.sshfs): its server may hang");
  left_out.pid = 7;
  left_out.reason = LeftOutReason::kUnmarkable;
  left_out.detail = "Invalid argument";
  EXPECT_EQ(TextOf(left_out),
            "'/x/y' (fuse.sshfs, in the mount namespace of process 7): the "
            "kernel cannot hold opens there: Invalid argument");
}

}  // namespace
}  // namespace gatehouse
