#include "daemon/fallback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ProtectionState Unavailable() {
  ProtectionState state;
  state.subsystem = kNoSubsystem;
  state.issues = {kNoProvider, "something else"};
  return state;
}

TEST(WithFallbackTest, AFallbackThatRunsIsTheSubsystemAndAnIssue) {
  const ProtectionState state =
      WithFallback(Unavailable(), {"inotify", "7 directories"});
  EXPECT_EQ(state.subsystem, "inotify");
  EXPECT_FALSE(state.is_available);
  EXPECT_THAT(state.issues,
              ElementsAre("something else",
                          "opens are not held: files are judged after they "
                          "were written, by inotify: 7 directories"));
}

TEST(WithFallbackTest, AScanFromTimeToTimeSaysSo) {
  const ProtectionState state =
      WithFallback(Unavailable(), {"periodic_scan", "why"});
  EXPECT_EQ(state.subsystem, "periodic_scan");
  EXPECT_THAT(
      state.issues,
      ElementsAre("something else",
                  "opens are not held and writes not seen: the "
                  "protected paths are scanned from time to time: why"));
}

TEST(WithFallbackTest, NothingChangesWhereNoneRunsOrFanotifyDoes) {
  EXPECT_EQ(WithFallback(Unavailable(), {}).subsystem, kNoSubsystem);
  EXPECT_EQ(WithFallback(Unavailable(), {}).issues.size(), 2U);
  ProtectionState fanotify;
  fanotify.subsystem = "fanotify";
  fanotify = WithFallback(fanotify, {"inotify", "about to end"});
  EXPECT_EQ(fanotify.subsystem, "fanotify");
  EXPECT_THAT(fanotify.issues, IsEmpty());
}

}  // namespace
}  // namespace gatehouse
