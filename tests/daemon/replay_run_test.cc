#include "daemon/replay_run.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "trace/trace.h"

namespace gatehouse {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr int64_t kMs = 1'000'000;

// Opens 10 ms apart, answered a millisecond later; every fourth is denied.
Trace TraceOfOpens(size_t opens) {
  Trace trace;
  trace.sessions = {{0, 1000 * kMs, "test"}};
  trace.processes = {{4001, 1, 0, 0, 0, 0, "/bin/a"}};
  trace.files = {{9, 1, 5000, 0100644, 11, 12, false, "/f/a"},
                 {9, 2, 68, 0100755, 13, 14, false, "/f/b"}};
  for (size_t i = 0; i < opens; ++i) {
    TraceEvent event;
    event.time_ns = (1000 + 10 * static_cast<int64_t>(i)) * kMs;
    event.type = ES_EVENT_TYPE_AUTH_OPEN;
    event.file = i % 4 == 3 ? 1 : 0;
    event.answer = i;
    trace.events.push_back(event);
    trace.answers.push_back(
        {event.time_ns + kMs, i, i % 4 != 3, AnswerSource::kClient});
  }
  return trace;
}

std::unique_ptr<ReplayRun> RunOf(const ReplayRequest& request) {
  Result<std::unique_ptr<ReplayRun>> run = ReplayRun::Start(request);
  EXPECT_TRUE(run) << run.error().message;
  const Result<bool> done = (*run)->Run();
  EXPECT_TRUE(done) << done.error().message;
  return std::move(*run);
}

ReplayRequest VirtualReplayOf(const Trace& trace) {
  ReplayRequest request;
  request.trace = &trace;
  request.is_virtual = true;
  request.keeps_answers = true;
  return request;
}

// Without the real time at which they were taken.
std::string SteadyCountersOf(const ReplayRun& run) {
  std::string text = run.Counters();
  const size_t begin = text.find("\"takenAtMonotonicNs\"");
  EXPECT_NE(begin, std::string::npos);
  return text.erase(begin, text.find_first_of(",}", begin) - begin);
}

TEST(ReplayRunTest, AnswersEachHeldOpenOnceThroughTheWholeDaemon) {
  const Trace trace = TraceOfOpens(100);
  ReplayRequest request;
  request.trace = &trace;
  request.rounds = 50;
  const std::unique_ptr<ReplayRun> run = RunOf(request);
  const ReplayResults& results = run->results();
  EXPECT_EQ(results.auth_events.load(), 5000U);
  EXPECT_EQ(results.answers.load(), 5000U);
  EXPECT_EQ(results.allowed.load(), 3750U);
  EXPECT_EQ(results.differences.load(), 0U);
  EXPECT_EQ(results.duplicates.load(), 0U);
  EXPECT_EQ(results.unanswered.load(), 0U);
}

// What is opened again is known, and answered at once.
TEST(ReplayRunTest, AnswersWhenItWasRecordedOnAVirtualClock) {
  Trace trace = TraceOfOpens(10);
  for (size_t i = 0; i < trace.events.size(); ++i) {
    const uint32_t file = trace.events[i].file;
    trace.files.push_back(trace.files[file]);
    trace.files.back().inode = 10 + i;
    trace.events[i].file = static_cast<uint32_t>(trace.files.size() - 1);
  }
  const std::unique_ptr<ReplayRun> run = RunOf(VirtualReplayOf(trace));
  const std::vector<ReplayedAnswer> answers = run->results().answers_kept();
  ASSERT_EQ(answers.size(), 10U);
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].event, i);
    EXPECT_EQ(answers[i].at_ns, trace.answers[i].time_ns);
    EXPECT_EQ(answers[i].allow, trace.answers[i].allow);
  }
}

