#include "daemon/worker.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "base/thread_name.h"
#include "daemon/breaker_watch.h"
#include "daemon/client_requests.h"
#include "daemon/conflicting_applications.h"
#include "daemon/counters_json.h"
#include "daemon/event_recording.h"
#include "daemon/exclusion_store.h"
#include "daemon/fallback.h"
#include "daemon/health.h"
#include "daemon/log.h"
#include "daemon/memory_programs.h"
#include "daemon/mount_watch.h"
#include "daemon/protection.h"
#include "daemon/real_time_setting.h"
#include "daemon/realtime_sink.h"
#include "daemon/replace_file.h"
#include "daemon/signature_keeper.h"
#include "daemon/system_extension.h"
#include "daemon/threat_requests.h"
#include "daemon/threat_rule_store.h"
#include "engine/crash_mark.h"
#include "engine/event_activity.h"
#include "engine/event_queue.h"
#include "engine/realtime_workers.h"
#include "engine/scans_in_flight.h"
#include "engine/verdict_cache.h"
#include "es_adapter/adapter.h"
#include "es_adapter/auth_ledger.h"
#include "ipc/server.h"
#include "quarantine/quarantine.h"
#include "signatures/signature_set.h"

namespace gatehouse {
namespace {

constexpr int kExitUnableToStart = 1;
constexpr uint32_t kScanWorkersMin = 4;
constexpr uint32_t kBackgroundWorkers = 2;
constexpr uint32_t kBackgroundWorkersMax = 6;
constexpr timespec kHeartbeatPeriod = {0, 500'000'000};
// Nobody tells what is mounted in foreign mount namespaces.
constexpr std::chrono::milliseconds kForeignMountsPeriod{1000};

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
        miss_policy_(parts.shared.miss, parts.package_locks, parts.libraries),
        ledger_(parts.events_max, parts.shared.auth, {}, &miss_policy_),
        crashed_(parts.shared.crashed),
        verdicts_(parts.shared.verdict_cache),
        in_flight_(auth_queue_, verdicts_, parts.shared.in_flight),
        rescans_(background_queue_, parts.shared.rescans, parts.events_max),
        adapter_({auth_queue_,
                  background_queue_,
                  rescans_,
                  ledger_,
                  crashed_,
                  exclusions_,
                  parts.shared.auth,
                  parts.shared.adapter,
                  {verdicts_, deny_list_, parts.shared.verdict_cache},
                  in_flight_,
                  activity_,
                  Clock{},
                  &miss_policy_,
                  &starts_}),
        protection_({parts.options, parts.shared, parts.journal, adapter_,
                     verdicts_, log_, starts_, parts.unsafe_trace_fd}),
        recording_(protection_, log_),
        breaker_(
            {parts.options, parts.shared, parts.journal, protection_, log_}),
        extension_({parts.options, protection_, log_, [this] { Tick(); }}),
        unheld_(background_queue_, crashed_, parts.shared.unheld,
                parts.events_max / 4),
        programs_({starts_, unheld_, parts.shared.memory, log_}),
        fallback_({parts.options, unheld_, parts.shared.tree, log_,
                   [this] { return protection_.FindMountPoints(); }}),
        real_time_(protection_),
        exclusion_store_(exclusions_),
        threat_rule_store_(threat_rules_) {}

  int Run();

 private:
  Result<bool> Start();
  void OpenQuarantine();
  Result<bool> LoadDefinitions(bool is_cold_start);
  Result<bool> StartScanning(const std::shared_ptr<const SignatureSet>& set);
  Result<bool> Use(const std::shared_ptr<const SignatureSet>& set);
  Result<bool> StartServing();
  nlohmann::json Health(bool is_administrator) const;
  void Beat();
  void ServeSignals();
  void Tick();
  void WriteCounters();
  void Stop();
  void FinishTickets();

