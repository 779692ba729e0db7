// Replays a trace through a real client, and records what it does.
#include <EndpointSecurity/EndpointSecurity.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "es_adapter/linux/client.h"
#include "es_adapter/linux/replay_backend.h"
#include "es_linux.h"
#include "tests/becomes_true.h"
#include "tests/temp_dir.h"
#include "trace/trace_content.h"
#include "trace/trace_format.h"
#include "trace/trace_reader.h"

namespace gatehouse {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr uint32_t kEventsMax = 64;
constexpr std::array kEvents = {ES_EVENT_TYPE_AUTH_OPEN,
                                ES_EVENT_TYPE_AUTH_EXEC,
                                ES_EVENT_TYPE_NOTIFY_CLOSE};

// `opens` of two files by two processes, 1 ms apart, each answered 2.5 ms
// later; every third is denied. Then a file is closed.
Trace TraceOfOpens(size_t opens) {
  Trace trace;
  trace.sessions = {{0, 1000 * kMs, "test"}};
  trace.processes = {{4001, 1, 5, 6, 7, 8, "/bin/a"},
                     {4002, 1, 0, 0, 0, 0, "/bin/b"}};
  trace.files = {{9, 1, 100, 0100644, 11, 12, false, "/f/a"},
                 {9, 2, 68, 0100755, 13, 14, false, "/f/b"}};
  for (size_t i = 0; i < opens; ++i) {
    TraceEvent event;
    event.time_ns = (1000 + static_cast<int64_t>(i)) * kMs;
    event.type = ES_EVENT_TYPE_AUTH_OPEN;
    event.process = i % 2;
    event.file = i % 3 == 2 ? 1 : 0;
    event.fflag = 3;  // What a client of little detail is told.
    event.deadline_ns = int64_t{kOpenDeadlineMilliseconds} * kMs;
    event.answer = i;
    trace.events.push_back(event);
    trace.answers.push_back(
        {event.time_ns + 5 * kMs / 2, i, i % 3 != 2, AnswerSource::kClient});
  }
  TraceEvent close;
  close.time_ns = (1000 + static_cast<int64_t>(opens)) * kMs;
  close.type = ES_EVENT_TYPE_NOTIFY_CLOSE;
  close.action = TraceAction::kNotify;
  trace.events.push_back(close);
  trace.sessions_ended = 1;
  return trace;
}

void Respond(es_client_t* client, const es_message_t* message, bool allow) {
  EXPECT_EQ(
      es_respond_flags_result(client, message, allow ? UINT32_MAX : 0, false),
      ES_RESPOND_RESULT_SUCCESS);
}

// What the trace was answered, by the content that is behind the descriptor.
bool IsClean(const es_message_t* message) {
  std::string text(16, '\0');
  const ssize_t count =
      ::pread(esl_message_fd(message), text.data(), text.size(), 0);
  EXPECT_GT(count, 0);
  return !EicarTestFile().starts_with(text);
}

class ReplayTest : public testing::Test {
 protected:
  using OnMessage = std::function<void(es_client_t*, const es_message_t*)>;

  ~ReplayTest() override {
    if (client_ != nullptr) Delete();
  }