// An open has 3 s; the budget of a scan is 2 s of them, and the ledger looks
// every 20 ms.
TEST(ReplayRunTest, AllowsAtTheBudgetWhenScansTakeLonger) {
  const Trace trace = TraceOfOpens(4);
  ReplayRequest request = VirtualReplayOf(trace);
  request.scan_time = 10s;
  const std::unique_ptr<ReplayRun> run = RunOf(request);
  const std::vector<ReplayedAnswer> answers = run->results().answers_kept();
  ASSERT_EQ(answers.size(), 4U);
  for (const ReplayedAnswer& answer : answers) {
    EXPECT_TRUE(answer.allow);
    const int64_t waited = answer.at_ns - trace.events[answer.event].time_ns;
    EXPECT_GE(waited, 2000 * kMs);
    EXPECT_LT(waited, 2020 * kMs);
  }
  // The fourth is EICAR.
  EXPECT_EQ(run->results().deadline_differences.load(), 1U);
  EXPECT_EQ(run->results().differences.load(), 0U);
  EXPECT_EQ(run->results().policy_differences.load(), 0U);
  EXPECT_EQ(run->results().differing().at(0).basis, AnswerBasis::kDeadline);
  EXPECT_NE(run->Counters().find("\"lateInfected\": 1"), std::string::npos)
      << run->Counters();
}

TEST(ReplayRunTest, AnswersByTheVerdictUpToTheBudget) {
  const Trace trace = TraceOfOpens(4);
  ReplayRequest request = VirtualReplayOf(trace);
  request.scan_time = 2000ms;  // Ends first where both are due.
  EXPECT_EQ(RunOf(request)->results().differences.load(), 0U);
}

TEST(ReplayRunTest, DoesTheSameAgainOnAVirtualClock) {
  const Trace trace = TraceOfOpens(300);
  for (const auto scan_time : {1ms, 1990ms, 2010ms, 4000ms}) {
    ReplayRequest request = VirtualReplayOf(trace);
    request.rounds = 2;
    request.scan_time = scan_time;
    const std::unique_ptr<ReplayRun> first = RunOf(request);
    const std::unique_ptr<ReplayRun> second = RunOf(request);
    const auto a = first->results().answers_kept();
    const auto b = second->results().answers_kept();
    ASSERT_EQ(a.size(), 600U);
    EXPECT_EQ(a, b) << scan_time.count();
    EXPECT_EQ(SteadyCountersOf(*first), SteadyCountersOf(*second));
  }
}

// A wrong verdict is not put down to a deadline.
TEST(ReplayRunTest, TellsAVerdictThatDiffersFromADeadlineThatWasMissed) {
  Trace trace = TraceOfOpens(4);
  trace.contents = {{ContentKind::kEicar, 68, 0, ""}};
  trace.events[0].content = 0;  // Was allowed.
  const std::unique_ptr<ReplayRun> run = RunOf(VirtualReplayOf(trace));
  EXPECT_EQ(run->results().differences.load(), 1U);
  EXPECT_EQ(run->results().deadline_differences.load(), 0U);
  EXPECT_EQ(run->results().differing().at(0).basis, AnswerBasis::kVerdict);
}

// --- What is remembered -----------------------------------------------------

// Of one file in one state: whatever is written to it does not show there.
class TraceOfOneFile {
 public:
  TraceOfOneFile() {
    trace.sessions = {{1'700'000'000'000, 0, "test"}};
    trace.processes = {{4001, 1, 0, 0, 0, 0, "/bin/a"}};
    trace.files = {{9, 1, 5000, 0100644, 11, 12, false, "/f/a"}};
    trace.contents = {{ContentKind::kClean, 5000, 7, ""},
                      {ContentKind::kEicar, 68, 0, ""}};
  }
  void AddOpens(size_t opens, bool is_clean, bool had_writer = false) {
    for (size_t i = 0; i < opens; ++i) {
      TraceEvent& event = Add(is_clean ? 0 : 1);
      event.type = ES_EVENT_TYPE_AUTH_OPEN;
      event.had_writer = had_writer;
      event.answer = trace.answers.size();
      trace.answers.push_back({event.time_ns + kMs, trace.events.size() - 1,
                               is_clean, AnswerSource::kClient});
    }
  }
  void AddClose(bool is_clean) {
    TraceEvent& event = Add(is_clean ? 0 : 1);
    event.type = ES_EVENT_TYPE_NOTIFY_CLOSE;
    event.action = TraceAction::kNotify;
  }

  Trace trace;

 private:
  TraceEvent& Add(uint32_t content) {
    TraceEvent event;
    event.time_ns = 10 * kMs * static_cast<int64_t>(trace.events.size() + 1);
    event.content = content;
    trace.events.push_back(event);
    return trace.events.back();
  }
};