  const WorkerParts parts_;
  LogWriter log_;
  EventQueue auth_queue_;
  EventQueue background_queue_;
  MissPolicy miss_policy_;
  AuthLedger ledger_;
  CrashedContent crashed_;
  DenyList deny_list_;
  Exclusions exclusions_;
  VerdictCache verdicts_;
  ScansInFlight in_flight_;
  EventActivity activity_;
  RescanQueue rescans_;
  StartedPrograms starts_;
  Adapter adapter_;
  Protection protection_;
  EventRecording recording_;
  BreakerWatch breaker_;
  SystemExtension extension_;
  UnheldFiles unheld_;
  MemoryPrograms programs_;
  Fallback fallback_;
  RealTimeSetting real_time_;
  ExclusionStore exclusion_store_;
  ThreatRules threat_rules_;
  ThreatRuleStore threat_rule_store_;
  DaemonConfig config_;
  std::optional<SignatureKeeper> definitions_;
  std::string quarantine_error_;
  std::unique_ptr<Quarantine> quarantine_;
  std::optional<RealtimeSink> sink_;
  std::unique_ptr<RealtimeWorkers> scan_workers_;
  std::unique_ptr<RealtimeWorkers> background_workers_;
  std::unique_ptr<MountWatch> mount_watch_;
  std::stop_source stop_requests_;
  std::optional<ClientRequests> requests_;
  std::unique_ptr<IpcServer> server_;
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
            {"real_time_protection", protection_.state().subsystem}});
  ServeSignals();
  Stop();
  return 0;
}

Result<bool> Worker::Start() {
  const bool own_fault = PredecessorDiedOfOwnFault(parts_.shared);
  Result<bool> done = InstallFaultMarks(&parts_.shared.fault_word);
  if (!done) return done;
  // First of all: marks outlive workers, and the files that are opened next may
  // be on a file system that is marked. Our own opens are allowed only once we
  // read events. What is adopted waits in the queue meanwhile.
  protection_.Open(own_fault);
  unheld_.Recover(own_fault);
  Result<DaemonConfig> config = ReadConfig(parts_.options);
  if (!config) return Unexpected(config.error());
  config_ = std::move(*config);
  for (const std::string& warning : config_.warnings) {
    log_.Log(Severity::kWarning, "configuration", {{"warning", warning}});
  }
  if (parts_.worker_number == 1) {
    log_.Log(Severity::kInfo, "kernel features",
             {{"missing", MissingFeatures(parts_.shared.kernel)}});
  }
  parts_.shared.miss.profile.store(
      config_.miss_profile.value_or(MissProfile::kDefault));
  done = real_time_.Load(config_, parts_.options.state_directory);
  if (!done) return done;
  done = exclusion_store_.Load(config_, parts_.options.state_directory);
  if (!done) return done;
  done = threat_rule_store_.Load(config_, parts_.options.state_directory);
  if (!done) return done;
  const bool is_cold_start = parts_.shared.protection_ready.load() == 0;
  done = LoadDefinitions(is_cold_start);
  if (!done) return done;
  OpenQuarantine();
  done = StartScanning(definitions_->active().Get());
  if (!done) return done;
  definitions_->Start([this](const auto& set) { return Use(set); });
  // Nobody waits yet on a cold start: what a crash left is put in order first.
  // A successor denies it meanwhile.
  if (is_cold_start && quarantine_ != nullptr) {
    quarantine_->remediator().WaitForRecovery();
  }
  programs_.Start();
  breaker_.Start();
  extension_.Start(config_);
  done = real_time_.Apply();
  if (!done) return done;
  Result<std::unique_ptr<MountWatch>> mount_watch = MountWatch::Start(
      {[this] {
         protection_.Refresh();
         fallback_.OnMountChange();
       },
       [this] { protection_.LookAgain(); },
       parts_.options.protect_all ? kForeignMountsPeriod
                                  : std::chrono::milliseconds(0)});
  if (!mount_watch) return Unexpected(mount_watch.error());
  mount_watch_ = std::move(*mount_watch);
  return StartServing();
}

// A process that compiles opens files. On a cold start nothing is marked yet;
// later, nobody would judge them.
Result<bool> Worker::LoadDefinitions(bool is_cold_start) {
  definitions_.emplace(SignatureKeeper::Parts{
      FindDefinitions(parts_.options.definitions_directory),
      {.takes_any_size_hashes = config_.any_size_hashes},
      parts_.options.state_directory + "/definitions",
      parts_.shared.active_definitions,
      log_,
      parts_.options.definitions_interval});
  return definitions_->Load(is_cold_start);
}

