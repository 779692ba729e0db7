#include "es_adapter/linux/mute_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gatehouse {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

audit_token_t Process(unsigned int pid, unsigned int version = 7) {
  audit_token_t token = {};
  token.val[5] = pid;
  token.val[7] = version;
  return token;
}

EventSet Only(es_event_type_t type) {
  EventSet set;
  set.set(type);
  return set;
}

const EventSet kAll = EventSet().set();

MuteSubject Open(unsigned int pid, std::string_view executable,
                 std::string_view target) {
  MuteSubject subject;
  subject.type = ES_EVENT_TYPE_AUTH_OPEN;
  subject.process = Process(pid);
  subject.executable = executable;
  subject.targets.front() = target;
  subject.target_count = 1;
  return subject;
}

// Apple's flow chart, as a table: what is muted of the event, what is inverted,
// and whether the client sees it.
struct Row {
  bool process_muted;
  bool process_inverted;
  bool path_muted;
  bool path_inverted;
  bool target_muted;
  bool target_inverted;
  bool delivered;
};

class FlowChart : public testing::TestWithParam<Row> {};

TEST_P(FlowChart, Decides) {
  const Row& row = GetParam();
  MuteSet mutes;
  mutes.Mute(Process(row.process_muted ? 12 : 99), kAll);
  mutes.Mute(ES_MUTE_PATH_TYPE_LITERAL,
             row.path_muted ? "/bin/reader" : "/bin/other", kAll);
  mutes.Mute(ES_MUTE_PATH_TYPE_TARGET_PREFIX,
             row.target_muted ? "/data/" : "/other/", kAll);
  if (row.process_inverted) mutes.Invert(ES_MUTE_INVERSION_TYPE_PROCESS);
  if (row.path_inverted) mutes.Invert(ES_MUTE_INVERSION_TYPE_PATH);
  if (row.target_inverted) mutes.Invert(ES_MUTE_INVERSION_TYPE_TARGET_PATH);
  EXPECT_NE(mutes.Suppresses(Open(12, "/bin/reader", "/data/file")),
            row.delivered);
}

INSTANTIATE_TEST_SUITE_P(
    MuteSet, FlowChart,
    testing::Values(
        // Nothing inverted: any kind that is muted suppresses.
        Row{false, false, false, false, false, false, true},
        Row{true, false, false, false, false, false, false},
        Row{false, false, true, false, false, false, false},
        Row{false, false, false, false, true, false, false},
        Row{true, false, true, false, true, false, false},
        // Inverted: only what is muted is seen.
        Row{true, true, false, false, false, false, true},
        Row{false, true, false, false, false, false, false},
        Row{false, false, true, true, false, false, true},
        Row{false, false, false, true, false, false, false},
        Row{false, false, false, false, true, true, true},
        Row{false, false, false, false, false, true, false},
        // They combine with OR: selected by one, suppressed by another.
        Row{true, true, true, false, false, false, false},
        Row{true, true, false, false, true, false, false},
        Row{true, true, true, true, true, true, true},
        Row{true, true, true, true, false, true, false}));

TEST(MuteSetTest, MutesForTheEventsThatWereNamed) {
  MuteSet mutes;
  mutes.Mute(ES_MUTE_PATH_TYPE_PREFIX, "/bin/", Only(ES_EVENT_TYPE_AUTH_EXEC));
  MuteSubject subject = Open(1, "/bin/reader", "/data/file");
  EXPECT_FALSE(mutes.Suppresses(subject));
  subject.type = ES_EVENT_TYPE_AUTH_EXEC;
  EXPECT_TRUE(mutes.Suppresses(subject));
}

TEST(MuteSetTest, KnowsAProcessByItsPidAndVersion) {
  MuteSet mutes;
  mutes.Mute(Process(12, 1), kAll);
  MuteSubject subject = Open(12, "/bin/reader", "/data/file");
  EXPECT_FALSE(mutes.Suppresses(subject)) << "the pid was used again";
  subject.process = Process(12, 1);
  EXPECT_TRUE(mutes.Suppresses(subject));
}

