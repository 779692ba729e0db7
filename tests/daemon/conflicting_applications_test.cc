#include "daemon/conflicting_applications.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

// What the kernel writes for a group that has no mark yet.
constexpr const char* kGroup =
    "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t1049\n"
    "fanotify flags:35 event-flags:c8000\n";

TEST(HoldsOpensTest, SeesEachKindOfMarkThatHolds) {
  const std::string group = kGroup;
  EXPECT_TRUE(HoldsOpens(group + "fanotify sdev:2e mflags:0 mask:10000 "
                                 "ignored_mask:0\n"));
  EXPECT_TRUE(HoldsOpens(group + "fanotify mnt_id:12 mflags:0 mask:20000 "
                                 "ignored_mask:0\n"));
  EXPECT_TRUE(HoldsOpens(group + "fanotify ino:4f sdev:2e mflags:0 mask:40000 "
                                 "ignored_mask:0 fhandle-bytes:8\n"));
  EXPECT_TRUE(HoldsOpens(group + "fanotify sdev:1 mflags:0 mask:8 "
                                 "ignored_mask:0\n"
                                 "fanotify sdev:2 mflags:0 mask:10008"));
}

TEST(HoldsOpensTest, LetsNotifyOnlyGroupsBe) {
  const std::string group = kGroup;
  EXPECT_FALSE(HoldsOpens(group));
  EXPECT_FALSE(HoldsOpens(group + "fanotify sdev:2e mflags:0 mask:8 "
                                  "ignored_mask:10000\n"));
  EXPECT_FALSE(
      HoldsOpens("inotify wd:1 ino:4f sdev:2e mask:10000 "
                 "ignored_mask:0\n"));
  EXPECT_FALSE(HoldsOpens(""));
  EXPECT_FALSE(HoldsOpens("fanotify sdev:2e mask:"));
}

}  // namespace
}  // namespace gatehouse