// A new set, from the keeper's thread: for all who scan, or for none.
Result<bool> Worker::Use(const std::shared_ptr<const SignatureSet>& set) {
  auto prepared = RealtimeWorkers::PrepareInAll(
      {background_workers_.get(), scan_workers_.get()}, set);
  if (!prepared) return Unexpected(prepared.error());
  // First: what the old one found clean, also what it is at, is not remembered.
  verdicts_.SetGeneration(set->generation());
  for (RealtimeWorkers::PreparedSet& one : *prepared) one.Use();
  return true;
}

// Without it, threats are denied and stay where they are, and health says so.
void Worker::OpenQuarantine() {
  const auto recorded = [this](const Threat& threat) {
    log_.Log(Severity::kInfo, "threat recorded",
             {{"id", threat.id},
              {"name", threat.name},
              {"path", threat.path},
              {"status", ThreatStatusWord(threat.status())},
              {"detail", threat.history.back().detail}});
  };
  const auto failed = [this](const Error& error) {
    log_.Log(Severity::kError, "quarantine", {{"error", error.message}});
  };
  Result<std::unique_ptr<Quarantine>> quarantine = Quarantine::Open(
      {parts_.options.state_directory, deny_list_, parts_.shared.remediator,
       recorded, failed, parts_.options.isolates,
       std::min<size_t>(Remediator::kPendingMax, parts_.events_max / 4),
       &threat_rules_, &parts_.shared.history,
       config_.retention_days.value_or(HistoryKeeper::kRetentionDaysDefault),
       config_.history_items_max.value_or(kHistoryItemsDefault)},
      definitions_->active());
  if (quarantine) {
    quarantine_ = std::move(*quarantine);
  } else {
    quarantine_error_ = quarantine.error().message;
    failed(quarantine.error());
  }
  sink_.emplace(RealtimeSink::Parts{rescans_, log_, parts_.shared.sink,
                                    verdicts_, in_flight_, parts_.shared.costs,
                                    activity_, quarantine_.get(), &programs_,
                                    &threat_rules_});
}

Result<bool> Worker::StartScanning(
    const std::shared_ptr<const SignatureSet>& set) {
  verdicts_.SetGeneration(set->generation());
  RealtimeWorkersOptions options;
  options.workers =
      std::max(kScanWorkersMin, std::thread::hardware_concurrency());
  options.workers = std::min(options.workers, kWorkersMax / 2);
  options.deny_list = &deny_list_;
  options.exclusions = &exclusions_;
  options.wants_sha256 = &threat_rules_.allows_contents();
  Result<std::unique_ptr<RealtimeWorkers>> scan =
      RealtimeWorkers::Start(auth_queue_, set, SinkRef(*sink_), &crashed_,
                             parts_.shared.realtime, options);
  if (!scan) return Unexpected(scan.error());
  scan_workers_ = std::move(*scan);
  options.thread_name = "gh-background";
  options.workers = kBackgroundWorkers;
  options.exec_reserved = 0;
  options.workers_max = kBackgroundWorkersMax;
  Result<std::unique_ptr<RealtimeWorkers>> background =
      RealtimeWorkers::Start(background_queue_, set, SinkRef(*sink_), &crashed_,
                             parts_.shared.background, options);
  if (!background) return Unexpected(background.error());
  background_workers_ = std::move(*background);
  return true;
}

Result<bool> Worker::StartServing() {
  requests_.emplace(ClientRequests::Parts{
      [this](bool is_administrator) { return Health(is_administrator); },
      real_time_, extension_, exclusion_store_, exclusions_, threat_rule_store_,
      threat_rules_, *definitions_, crashed_, activity_, recording_,
      parts_.shared, parts_.journal, quarantine_.get(), quarantine_error_, log_,
      stop_requests_.get_token()});
  // A session may hold a batch of descriptors; events have half of ours.
  ServerLimits limits;
  limits.sessions_max = std::clamp<size_t>(
      parts_.events_max / kScanBatchFilesMax, 4, limits.sessions_max);
  limits.sessions_for_root = limits.sessions_max / 4;
  limits.sessions_per_user_max =
      std::min(limits.sessions_per_user_max, limits.sessions_max / 2);
  limits.half_open_max =
      std::min<size_t>(limits.half_open_max, parts_.events_max / 4);
  limits.half_open_per_user_max =
      std::min(limits.half_open_per_user_max, limits.half_open_max / 2);
  Result<std::unique_ptr<IpcServer>> server = IpcServer::Start(
      parts_.unsafe_listener_fd,
      [this](Session& session) { requests_->Handle(session); }, limits,
      parts_.shared.server);
  if (!server) return Unexpected(server.error());
  server_ = std::move(*server);
  return true;
}