TEST(ReplayRunTest, AnswersWhatIsOpenedAgainByTheCache) {
  TraceOfOneFile one;
  one.AddOpens(10, true);
  const std::unique_ptr<ReplayRun> run = RunOf(VirtualReplayOf(one.trace));
  EXPECT_EQ(run->cache_hits(), 9U);
  EXPECT_EQ(run->results().differences.load(), 0U);
  // At once, and not after as long as the scan took.
  const ReplayedAnswer second = run->results().answers_kept().at(1);
  EXPECT_EQ(second.at_ns, one.trace.events[1].time_ns);
}

// More than there are slots: the last come when the first have been judged.
TEST(ReplayRunTest, TheThreadsOfTheDaemonHaveHitsToo) {
  TraceOfOneFile one;
  one.AddOpens(3 * ReplayRun::kEventsMax, true);
  ReplayRequest request;
  request.trace = &one.trace;
  const std::unique_ptr<ReplayRun> run = RunOf(request);
  EXPECT_GT(run->cache_hits(), 0U);
  EXPECT_EQ(run->results().allowed.load(), one.trace.events.size());
}

// Its state is the same; that it was written has been seen. Each way to see it
// by itself, and both.
TEST(ReplayRunTest, NothingOfBeforeAWriteIsBelievedAfterIt) {
  constexpr size_t kOpens = 2 * ReplayRun::kEventsMax;
  for (const int seen : {1, 2, 3}) {
    TraceOfOneFile one;
    one.AddOpens(kOpens, true);
    if ((seen & 1) != 0) one.AddOpens(1, true, true);
    if ((seen & 2) != 0) one.AddClose(false);
    one.AddOpens(kOpens, false);
    ReplayRequest threads;
    threads.trace = &one.trace;
    for (const ReplayRequest& request : {VirtualReplayOf(one.trace), threads}) {
      const std::unique_ptr<ReplayRun> run = RunOf(request);
      EXPECT_GT(run->cache_hits(), 0U) << seen;
      EXPECT_EQ(run->results().differences.load(), 0U) << seen;
      EXPECT_EQ(run->results().answers.load() - run->results().allowed.load(),
                kOpens);
    }
  }
}

TEST(ReplayRunTest, WhatHasOneContentIsKnownInTheNextRound) {
  TraceOfOneFile one;
  one.AddOpens(1, true);
  ReplayRequest request = VirtualReplayOf(one.trace);
  request.rounds = 5;
  EXPECT_EQ(RunOf(request)->cache_hits(), 4U);
}

// A round begins with what the trace begins with.
TEST(ReplayRunTest, NothingOfTwoContentsIsBelievedInTheNextRound) {
  TraceOfOneFile one;
  one.AddOpens(3, false);
  one.AddClose(true);
  one.AddOpens(3, true);
  ReplayRequest request = VirtualReplayOf(one.trace);
  request.rounds = 5;
  const std::unique_ptr<ReplayRun> run = RunOf(request);
  EXPECT_EQ(run->results().differences.load(), 0U);
  EXPECT_GT(run->cache_hits(), 0U);
}

// Without a content in the trace it is made from the answer, and who closed the
// file before it was denied closed the same.
TEST(ReplayRunTest, ACloseBeforeADenialIsOfTheSameContent) {
  TraceOfOneFile one;
  one.AddClose(true);
  one.AddOpens(3, false);
  for (TraceEvent& event : one.trace.events) event.content.reset();
  const std::unique_ptr<ReplayRun> run = RunOf(VirtualReplayOf(one.trace));
  EXPECT_EQ(run->results().differences.load(), 0U);
  EXPECT_EQ(run->cache_hits(), 0U);
}

// Allowed without a verdict, say: nothing of it is known to be clean.
TEST(ReplayRunTest, WhatWasAllowedAndDeniedInOneStateIsNotRemembered) {
  TraceOfOneFile one;
  one.AddOpens(3, true);
  one.AddOpens(3, false);
  for (TraceEvent& event : one.trace.events) event.content.reset();
  const std::unique_ptr<ReplayRun> run = RunOf(VirtualReplayOf(one.trace));
  EXPECT_EQ(run->results().differences.load(), 0U);
  EXPECT_EQ(run->cache_hits(), 0U);
}

}  // namespace
}  // namespace gatehouse
