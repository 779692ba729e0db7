#include "daemon/replay_run.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <thread>
#include <utility>

#include "daemon/counters_json.h"
#include "daemon/virtual_scans.h"
#include "es_adapter/linux/client.h"

namespace gatehouse {
namespace {

constexpr uint32_t kScanWorkersMin = 4;
constexpr uint32_t kBackgroundWorkers = 2;
constexpr uint32_t kBackgroundWorkersMax = 6;
constexpr std::chrono::seconds kSettleMax{60};
constexpr std::array kEvents = {ES_EVENT_TYPE_AUTH_OPEN,
                                ES_EVENT_TYPE_AUTH_EXEC,
                                ES_EVENT_TYPE_NOTIFY_CLOSE};
constexpr int64_t kNoTime = std::numeric_limits<int64_t>::max();

MonotonicTime TimeOf(int64_t ns) {
  return MonotonicTime(std::chrono::nanoseconds(ns));
}

AnswerBasis BasisOf(const Verdict& verdict) {
  if (verdict.kind != VerdictKind::kNotScanned &&
      verdict.kind != VerdictKind::kError) {
    return AnswerBasis::kVerdict;
  }
  return verdict.reason == NotScannedReason::kDeadline ? AnswerBasis::kDeadline
                                                       : AnswerBasis::kPolicy;
}

// When a timer of this period looks next, after `now_ns`.
int64_t NextTick(int64_t now_ns, std::chrono::nanoseconds period) {
  return (now_ns / period.count() + 1) * period.count();
}

}  // namespace

ReplayRun::ReplayRun(const ReplayRequest& request)
    : request_(request),
      clock_(request.is_virtual ? Clock(virtual_time_) : Clock()),
      log_fd_(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
      log_(log_fd_.UnsafeFd()),
      shared_(CreateSharedState()),
      journal_(esl_journal_create(kEventsMax)),
      auth_queue_(kEventsMax),
      background_queue_(size_t{2} * kEventsMax),
      ledger_(kEventsMax, shared_->auth, clock_, nullptr,
              [this](const es_message_t& message, const Verdict& verdict) {
                replay_.backend->SetBasis(esl_message_fd(&message),
                                          BasisOf(verdict));
              }),
      crashed_(shared_->crashed),
      verdicts_(shared_->verdict_cache, VerdictCache::kEntriesMax,
                [this](int fd) { return replay_.backend->LookAt(fd); }),
      in_flight_(auth_queue_, verdicts_, shared_->in_flight),
      rescans_(background_queue_, shared_->rescans, kEventsMax),
      adapter_({auth_queue_,
                background_queue_,
                rescans_,
                ledger_,
                crashed_,
                exclusions_,
                shared_->auth,
                shared_->adapter,
                {verdicts_, deny_list_, shared_->verdict_cache},
                in_flight_,
                activity_,
                clock_}),
      sink_({rescans_, log_, shared_->sink, verdicts_, in_flight_,
             shared_->costs, activity_, nullptr}) {
  replay_.options.trace = request_.trace;
  replay_.options.rounds = request_.rounds;
  replay_.options.speed = request_.speed;
  replay_.options.time = request_.is_virtual ? &virtual_time_ : nullptr;
  replay_.options.keeps_answers = request_.keeps_answers;
  // The files are what they were at the beginning, and nobody wrote that.
  replay_.options.on_next_round = [this] { verdicts_.Clear(); };
}

ReplayRun::~ReplayRun() { (void)End(); }

Result<std::unique_ptr<ReplayRun>> ReplayRun::Start(
    const ReplayRequest& request) {
  assert(request.trace != nullptr && request.rounds > 0);
  std::unique_ptr<ReplayRun> run(new ReplayRun(request));
  const Result<bool> opened = run->Open();
  if (!opened) return Unexpected(opened.error());
  return run;
}

Result<bool> ReplayRun::Open() {
  Result<LoadedSignatures> signatures =
      LoadSignatures({request_.definitions_directory, false}, log_);
  if (!signatures) return Unexpected(signatures.error());
  signatures_ = std::move(*signatures);
  verdicts_.SetGeneration(signatures_.set->generation());
  exclusions_.Set({});  // Known: there are none.
  if (esl_new_replay_client(&client_, journal_, &replay_, &adapter_,
                            Adapter::HandleMessage) !=
      ES_NEW_CLIENT_RESULT_SUCCESS) {
    return Fail(ErrorCode::kLimitExceeded,
                "make the contents of the trace: no memory, or too few "
                "descriptors (ulimit -n)");
  }
  esl_set_detail(client_, ESL_DETAIL_FILE);
  return true;
}

Result<bool> ReplayRun::Begin() {
  if (request_.unsafe_record_fd >= 0) {
    const int error_number = esl_record_start(
        client_, request_.unsafe_record_fd, "gatehouse-replay");
    if (error_number != 0) {
      return FailSystem("record the replay", error_number);
    }
  }
  if (es_subscribe(client_, kEvents.data(), kEvents.size()) !=
          ES_RETURN_SUCCESS ||
      esl_watch_file_system(client_, "/") != 0) {
    return Fail(ErrorCode::kOperational, "begin the replay");
  }
  return true;
}

Result<bool> ReplayRun::Run() {
  const MonotonicTime begin = MonotonicClock::now();
  const Result<bool> done = request_.is_virtual ? RunVirtual() : RunThreads();
  duration_ = MonotonicClock::now() - begin;
  const Result<bool> ended = End();
  return done ? ended : done;
}

// --- As the daemon does it --------------------------------------------------

Result<bool> ReplayRun::RunThreads() {
  RealtimeWorkersOptions options;
  options.workers = std::clamp(std::thread::hardware_concurrency(),
                               kScanWorkersMin, kWorkersMax / 2);
  options.exclusions = &exclusions_;
  Result<std::unique_ptr<RealtimeWorkers>> scan =
      RealtimeWorkers::Start(auth_queue_, signatures_.set, SinkRef(sink_),
                             &crashed_, shared_->realtime, options);
  if (!scan) return Unexpected(scan.error());
  scan_workers_ = std::move(*scan);
  options.thread_name = "gh-background";
  options.workers = kBackgroundWorkers;
  options.exec_reserved = 0;
  options.workers_max = kBackgroundWorkersMax;
  Result<std::unique_ptr<RealtimeWorkers>> background =
      RealtimeWorkers::Start(background_queue_, signatures_.set, SinkRef(sink_),
                             &crashed_, shared_->background, options);
  if (!background) return Unexpected(background.error());
  background_workers_ = std::move(*background);
  Result<bool> begun = Begin();
  if (!begun) return begun;
  replay_.results.WaitForEnd();
  WaitUntilSettled();
  return true;
}

// Until what nobody waits for is done, too.
void ReplayRun::WaitUntilSettled() const {
  const MonotonicTime end = MonotonicClock::now() + kSettleMax;
  esl_statistics_t statistics = {};
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    esl_journal_statistics(journal_, &statistics);
  } while (statistics.pending != 0 && MonotonicClock::now() < end);
}

// --- On a virtual clock -----------------------------------------------------

// At one moment: first scans end, then deadlines are looked at, then events
// come, and then scans begin.
Result<bool> ReplayRun::RunVirtual() {
  Result<std::unique_ptr<VirtualScans>> made =
      VirtualScans::Create(signatures_.set);
  if (!made) return Unexpected(made.error());
  VirtualScans& scans = **made;
  Result<bool> begun = Begin();
  if (!begun) return begun;
  ReplayBackend& backend = *replay_.backend;
  const auto end_of_scan = [&](const FileEvent& event, int64_t now_ns) {
    if (request_.scan_time) return now_ns + request_.scan_time->count();
    const int64_t recorded_ns = backend.RecordedAnswerAt(event.file.UnsafeFd());
    return std::max(recorded_ns, now_ns);
  };
  int64_t ledger_tick = kNoTime;
  int64_t client_tick = kNoTime;
  while (true) {
    const int64_t next_ns = std::min(
        {backend.NextEventAt(), scans.NextEnd(), ledger_tick, client_tick});
    if (next_ns == kNoTime) return true;
    virtual_time_.AdvanceTo(TimeOf(next_ns));
    const int64_t now_ns = virtual_time_.now().time_since_epoch().count();
    scans.EndUntil(now_ns, SinkRef(sink_));
    if (ledger_tick <= now_ns) (void)ledger_.AnswerOverdue();
    if (client_tick <= now_ns) esl_replay_answer_overdue(client_);
    while (backend.NextEventAt() <= now_ns) esl_replay_step(client_);
    scans.BeginAll(auth_queue_, now_ns, end_of_scan);
    scans.JudgeAll(background_queue_, SinkRef(sink_));
    const bool waits = ledger_.busy();
    ledger_tick = waits ? NextTick(now_ns, AuthLedger::kTimerPeriod) : kNoTime;
    client_tick =
        waits ? NextTick(now_ns, Client::kDeadlineTimerPeriod) : kNoTime;
  }
}

// --- The end ----------------------------------------------------------------

Result<bool> ReplayRun::End() {
  if (client_ == nullptr) return true;
  (void)es_unsubscribe_all(client_);
  scan_workers_.reset();
  background_workers_.reset();
  FinishTickets();
  const int error_number =
      request_.unsafe_record_fd < 0 ? 0 : esl_record_stop(client_);
  (void)es_delete_client(std::exchange(client_, nullptr));
  if (error_number != 0) return FailSystem("record the replay", error_number);
  return true;
}

void ReplayRun::FinishTickets() {
  while (ledger_.busy()) {
    if (auth_queue_.size() == 0) {
      std::this_thread::yield();
      continue;
    }
    std::optional<FileEvent> event = auth_queue_.Pop(false);
    if (!event) continue;
    sink_.OnVerdict(std::move(*event),
                    Verdict::NotScanned(NotScannedReason::kCancelled));
  }
}

std::string ReplayRun::Counters() const {
  return CountersJson(*shared_, journal_);
}

}  // namespace gatehouse
