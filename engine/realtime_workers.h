// RealtimeWorkers: the driver that judges held opens and program starts.
//
// Concurrency is explicit, not left to a task scheduler: a scan that does not
// come back must never hold up the others, so a worker that has been busy for
// too long gets a replacement, up to a limit. One worker is reserved for
// program starts.
//
// Thread-safe. Owns its threads. The queue, the sink, the statistics and the
// crashed content must outlive it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "base/idle_ticker.h"
#include "base/mutex.h"
#include "base/result.h"
#include "engine/crashed_content.h"
#include "engine/deny_list.h"
#include "engine/event_queue.h"
#include "engine/exclusions.h"
#include "engine/scanner.h"
#include "engine/verdict_sink.h"
#include "signatures/signature_set.h"

namespace gatehouse {

inline constexpr uint32_t kWorkersMax = 32;

struct RealtimeWorkersOptions {
  const char* thread_name = "gh-scan";         // At most 15 characters.
  uint32_t workers = 4;                        // For both lanes.
  uint32_t exec_reserved = 1;                  // For the exec lane alone.
  uint32_t workers_max = kWorkersMax;          // With replacements, both kinds.
  std::chrono::milliseconds stuck_after{250};  // Busy this long: replaced.
  std::chrono::milliseconds scan_limit{30'000};  // Then not_scanned.
  // Files that are denied without a scan; may be null, must outlive the
  // workers.
  const DenyList* deny_list = nullptr;
  // Asked about events that came before they were known; likewise.
  const Exclusions* exclusions = nullptr;
  // Asked before each scan: ScanLimits::wants_sha256. Likewise.
  const std::atomic<bool>* wants_sha256 = nullptr;
};

// Written by the workers, read by anybody; may live in shared memory.
struct RealtimeStatistics {
  std::atomic<uint64_t> scans_started{0};
  std::atomic<uint64_t> scans_finished{0};
  std::atomic<uint64_t> bytes_scanned{0};
  std::atomic<uint64_t> workers_replaced{0};        // Replacements started.
  std::atomic<uint64_t> workers_replace_failed{0};  // No scanner to be had.
  std::atomic<uint64_t> workers_live{0};            // Now.
  std::atomic<uint64_t> workers_stuck{0};           // Now.
  std::atomic<uint64_t> workers_limit_hits{0};      // Ticks at workers_max.
};

class RealtimeWorkers {
 public:
  // Starts the workers. `crashed` may be null. Errors: those of
  // Scanner::Create.
  static Result<std::unique_ptr<RealtimeWorkers>> Start(
      EventQueue& queue, std::shared_ptr<const SignatureSet> signatures,
      SinkRef sink, const CrashedContent* crashed,
      RealtimeStatistics& statistics, const RealtimeWorkersOptions& options);

  // A set that every worker has a scanner of and that nobody uses yet: what may
  // fail is over. Movable. Must not outlive the workers.
  class PreparedSet {
   public:
    explicit PreparedSet(RealtimeWorkers& workers) : workers_(&workers) {}
    PreparedSet(PreparedSet&& other) noexcept
        : workers_(std::exchange(other.workers_, nullptr)) {}
    PreparedSet& operator=(PreparedSet&&) = delete;
    ~PreparedSet();  // Unless it is used, it is dropped.

    // Whatever is judged from now on is judged by it, but for scans that are
    // going on. Cannot fail. REQUIRES: not called before.
    void Use();

   private:
    RealtimeWorkers* workers_;  // Null: used, or moved from.
  };

  // Makes the scanners, which takes some milliseconds for each worker. Nobody
  // waits meanwhile. Errors: those of Scanner::Create; then nothing has
  // changed. REQUIRES: no other set is prepared.
  Result<PreparedSet> Prepare(std::shared_ptr<const SignatureSet> signatures);
  // The same in all of `pools` or, on error, in none.
  static Result<std::vector<PreparedSet>> PrepareInAll(
      std::initializer_list<RealtimeWorkers*> pools,
      const std::shared_ptr<const SignatureSet>& signatures);

  // Closes the queue, hands what is left in it to the sink as not scanned
  // (cancelled), cancels scans between two blocks, and waits for them.
  ~RealtimeWorkers();
  RealtimeWorkers(const RealtimeWorkers&) = delete;
  RealtimeWorkers& operator=(const RealtimeWorkers&) = delete;

 private:
  struct Worker;

  RealtimeWorkers(EventQueue& queue,
                  std::shared_ptr<const SignatureSet> signatures, SinkRef sink,
                  const CrashedContent* crashed, RealtimeStatistics& statistics,
                  const RealtimeWorkersOptions& options);

  Result<bool> AddWorker(bool exec_only) GATEHOUSE_REQUIRES(mutex_);
  void UsePrepared();
  void DropPrepared() GATEHOUSE_REQUIRES(mutex_);
  void TakeNewScanner(Worker& worker);
  void Run(Worker& worker);
  Verdict Judge(Worker& worker, const FileEvent& event);
  bool IsSurplus(const Worker& worker);
  bool ReplaceStuckWorkers();
  void ReapFinishedWorkers() GATEHOUSE_REQUIRES(mutex_);

  EventQueue& queue_;
  const SinkRef sink_;
  const CrashedContent* const crashed_;
  RealtimeStatistics& statistics_;
  const RealtimeWorkersOptions options_;
  std::stop_source cancel_;
  Mutex mutex_;
  std::shared_ptr<const SignatureSet> signatures_ GATEHOUSE_GUARDED_BY(mutex_);
  // Null: none is prepared.
  std::shared_ptr<const SignatureSet> prepared_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Worker>> workers_ GATEHOUSE_GUARDED_BY(mutex_);
  std::unique_ptr<IdleTicker> watcher_;  // Last: watches the members above.
};

}  // namespace gatehouse