// Whoever can hide what he does must not gain by it.
TEST(MuteSetTest, WhatIsUnknownIsNeverSuppressed) {
  MuteSet mutes;
  mutes.Mute(Process(0), kAll);
  mutes.Mute(ES_MUTE_PATH_TYPE_PREFIX, "/", kAll);
  mutes.Mute(ES_MUTE_PATH_TYPE_TARGET_PREFIX, "/", kAll);
  const MuteSubject unknown = Open(0, "", "");
  EXPECT_FALSE(mutes.Suppresses(unknown));
  for (const es_mute_inversion_type_t kind :
       {ES_MUTE_INVERSION_TYPE_PROCESS, ES_MUTE_INVERSION_TYPE_PATH,
        ES_MUTE_INVERSION_TYPE_TARGET_PATH}) {
    mutes.Invert(kind);
  }
  EXPECT_FALSE(mutes.Suppresses(unknown));
}

TEST(MuteSetTest, AllTargetsMustBeMutedAndAnyIsSelected) {
  MuteSet mutes;
  mutes.Mute(ES_MUTE_PATH_TYPE_TARGET_LITERAL, "/data/from", kAll);
  MuteSubject rename = Open(1, "/bin/mv", "/data/from");
  rename.type = ES_EVENT_TYPE_NOTIFY_RENAME;
  rename.targets = {"/data/from", "/data/to"};
  rename.target_count = 2;
  EXPECT_FALSE(mutes.Suppresses(rename)) << "one of two is muted";
  mutes.Invert(ES_MUTE_INVERSION_TYPE_TARGET_PATH);
  EXPECT_FALSE(mutes.Suppresses(rename)) << "one of two is selected";
  mutes.Invert(ES_MUTE_INVERSION_TYPE_TARGET_PATH);
  mutes.Mute(ES_MUTE_PATH_TYPE_TARGET_LITERAL, "/data/to", kAll);
  EXPECT_TRUE(mutes.Suppresses(rename));
}

TEST(MuteSetTest, UnmutingTakesOutExactlyWhatIsNamed) {
  MuteSet mutes;
  mutes.Mute(ES_MUTE_PATH_TYPE_LITERAL, "/bin/reader", kAll);
  mutes.Unmute(ES_MUTE_PATH_TYPE_PREFIX, "/bin/reader", kAll);
  mutes.Unmute(ES_MUTE_PATH_TYPE_LITERAL, "/bin", kAll);
  EXPECT_TRUE(mutes.Suppresses(Open(1, "/bin/reader", "/data/file")));
  mutes.Unmute(ES_MUTE_PATH_TYPE_LITERAL, "/bin/reader",
               Only(ES_EVENT_TYPE_AUTH_OPEN));
  EXPECT_FALSE(mutes.Suppresses(Open(1, "/bin/reader", "/data/file")));
  EXPECT_THAT(mutes.paths(), SizeIs(1)) << "the other events are still muted";
  mutes.Unmute(ES_MUTE_PATH_TYPE_LITERAL, "/bin/reader", kAll);
  EXPECT_THAT(mutes.paths(), IsEmpty());
}

TEST(MuteSetTest, UnmutesOneKindOfPaths) {
  MuteSet mutes;
  mutes.Mute(ES_MUTE_PATH_TYPE_PREFIX, "/bin/", kAll);
  mutes.Mute(ES_MUTE_PATH_TYPE_TARGET_PREFIX, "/data/", kAll);
  mutes.UnmuteAllPaths();
  EXPECT_TRUE(mutes.Suppresses(Open(1, "/bin/reader", "/data/file")));
  EXPECT_FALSE(mutes.Suppresses(Open(1, "/bin/reader", "/tmp/file")));
  mutes.UnmuteAllTargetPaths();
  EXPECT_FALSE(mutes.Suppresses(Open(1, "/bin/reader", "/data/file")));
}

TEST(MuteSetTest, NeedsToKnowOnlyWhatIsMutedOrInverted) {
  MuteSet mutes;
  EXPECT_FALSE(mutes.needs_process() || mutes.needs_executable() ||
               mutes.needs_targets());
  mutes.Mute(Process(1), kAll);
  EXPECT_TRUE(mutes.needs_process());
  mutes.Unmute(Process(1), kAll);
  EXPECT_FALSE(mutes.needs_process());
  mutes.Invert(ES_MUTE_INVERSION_TYPE_PATH);
  EXPECT_TRUE(mutes.needs_executable());
  mutes.Mute(ES_MUTE_PATH_TYPE_TARGET_LITERAL, "/data", kAll);
  EXPECT_TRUE(mutes.needs_targets());
}

}  // namespace
}  // namespace gatehouse
