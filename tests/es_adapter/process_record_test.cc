#include "es_adapter/linux/process_record.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/es_adapter/kernel_records.h"

namespace gatehouse {
namespace {

proc_event Event(decltype(proc_event::what) what) {
  proc_event event = {};
  event.what = what;
  return event;
}

proc_event Exit(pid_t pid, pid_t thread, uint32_t status) {
  proc_event event = Event(proc_event::PROC_EVENT_EXIT);
  event.event_data.exit.process_tgid = pid;
  event.event_data.exit.process_pid = thread;
  event.event_data.exit.exit_code = status;
  event.event_data.exit.parent_tgid = 3;
  return event;
}

TEST(ProcessRecordTest, SaysWhoWasForked) {
  proc_event event = Event(proc_event::PROC_EVENT_FORK);
  event.event_data.fork = {10, 11, 12, 12};
  const auto record = ParseProcessRecord(ProcessDatagram(event));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kind, ProcessRecordKind::kFork);
  EXPECT_EQ(record->pid, 11);
  EXPECT_EQ(record->child_pid, 12);
}

TEST(ProcessRecordTest, SaysWhoRunsAnotherProgram) {
  proc_event event = Event(proc_event::PROC_EVENT_EXEC);
  event.event_data.exec = {13, 12};
  const auto record = ParseProcessRecord(ProcessDatagram(event));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kind, ProcessRecordKind::kExec);
  EXPECT_EQ(record->pid, 12);
}

TEST(ProcessRecordTest, SaysWhoEndedAndHow) {
  const auto record = ParseProcessRecord(ProcessDatagram(Exit(12, 12, 7 << 8)));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kind, ProcessRecordKind::kExit);
  EXPECT_EQ(record->pid, 12);
  EXPECT_EQ(record->parent_pid, 3);
  EXPECT_EQ(record->status, 7 << 8);
}

TEST(ProcessRecordTest, ReadsTheShorterExitOfOlderKernels) {
  constexpr uint16_t kWithoutParent = offsetof(proc_event, event_data) + 16;
  const auto record =
      ParseProcessRecord(ProcessDatagram(Exit(12, 12, 9), kWithoutParent));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, 9);
  EXPECT_EQ(record->parent_pid, 0);
}

TEST(ProcessRecordTest, ThreadsAreNoProcesses) {
  proc_event fork = Event(proc_event::PROC_EVENT_FORK);
  fork.event_data.fork = {10, 11, 13, 12};
  for (const RecordBytes& bytes :
       {ProcessDatagram(fork), ProcessDatagram(Exit(12, 13, 0)),
        ProcessDatagram(Event(proc_event::PROC_EVENT_COMM))}) {
    const auto record = ParseProcessRecord(bytes);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->kind, ProcessRecordKind::kOther);
  }
}

TEST(ProcessRecordTest, SaysWhatTheKernelThinksOfUs) {
  proc_event event = Event(proc_event::PROC_EVENT_NONE);
  event.event_data.ack.err = 1;
  const auto record = ParseProcessRecord(ProcessDatagram(event));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kind, ProcessRecordKind::kAcknowledged);
  EXPECT_EQ(record->status, 1);
}

TEST(ProcessRecordTest, TakesNothingThatDoesNotFit) {
  const RecordBytes good = ProcessDatagram(Exit(12, 12, 0));
  const auto with = [&](size_t at, uint8_t value) {
    RecordBytes bytes = good;
    bytes.at(at) = std::byte{value};
    return bytes;
  };
  constexpr size_t kType = offsetof(nlmsghdr, nlmsg_type);
  constexpr size_t kId = sizeof(nlmsghdr);
  constexpr size_t kLength = sizeof(nlmsghdr) + offsetof(cn_msg, len);
  const std::vector<RecordBytes> wrong = {
      {},
      RecordBytes(good.begin(), good.end() - 1),
      RecordBytes(16),
      with(kType, NLMSG_ERROR),
      with(kId, 9),
      with(kLength, 255),
      with(kLength, 8),
      // Long enough for an event, too short for this one.
      ProcessDatagram(Exit(12, 12, 0), offsetof(proc_event, event_data) + 12),
  };
  for (size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_FALSE(ParseProcessRecord(wrong[i])) << i;
  }
}

}  // namespace
}  // namespace gatehouse
