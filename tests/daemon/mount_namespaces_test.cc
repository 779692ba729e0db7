#include "daemon/mount_namespaces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/own_mounts.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;

constexpr std::string_view kWithRoot = "1 0 8:1 / / rw - ext4 x rw\n";
constexpr std::string_view kWithout = "1 0 8:1 / /a rw - ext4 x rw\n";

// A /proc of files: who shares a namespace shares the file that stands for it.
class MountNamespacesTest : public testing::Test {
 protected:
  MountNamespacesTest() { Process("self", "own", kWithRoot); }

  void Process(const std::string& pid, const std::string& its_namespace,
               std::string_view mountinfo) {
    const std::string place = proc_.path() + "/" + pid;
    std::filesystem::create_directories(place + "/ns");
    const std::string shared = proc_.path() + "/ns-" + its_namespace;
    if (!std::filesystem::exists(shared)) {
      proc_.Write("ns-" + its_namespace, "");
    }
    std::filesystem::create_hard_link(shared, place + "/ns/mnt");
    proc_.Write(pid + "/mountinfo", mountinfo);
  }
  std::vector<pid_t> Pids(const MountNamespaces& found) {
    std::vector<pid_t> pids;
    for (const MountNamespace& one : found.list) pids.push_back(one.pid);
    return pids;
  }

  TempDir proc_;
};

TEST_F(MountNamespacesTest, FindsEachOnceAndOursFirst) {
  Process("1", "init", kWithRoot);
  Process("20", "own", kWithRoot);
  Process("3", "container", kWithRoot);
  Process("4", "container", kWithRoot);
  Process("100", "init", kWithRoot);
  proc_.Write("meminfo", "");
  EXPECT_THAT(Pids(FindMountNamespaces(proc_.path(), 10)),
              ElementsAre(0, 1, 3));
}

TEST_F(MountNamespacesTest, PrefersWhoHasARoot) {
  Process("3", "container", kWithout);
  Process("4", "container", kWithRoot);
  Process("5", "container", kWithRoot);
  Process("6", "other", kWithout);
  const MountNamespaces found = FindMountNamespaces(proc_.path(), 10);
  EXPECT_THAT(Pids(found), ElementsAre(0, 4, 6));
  EXPECT_EQ(found.list.at(1).mountinfo, kWithRoot);
}

TEST_F(MountNamespacesTest, SkipsProcessesThatShowNothing) {
  Process("3", "container", "");  // A zombie.
  Process("4", "container", kWithRoot);
  std::filesystem::create_directory(proc_.path() + "/5");  // It is gone.
  EXPECT_THAT(Pids(FindMountNamespaces(proc_.path(), 10)), ElementsAre(0, 4));
}

TEST_F(MountNamespacesTest, CountsTheNamespacesOverTheLimitOnce) {
  Process("3", "a", kWithRoot);
  Process("4", "b", kWithRoot);
  Process("5", "c", kWithRoot);
  Process("6", "c", kWithRoot);
  const MountNamespaces found = FindMountNamespaces(proc_.path(), 1);
  EXPECT_THAT(Pids(found), ElementsAre(0, 3));
  EXPECT_EQ(found.over_limit, 2U);
  EXPECT_EQ(FindMountNamespaces(proc_.path(), 3).over_limit, 0U);
}

TEST_F(MountNamespacesTest, WithoutProcThereIsOursAndItIsEmpty) {
  const MountNamespaces found =
      FindMountNamespaces(proc_.path() + "/missing", 10);
  ASSERT_EQ(found.list.size(), 1U);
  EXPECT_EQ(found.list.front().mountinfo, "");
}

TEST(OpenPlaceTest, OpensTheVeryMount) {
  const uint64_t proc = OwnMounts::MountOf("/proc");
  const OpenedPlace opened = OpenPlace({0, "/proc", proc, true});
  ASSERT_TRUE(opened.directory.valid());
  EXPECT_EQ(OwnMounts::MountOf(opened.directory.UnsafeFd()), proc);
}

TEST(OpenPlaceTest, RefusesAnotherMount) {
  const OpenedPlace opened = OpenPlace({0, "/proc", UINT64_MAX, true});
  EXPECT_FALSE(opened.directory.valid());
  EXPECT_EQ(opened.error_number, ESTALE);
}

TEST(OpenPlaceTest, RefusesFilesAndWhatIsNotThere) {
  const TempDir directory;
  EXPECT_EQ(OpenPlace({0, directory.Write("file", "x"), 1, true}).error_number,
            ENOTDIR);
  EXPECT_EQ(OpenPlace({0, directory.path() + "/no", 1, true}).error_number,
            ENOENT);
}

TEST(OpenPlaceTest, GoesThroughTheRootOfAnotherProcess) {
  const uint64_t proc = OwnMounts::MountOf("/proc");
  EXPECT_TRUE(OpenPlace({::getpid(), "/proc", proc, true}).directory.valid());
}

}  // namespace
}  // namespace gatehouse
