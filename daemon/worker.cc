#include "daemon/worker.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/thread_name.h"
#include "daemon/counters_json.h"
#include "daemon/log.h"
#include "daemon/protected_paths.h"
#include "daemon/realtime_sink.h"
#include "engine/crash_mark.h"
#include "engine/event_queue.h"
#include "engine/realtime_workers.h"
#include "es_adapter/adapter.h"
#include "es_adapter/auth_ledger.h"
#include "signatures/definitions.h"
#include "signatures/signature_set.h"

namespace gatehouse {
namespace {

constexpr int kExitUnableToStart = 1;
constexpr uint32_t kScanWorkersMin = 4;
constexpr uint32_t kBackgroundWorkers = 2;
constexpr uint32_t kBackgroundWorkersMax = 6;
constexpr timespec kHeartbeatPeriod = {0, 500'000'000};

// "oom_kill N" of /proc/vmstat: processes killed for lack of memory.
uint64_t OomKills() {
  std::ifstream file("/proc/vmstat");
  std::string key;
  uint64_t value = 0;
  while (file >> key >> value) {
    if (key == "oom_kill") return value;
  }
  return 0;
}

// Did the predecessor die of something that it did itself?
bool PredecessorDiedOfOwnFault(SharedState& shared) {
  const std::atomic_ref fault(shared.fault_word);
  const uint32_t fault_kind = fault.exchange(kFaultUnknown);
  const uint64_t oom_kills = OomKills();
  const uint64_t oom_kills_before =
      shared.oom_kills_at_start.exchange(oom_kills);
  const int status = shared.last_death.load();
  if (status == -1) return false;  // There was none.
  if (fault_kind == kFaultFromOutside || fault_kind == kFaultElsewhere) {
    return false;
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status) != 0;
  if (!WIFSIGNALED(status)) return false;
  if (WTERMSIG(status) == SIGKILL) return oom_kills > oom_kills_before;
  return WTERMSIG(status) != SIGTERM;
}

// The parts of a running worker, in the order in which they are built; they
// end in reverse order.
class Worker {
 public:
  explicit Worker(const WorkerParts& parts)
      : parts_(parts),
        log_(STDERR_FILENO),
        auth_queue_(parts.events_max),
        // Every slot of the journal may end up here: closed files have their
        // own, rescans keep that of the open.
        background_queue_(size_t{2} * parts.events_max),
        ledger_(parts.events_max, parts.shared.auth),
        crashed_(parts.shared.crashed),
        rescans_(background_queue_, parts.shared.rescans),
        sink_(rescans_, log_, parts.shared.sink),
        adapter_({auth_queue_, background_queue_, rescans_, ledger_, crashed_,
                  parts.shared.auth, parts.shared.adapter}) {}

  int Run();

 private:
  bool IsProtecting() const;
  Result<bool> Start();
  Result<std::shared_ptr<const SignatureSet>> CompileSignatures();
  Result<bool> StartScanning(const std::shared_ptr<const SignatureSet>& set);
  Result<bool> OpenClient(bool own_fault);
  Result<bool> Protect();
  Result<bool> Watch(const ProtectedFileSystem& file_system);
  void ServeSignals();
  void WriteCounters();
  void Stop();
  void FinishTickets();