// Twice a second, on the thread of the approval: everything that decides how we
// protect, and what is allowed no more.
void Worker::Tick() {
  breaker_.Step();
  fallback_.Step(protection_.NeedsFallback());
  ThreatRequests(
      {threat_rule_store_, quarantine_.get(), quarantine_error_, log_})
      .ExpireAllowed();
}

nlohmann::json Worker::Health(bool is_administrator) const {
  ProtectionState protection = protection_.state();
  protection = WithFallback(std::move(protection), fallback_.state());
  const std::string breaker_issue = breaker_.Issue();
  if (!breaker_issue.empty()) protection.issues.push_back(breaker_issue);
  const LoadedSignatures definitions = definitions_->Get();
  return HealthJson(
      {protection,
       extension_.state(),
       exclusion_store_.list().size(),
       real_time_.is_enabled(),
       real_time_.is_managed(),
       config_.release_ring,
       {definitions.version, definitions.updated_ms, definitions_->state(),
        definitions_->place().directory, definitions.report.Totals()},
       WallClockMilliseconds(),
       quarantine_error_,
       parts_.shared.remediator,
       FindConflictingApplications(),
       parts_.shared.miss.profile.load(),
       config_.miss_profile.has_value(),
       parts_.shared.kernel,
       protection_.recording(),
       FindLosses(parts_.shared, parts_.journal),
       protection_.LeftOut(),
       quarantine_ == nullptr ? std::vector<std::string>()
                              : quarantine_->Problems(),
       {config_.retention_days.value_or(HistoryKeeper::kRetentionDaysDefault),
        config_.retention_days.has_value(),
        config_.history_items_max.value_or(kHistoryItemsDefault),
        config_.history_items_max.has_value()},
       threat_rule_store_.counts(),
       is_administrator});
}

// Tells the supervisor that whoever waits will get an answer: everybody on the
// way of an event comes round.
void Worker::Beat() {
  const bool reads = protection_.IsResponding();
  const bool keeps_time = ledger_.IsResponding();
  if (reads && keeps_time) (void)parts_.shared.heartbeat.fetch_add(1);
}

void Worker::ServeSignals() {
  sigset_t signals = {};
  (void)::sigemptyset(&signals);
  (void)::sigaddset(&signals, SIGTERM);
  (void)::sigaddset(&signals, SIGUSR1);
  while (true) {
    Beat();
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
  const Result<bool> written = ReplaceFile(
      path, CountersJson(parts_.shared, parts_.journal), Durability::kNone);
  if (written) {
    log_.Log(Severity::kInfo, "counters written", {{"path", path}});
  } else {
    log_.Log(Severity::kError, "counters not written",
             {{"error", written.error().message}});
  }
}

void Worker::Stop() {
  (void)stop_requests_.request_stop();
  server_.reset();  // Before what its sessions use.
  mount_watch_.reset();
  definitions_->Stop();  // Before those it would hand a set to.
  extension_.Stop();
  fallback_.Stop();
  programs_.Stop();
  // First no more events, then those in work, then the connection.
  protection_.StopEvents();
  scan_workers_.reset();
  background_workers_.reset();
  FinishTickets();
  sink_.reset();
  quarantine_.reset();  // Lets the last events go.
  protection_.Close();
}

// An event whose push met the closing of the queue has nobody but us, and the
// ledger may be in the middle of an answer: neither may outlive the client.
void Worker::FinishTickets() {
  while (ledger_.busy()) {
    std::optional<FileEvent> event = auth_queue_.Pop(false);
    if (event) {
      sink_->OnVerdict(std::move(*event),
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
