// Proves that after warm-up nothing allocates between the kernel's event and
// its answer: reader, adapter, queue, worker, scanner, sink, ledger, counting.
// The parts of the daemon, over real fanotify: run below guard.py.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "daemon/log.h"
#include "daemon/realtime_sink.h"
#include "engine/realtime_workers.h"
#include "es_adapter/adapter.h"
#include "tests/engine/counted_allocations.h"
#include "tests/engine/signatures_for_tests.h"
#include "tests/es_adapter/es_client_fixture.h"

namespace gatehouse {
namespace {

constexpr uint32_t kEventsMax = 64;
constexpr size_t kFiles = 100;
constexpr size_t kRounds = 20;

// Does what the sink does and, for the control, allocates.
struct CountedSink {
  RealtimeSink& sink;
  bool allocates = false;
  void OnVerdict(FileEvent event, const Verdict& verdict) {
    const std::string text(allocates ? 100 : 0, 'x');
    EXPECT_EQ(text.empty(), !allocates);
    sink.OnVerdict(std::move(event), verdict);
  }
};

// What daemon/worker.cc puts together, without what only serves clients.
class EventPath {
 public:
  explicit EventPath(bool allocates) : counted_sink_{sink_, allocates} {
    Result<std::unique_ptr<RealtimeWorkers>> workers = RealtimeWorkers::Start(
        queue_, MakeSet({Body("A", "abcdef")}), SinkRef(counted_sink_),
        &crashed_, worker_statistics_, {});
    EXPECT_TRUE(workers);
    workers_ = std::move(*workers);
    EXPECT_EQ(esl_new_client_adopting(&client_, esl_journal_create(kEventsMax),
                                      false, &adapter_, Adapter::HandleMessage),
              ES_NEW_CLIENT_RESULT_SUCCESS);
    esl_set_detail(client_, ESL_DETAIL_FILE);
  }
  ~EventPath() {
    (void)es_unsubscribe_all(client_);
    workers_.reset();
    while (ledger_.busy()) std::this_thread::yield();
    (void)es_delete_client(client_);
  }
  EventPath(const EventPath&) = delete;
  EventPath& operator=(const EventPath&) = delete;

  es_client_t* client() const { return client_; }
  uint64_t allowed_clean() const { return auth_.allowed_clean.load(); }
  const EventActivity& activity() const { return activity_; }

 private:
  CrashedContentTable crashed_table_;
  CrashedContent crashed_{crashed_table_};
  AuthStatistics auth_;
  AdapterStatistics adapter_statistics_;
  RescanStatistics rescan_statistics_;
  RealtimeStatistics worker_statistics_;
  SinkStatistics sink_statistics_;
  VerdictCacheStatistics verdict_statistics_;
  // Without a generation it remembers nothing: every open is scanned.
  VerdictCache verdicts_{verdict_statistics_};
  DenyList deny_list_;
  EventCosts costs_;
  EventActivity activity_;
  Exclusions exclusions_;
  LogWriter log_{STDERR_FILENO};
  EventQueue queue_{kEventsMax};
  EventQueue background_{size_t{2} * kEventsMax};
  RescanQueue rescans_{background_, rescan_statistics_, kEventsMax};
  InFlightStatistics in_flight_statistics_;
  ScansInFlight in_flight_{queue_, verdicts_, in_flight_statistics_};
  AuthLedger ledger_{kEventsMax, auth_};
  Adapter adapter_{{queue_,
                    background_,
                    rescans_,
                    ledger_,
                    crashed_,
                    exclusions_,
                    auth_,
                    adapter_statistics_,
                    {verdicts_, deny_list_, verdict_statistics_},
                    in_flight_,
                    activity_}};
  RealtimeSink sink_{{rescans_, log_, sink_statistics_, verdicts_, in_flight_,
                      costs_, activity_, nullptr}};
  CountedSink counted_sink_;
  std::unique_ptr<RealtimeWorkers> workers_;
  es_client_t* client_ = nullptr;
};

class EventPathAllocationTest : public EsClientTest {
 protected:
  // How many allocations there are while a program opens each of `paths`.
  int AllocationsWhileReading(const std::vector<std::string>& paths) {
    Opener opener = Opener::Reads(paths);
    const int before = counted_allocations;
    EXPECT_EQ(opener.ExitCode(), kOpened);
    return counted_allocations - before;
  }
  void Watch(const EventPath& path) {
    ASSERT_EQ(esl_watch_file_system(path.client(), root().c_str()), 0);
    const es_event_type_t event = ES_EVENT_TYPE_AUTH_OPEN;
    ASSERT_EQ(es_subscribe(path.client(), &event, 1), ES_RETURN_SUCCESS);
  }
  std::vector<std::string> ManyOpens() {
    const std::vector<std::string> files = WriteMany(kFiles);
    std::vector<std::string> opens;
    for (size_t i = 0; i < kRounds; ++i) {
      opens.insert(opens.end(), files.begin(), files.end());
    }
    return opens;
  }
};

TEST_F(EventPathAllocationTest, ACleanOpenAllocatesNothingAfterWarmUp) {
  const std::vector<std::string> opens = ManyOpens();
  EventPath path(false);
  Watch(path);
  // Each slot makes its message when it is first used: that many rounds may
  // allocate, though the second seldom does.
  uint32_t rounds = 1;
  while (AllocationsWhileReading(opens) != 0 && rounds <= kEventsMax) ++rounds;
  EXPECT_LE(rounds, kEventsMax);
  EXPECT_TRUE(BecomesTrue(
      [&] { return path.allowed_clean() == rounds * opens.size(); }));
  EXPECT_TRUE(BecomesTrue([&] {
    return path.activity().window().total_events == rounds * opens.size();
  }));
}

// The process of each round is new to the trace; its events are not.
TEST_F(EventPathAllocationTest, ARecordedOpenAllocatesNothingAfterWarmUp) {
  constexpr int kPerProcess = 40;
  const std::vector<std::string> opens = ManyOpens();
  EventPath path(false);
  const UniqueFd trace(::memfd_create("trace", MFD_CLOEXEC));
  ASSERT_EQ(esl_record_start(path.client(), trace.UnsafeFd(), "test"), 0);
  Watch(path);
  uint32_t rounds = 1;
  while (AllocationsWhileReading(opens) > kPerProcess && rounds <= kEventsMax) {
    ++rounds;
  }
  EXPECT_LE(rounds, kEventsMax);
  EXPECT_EQ(esl_record_stop(path.client()), 0);
  esl_recording_t recording = {};
  esl_record_status(path.client(), &recording);
  EXPECT_EQ(recording.events + recording.answers + recording.lost,
            2 * rounds * opens.size());
}

TEST_F(EventPathAllocationTest, OneAllocationPerOpenWouldShow) {
  const std::vector<std::string> opens = ManyOpens();
  EventPath path(true);
  Watch(path);
  (void)AllocationsWhileReading(opens);
  // The first opens may come before we count, the last is counted after it.
  EXPECT_GT(AllocationsWhileReading(opens), static_cast<int>(opens.size() / 2));
}

}  // namespace
}  // namespace gatehouse