  const WorkerParts parts_;
  LogWriter log_;
  EventQueue auth_queue_;
  EventQueue background_queue_;
  AuthLedger ledger_;
  CrashedContent crashed_;
  RescanQueue rescans_;
  RealtimeSink sink_;
  Adapter adapter_;
  DaemonConfig config_;
  es_client_t* client_ = nullptr;  // Deleted by Stop.
  std::unique_ptr<RealtimeWorkers> scan_workers_;
  std::unique_ptr<RealtimeWorkers> background_workers_;
};

int Worker::Run() {
  const Result<bool> started = Start();
  if (!started) {
    log_.Log(Severity::kError, "cannot start",
             {{"error", started.error().message}});
    log_.Flush();
    // No orderly end: what waits in the journal is for a successor.
    ::_exit(kExitUnableToStart);
  }
  parts_.shared.ready_worker.store(parts_.worker_number);
  log_.Log(Severity::kInfo, "ready",
           {{"worker", std::to_string(parts_.worker_number)},
            {"real_time_protection", IsProtecting() ? "fanotify" : "off"}});
  ServeSignals();
  Stop();
  return 0;
}

bool Worker::IsProtecting() const {
  return config_.real_time_protection && !parts_.options.protect.empty();
}

Result<bool> Worker::Start() {
  const bool own_fault = PredecessorDiedOfOwnFault(parts_.shared);
  Result<bool> marks = InstallFaultMarks(&parts_.shared.fault_word);
  if (!marks) return marks;
  // First of all: marks outlive workers, and the files that are opened next may
  // be on a file system that is marked. Our own opens are allowed only once we
  // read events. What is adopted waits in the queue meanwhile.
  if (!parts_.options.protect.empty()) {
    Result<bool> opened = OpenClient(own_fault);
    if (!opened) return opened;
  }
  const Result<DaemonConfig> config = ReadConfig(parts_.options);
  if (!config) return Unexpected(config.error());
  config_ = *config;
  for (const std::string& warning : config_.warnings) {
    log_.Log(Severity::kWarning, "configuration", {{"warning", warning}});
  }
  const Result<std::shared_ptr<const SignatureSet>> set = CompileSignatures();
  if (!set) return Unexpected(set.error());
  Result<bool> scanning = StartScanning(*set);
  if (!scanning) return scanning;
  if (IsProtecting()) return Protect();
  if (client_ != nullptr) (void)es_unsubscribe_all(client_);
  return true;
}

Result<std::shared_ptr<const SignatureSet>> Worker::CompileSignatures() {
  if (parts_.options.definitions_directory.empty()) {
    return SignatureSet::Compile({}, {});
  }
  Result<Definitions> definitions =
      LoadDefinitions(parts_.options.definitions_directory);
  if (!definitions) return Unexpected(definitions.error());
  const LineCounts totals = definitions->report.Totals();
  for (const FileReport& file : definitions->report.files) {
    log_.Log(Severity::kInfo, "definitions loaded",
             {{"file", file.file},
              {"loaded", std::to_string(file.counts.loaded)},
              {"skipped", std::to_string(file.counts.skipped)},
              {"malformed", std::to_string(file.counts.malformed)}});
  }
  for (const LoadProblem& problem : definitions->report.problems) {
    log_.Log(Severity::kWarning, "definition not loaded",
             {{"file", problem.file},
              {"line", std::to_string(problem.line)},
              {"reason", problem.reason}});
  }
  if (totals.loaded == 0) {
    std::string files;
    for (const FileReport& file : definitions->report.files) {
      files += " '" + file.file + "'";
    }
    return Fail(ErrorCode::kInvalidInput,
                "no usable signature in '" +
                    parts_.options.definitions_directory +
                    "':" + (files.empty() ? " no signature files" : files));
  }
  Signatures& loaded = definitions->signatures;
  return SignatureSet::Compile(std::move(loaded.bodies),
                               std::move(loaded.hashes));
}

Result<bool> Worker::StartScanning(
    const std::shared_ptr<const SignatureSet>& set) {
  RealtimeWorkersOptions options;
  options.workers =
      std::max(kScanWorkersMin, std::thread::hardware_concurrency());
  options.workers = std::min(options.workers, kWorkersMax / 2);
  Result<std::unique_ptr<RealtimeWorkers>> scan =
      RealtimeWorkers::Start(auth_queue_, set, SinkRef(sink_), &crashed_,
                             parts_.shared.realtime, options);
  if (!scan) return Unexpected(scan.error());
  scan_workers_ = std::move(*scan);
  options.thread_name = "gh-background";
  options.workers = kBackgroundWorkers;
  options.exec_reserved = 0;
  options.workers_max = kBackgroundWorkersMax;
  Result<std::unique_ptr<RealtimeWorkers>> background =
      RealtimeWorkers::Start(background_queue_, set, SinkRef(sink_), &crashed_,
                             parts_.shared.background, options);
  if (!background) return Unexpected(background.error());
  background_workers_ = std::move(*background);
  return true;
}

Result<bool> Worker::OpenClient(bool own_fault) {
  // The supervisor has it for a moment when it answers for nobody.
  JournalOwner expected = JournalOwner::kNobody;
  while (!parts_.shared.journal_owner.compare_exchange_weak(
      expected, JournalOwner::kWorker)) {
    expected = JournalOwner::kNobody;
    std::this_thread::yield();
  }
  const es_new_client_result_t result = esl_new_client_adopting(
      &client_, parts_.journal, own_fault, &adapter_, Adapter::HandleMessage);
  switch (result) {
    case ES_NEW_CLIENT_RESULT_SUCCESS:
      esl_set_detail(client_, ESL_DETAIL_FILE);
      return true;
    case ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED:
      return Fail(ErrorCode::kNotPermitted,
                  "real-time protection needs CAP_SYS_ADMIN");
    case ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS:
      return Fail(ErrorCode::kLimitExceeded,
                  "the kernel's limit of fanotify groups is reached");
    case ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT:
    case ES_NEW_CLIENT_RESULT_ERR_INTERNAL:
    case ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED:
    case ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED:
      break;
  }
  return Fail(ErrorCode::kOperational, "fanotify cannot be used here");
}

// The first worker marks; marks outlive it, and a successor looks up nothing:
// something else may be mounted at the path by then.
Result<bool> Worker::Protect() {
  if (parts_.shared.protection_ready.load() != 0) return true;
  const Result<ProtectedPaths> found = FindProtectedPaths(
      parts_.options.protect, parts_.options.allow_root_file_system);
  if (!found) return Unexpected(found.error());
  for (const std::string& left_out : found->left_out) {
    log_.Log(Severity::kWarning, "not protected, its server may hang",
             {{"file_system", left_out}});
  }
  constexpr std::array kEvents = {ES_EVENT_TYPE_AUTH_OPEN,
                                  ES_EVENT_TYPE_NOTIFY_CLOSE};
  if (es_subscribe(client_, kEvents.data(), kEvents.size()) !=
      ES_RETURN_SUCCESS) {
    return Fail(ErrorCode::kNotSupported, "cannot subscribe to opens");
  }
  for (const ProtectedFileSystem& file_system : found->file_systems) {
    Result<bool> watched = Watch(file_system);
    if (!watched) return watched;
  }
  parts_.shared.protection_ready.store(1);
  return true;
}

// What is mounted below a protected path and cannot be asked for permission
// (/proc, for one) is left out; what was named must be protected.
Result<bool> Worker::Watch(const ProtectedFileSystem& file_system) {
  const int error_number =
      esl_watch_file_system(client_, file_system.mount_point.c_str());
  if (error_number == 0) {
    log_.Log(Severity::kInfo, "protecting",
             {{"path", file_system.mount_point}});
    return true;
  }
  const Error error = SystemError(
      "protect '" + file_system.mount_point + "' (" + file_system.type + ")",
      error_number);
  if (file_system.is_named) return Unexpected(error);
  log_.Log(Severity::kWarning, "not protected", {{"error", error.message}});
  return true;
}

void Worker::ServeSignals() {
  sigset_t signals = {};
  (void)::sigemptyset(&signals);
  (void)::sigaddset(&signals, SIGTERM);
  (void)::sigaddset(&signals, SIGUSR1);
  while (true) {
    (void)parts_.shared.heartbeat.fetch_add(1);
    const int number = ::sigtimedwait(&signals, nullptr, &kHeartbeatPeriod);
    if (number == SIGUSR1) WriteCounters();
    if (number != SIGTERM) continue;
    if (parts_.shared.stop_requested.load() != 0) return;
    // Sent to us by name: the daemon as a whole is meant.
    (void)::kill(::getppid(), SIGTERM);
  }
}

void Worker::WriteCounters() {
  const std::string path = parts_.options.run_directory + "/counters.json";
  const Result<bool> written =
      ReplaceFile(path, CountersJson(parts_.shared, parts_.journal));
  if (written) {
    log_.Log(Severity::kInfo, "counters written", {{"path", path}});
  } else {
    log_.Log(Severity::kError, "counters not written",
             {{"error", written.error().message}});
  }
}

void Worker::Stop() {
  // First no more events, then those in work, then the connection.
  if (client_ != nullptr) (void)es_unsubscribe_all(client_);
  scan_workers_.reset();
  background_workers_.reset();
  FinishTickets();
  if (client_ != nullptr) (void)es_delete_client(client_);
  client_ = nullptr;
}

// An event whose push met the closing of the queue has nobody but us, and the
// ledger may be in the middle of an answer: neither may outlive the client.
void Worker::FinishTickets() {
  while (ledger_.busy()) {
    std::optional<FileEvent> event = auth_queue_.Pop(false);
    if (event) {
      sink_.OnVerdict(std::move(*event),
                      Verdict::NotScanned(NotScannedReason::kCancelled));
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace

int RunWorker(const WorkerParts& parts) {
  SetThreadName("gh-worker");
  UseFaultStackOnThisThread();
  Worker worker(parts);
  return worker.Run();
}

}  // namespace gatehouse