  void Open(const Trace& trace, OnMessage on_message) {
    on_message_ = std::move(on_message);
    replay_.options.trace = &trace;
    journal_ = esl_journal_create(kEventsMax);
    ASSERT_NE(journal_, nullptr);
    ASSERT_EQ(
        esl_new_replay_client(
            &client_, journal_, &replay_, this,
            [](void* self, es_client_t* client, const es_message_t* message) {
              static_cast<ReplayTest*>(self)->on_message_(client, message);
            }),
        ES_NEW_CLIENT_RESULT_SUCCESS);
    esl_set_detail(client_, ESL_DETAIL_FILE);
  }
  void Begin() {
    ASSERT_EQ(es_subscribe(client_, kEvents.data(), kEvents.size()),
              ES_RETURN_SUCCESS);
    ASSERT_EQ(esl_watch_file_system(client_, "/"), 0);
  }
  void Delete() {
    EXPECT_EQ(es_delete_client(client_), ES_RETURN_SUCCESS);
    client_ = nullptr;
  }
  // Moves the time to whatever comes next, until nothing does. Answers each
  // message when it was answered in the trace.
  void RunOnVirtualTime(VirtualTime& time) {
    constexpr int64_t kNever_ns = std::numeric_limits<int64_t>::max();
    while (true) {
      const int64_t event = replay_.backend->NextEventAt();
      const int64_t answer = due_.empty() ? kNever_ns : due_.begin()->first;
      if (event == kNever_ns && answer == kNever_ns) return;
      time.AdvanceTo(
          MonotonicTime(std::chrono::nanoseconds(std::min(event, answer))));
      if (answer <= event) {
        const es_message_t* message = due_.begin()->second;
        due_.erase(due_.begin());
        Respond(client_, message, IsClean(message));
        es_release_message(message);
      } else {
        esl_replay_step(client_);
      }
    }
  }
  void AnswerWhenRecorded(const es_message_t* message) {
    if (message->action_type != ES_ACTION_TYPE_AUTH) return;
    es_retain_message(message);
    due_.emplace(replay_.backend->RecordedAnswerAt(esl_message_fd(message)),
                 message);
  }

  esl_replay_t replay_;
  esl_journal_t* journal_ = nullptr;
  es_client_t* client_ = nullptr;
  OnMessage on_message_;
  std::multimap<int64_t, const es_message_t*> due_;
};

TEST_F(ReplayTest, DeliversWhatWasRecordedInItsOrder) {
  const Trace trace = TraceOfOpens(100);
  size_t seen = 0;
  Open(trace, [&](es_client_t* client, const es_message_t* message) {
    const TraceEvent& event = trace.events.at(seen++);
    EXPECT_EQ(message->event_type, event.type);
    EXPECT_EQ(audit_token_to_pid(message->process->audit_token),
              trace.processes[event.process].pid);
    if (message->action_type != ES_ACTION_TYPE_AUTH) return;
    const es_file_t& file = *message->event.open.file;
    EXPECT_STREQ(file.path.data, trace.files[event.file].path.c_str());
    EXPECT_EQ(file.stat.st_ino, trace.files[event.file].inode);
    Respond(client, message, IsClean(message));
  });
  Begin();
  replay_.results.WaitForEnd();
  Delete();
  EXPECT_EQ(seen, trace.events.size());
  EXPECT_EQ(replay_.results.auth_events.load(), 100U);
  EXPECT_EQ(replay_.results.answers.load(), 100U);
  EXPECT_EQ(replay_.results.notify_events.load(), 1U);
  EXPECT_EQ(replay_.results.differences.load(), 0U);
  EXPECT_EQ(replay_.results.duplicates.load(), 0U);
  EXPECT_EQ(replay_.results.unanswered.load(), 0U);
  EXPECT_EQ(replay_.results.failures.load(), 0U);
}

TEST_F(ReplayTest, RepeatsTheTrace) {
  const Trace trace = TraceOfOpens(10);
  replay_.options.rounds = 500;
  std::atomic<uint64_t> closes{0};
  Open(trace, [&](es_client_t* client, const es_message_t* message) {
    if (message->action_type == ES_ACTION_TYPE_AUTH) {
      Respond(client, message, true);
    } else {
      closes.fetch_add(1);
    }
  });
  Begin();
  replay_.results.WaitForEnd();
  Delete();
  EXPECT_EQ(replay_.results.answers.load(), 5000U);
  EXPECT_EQ(closes.load(), 500U);
  // The denied ones, which are allowed here.
  EXPECT_EQ(replay_.results.differences.load(), 1500U);
  const std::vector<ReplayedAnswer> first = replay_.results.differing();
  ASSERT_EQ(first.size(), ReplayResults::kDifferencesKept);
  EXPECT_EQ(first.at(0).event, 2U);
  EXPECT_EQ(first.at(3).round, 1U);
}

TEST_F(ReplayTest, CountsWhatIsLetGoOfWithoutAnAnswerOnceAllowed) {
  const Trace trace = TraceOfOpens(10);
  Open(trace, [](es_client_t*, const es_message_t*) {});
  Begin();
  replay_.results.WaitForEnd();
  Delete();
  esl_statistics_t statistics = {};
  esl_journal_statistics(journal_, &statistics);
  EXPECT_EQ(statistics.allowed_unanswered, 10U);
  EXPECT_EQ(replay_.results.answers.load(), 10U);
}

TEST_F(ReplayTest, AnswersAtTheDeadlineOfAVirtualClock) {
  Trace trace = TraceOfOpens(1);
  trace.answers[0].allow = false;  // By a verdict, which comes too late here.
  VirtualTime time;
  replay_.options.time = &time;
  const es_message_t* held = nullptr;
  Open(trace, [&](es_client_t*, const es_message_t* message) {
    if (message->action_type != ES_ACTION_TYPE_AUTH) return;
    es_retain_message(message);
    held = message;
  });
  Begin();
  time.AdvanceTo(MonotonicTime(std::chrono::nanoseconds(1000 * kMs)));
  esl_replay_step(client_);
  ASSERT_NE(held, nullptr);
  const auto deadline = std::chrono::nanoseconds(held->deadline);
  EXPECT_EQ(deadline,
            std::chrono::milliseconds(1000 + kOpenDeadlineMilliseconds));
  time.AdvanceTo(MonotonicTime(deadline - std::chrono::nanoseconds(1)));
  esl_replay_answer_overdue(client_);
  EXPECT_EQ(replay_.results.answers.load(), 0U);
  time.AdvanceTo(MonotonicTime(deadline));
  esl_replay_answer_overdue(client_);
  EXPECT_EQ(replay_.results.answers.load(), 1U);
  EXPECT_EQ(replay_.results.deadline_differences.load(), 1U);
  EXPECT_EQ(replay_.results.differences.load(), 0U);
  es_release_message(held);
}

// For ThreadSanitizer: who looks for missed deadlines looks at messages that
// the reader fills again meanwhile.
TEST_F(ReplayTest, LooksForMissedDeadlinesOnlyAtWhatIsHeld) {
  const Trace trace = TraceOfOpens(10);
  replay_.options.rounds = 3000;
  Open(trace, [](es_client_t* client, const es_message_t* message) {
    if (message->action_type != ES_ACTION_TYPE_AUTH) return;
    esl_message_fail_closed(message);
    Respond(client, message, true);
  });
  Begin();
  while (replay_.results.answers.load() < 30'000) {
    esl_replay_answer_overdue(client_);
  }
  replay_.results.WaitForEnd();
  Delete();
  EXPECT_EQ(replay_.results.answers.load(), 30'000U);
  EXPECT_EQ(replay_.results.duplicates.load(), 0U);
}

// The record of a replay is the record that was replayed.
TEST_F(ReplayTest, IsRecordedAsWhatItReplays) {
  const Trace trace = TraceOfOpens(200);
  const TempDir directory;
  const std::string path = directory.Write("again.trace", "");
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  VirtualTime time;
  replay_.options.time = &time;
  Open(trace, [this](es_client_t*, const es_message_t* message) {
    AnswerWhenRecorded(message);
  });
  time.AdvanceTo(MonotonicTime(std::chrono::nanoseconds(1000 * kMs)));
  ASSERT_EQ(esl_record_start(client_, file.UnsafeFd(), "test"), 0);
  EXPECT_EQ(esl_record_start(client_, file.UnsafeFd(), "test"), EBUSY);
  Begin();
  RunOnVirtualTime(time);
  EXPECT_EQ(esl_record_stop(client_), 0);
  EXPECT_EQ(esl_record_stop(client_), EINVAL);
  esl_recording_t recording = {};
  esl_record_status(client_, &recording);
  EXPECT_FALSE(recording.active);
  EXPECT_EQ(recording.error_number, 0);
  EXPECT_EQ(recording.events, 201U);
  EXPECT_EQ(recording.answers, 200U);
  EXPECT_EQ(recording.lost, 0U);
  EXPECT_EQ(recording.bytes, std::filesystem::file_size(path));
  Delete();
  const Result<Trace> again = ReadTraceFile(path);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->sessions.size(), 1U);
  EXPECT_EQ(*again, trace);
}

// A trace that nobody takes holds up nobody; what is missing in it is said.
TEST_F(ReplayTest, LosesWhatIsNotWrittenAndHoldsUpNobody) {
  const Trace trace = TraceOfOpens(500);
  replay_.options.rounds = 40;
  std::array<int, 2> ends = {};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  ASSERT_GE(::fcntl(to.UnsafeFd(), F_SETPIPE_SZ, 4096), 0);
  std::atomic<uint64_t> closes{0};
  Open(trace, [&](es_client_t* client, const es_message_t* message) {
    if (message->action_type == ES_ACTION_TYPE_AUTH) {
      Respond(client, message, IsClean(message));
    } else {
      closes.fetch_add(1);
    }
  });
  ASSERT_EQ(esl_record_start(client_, to.UnsafeFd(), "test"), 0);
  to.Reset();
  Begin();
  replay_.results.WaitForEnd();  // The writer waits for us.
  EXPECT_EQ(replay_.results.answers.load(), 20'000U);
  // Nobody waits for the last of all, a close: it may still be on its way.
  ASSERT_TRUE(BecomesTrue([&] { return closes.load() == 40; }));

  std::string bytes;
  std::thread reader([&] {
    std::array<char, 4096> part = {};
    ssize_t count = 0;
    while ((count = ::read(from.UnsafeFd(), part.data(), part.size())) > 0) {
      bytes.append(part.data(), static_cast<size_t>(count));
    }
  });
  EXPECT_EQ(esl_record_stop(client_), 0);
  Delete();
  reader.join();
  const Result<Trace> read = DecodeTrace(AsBytes(bytes));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->sessions_ended, 1U);
  EXPECT_GT(read->lost, 0U);
  // 500 held opens and a close, and as many answers as opens.
  EXPECT_EQ(read->events.size() + read->answers.size() + read->lost,
            40U * (501 + 500));
  esl_statistics_t statistics = {};
  esl_journal_statistics(journal_, &statistics);
  EXPECT_GT(statistics.record_lost, 0U);
}

// What is there already, counts; here it is a hole.
TEST_F(ReplayTest, RecordsNoMoreThanATraceMayHave) {
  constexpr uint64_t kBytesLeft = 200;
  const Trace trace = TraceOfOpens(50);
  const TempDir directory;
  const std::string path = directory.Write("full.trace", "");
  std::filesystem::resize_file(path, kTraceBytesMax - kBytesLeft);
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  Open(trace, [](es_client_t* client, const es_message_t* message) {
    if (message->action_type == ES_ACTION_TYPE_AUTH) {
      Respond(client, message, true);
    }
  });
  ASSERT_EQ(esl_record_start(client_, file.UnsafeFd(), "test"), 0);
  Begin();
  replay_.results.WaitForEnd();
  EXPECT_EQ(esl_record_stop(client_), EFBIG);
  esl_recording_t recording = {};
  esl_record_status(client_, &recording);
  EXPECT_FALSE(recording.active);
  EXPECT_EQ(recording.error_number, EFBIG);
  EXPECT_EQ(recording.bytes, kTraceBytesMax - kBytesLeft);
  EXPECT_EQ(std::filesystem::file_size(path), recording.bytes);
  EXPECT_EQ(replay_.results.answers.load(), 50U);
  Delete();  // It reads the trace.
}

TEST_F(ReplayTest, SaysWhyARecordingEnded) {
  const Trace trace = TraceOfOpens(50);
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  Open(trace, [](es_client_t* client, const es_message_t* message) {
    if (message->action_type == ES_ACTION_TYPE_AUTH) {
      Respond(client, message, true);
    }
  });
  EXPECT_EQ(esl_record_start(client_, full.UnsafeFd(), "test"), ENOSPC);
  EXPECT_EQ(esl_record_start(client_, -1, "test"), EBADF);
  Begin();
  replay_.results.WaitForEnd();
  Delete();
  EXPECT_EQ(replay_.results.answers.load(), 50U);
}

}  // namespace
}  // namespace gatehouse
