// Adapter: turns EndpointSecurity messages into FileEvents.
//
// HandleMessage is called by one thread at a time (the ES handler rule). The
// queues, the ledger, the crashed content and the statistics must outlive it.
// It allocates nothing and logs nothing: somebody is held while it runs.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <atomic>
#include <cstdint>

#include "base/time.h"
#include "engine/crashed_content.h"
#include "engine/event_activity.h"
#include "engine/event_queue.h"
#include "engine/exclusions.h"
#include "engine/rescan_queue.h"
#include "engine/scans_in_flight.h"
#include "es_adapter/auth_ledger.h"
#include "es_adapter/first_look.h"
#include "es_adapter/miss_policy.h"
#include "es_adapter/started_programs.h"

namespace gatehouse {

// Two scans of a file that ended the process are no coincidence.
inline constexpr uint32_t kStrikesMax = 2;

struct AdapterStatistics {
  std::atomic<uint64_t> auth_messages{0};
  std::atomic<uint64_t> exec_messages{0};     // Of those: program starts.
  std::atomic<uint64_t> close_messages{0};    // Of files that were written.
  std::atomic<uint64_t> start_messages{0};    // Not held: judged afterwards.
  std::atomic<uint64_t> empty_closes{0};      // 0 bytes: nothing to scan.
  std::atomic<uint64_t> excluded_closes{0};   // Not to be judged.
  std::atomic<uint64_t> crashed_contents{0};  // Added to the table.
  std::atomic<uint64_t> crashed_contents_full{0};  // No room in the table.
  std::atomic<uint64_t> adopted_rescans{0};        // Owed by a predecessor.
  std::atomic<uint64_t> full_waits{0};        // The handler waited for a queue.
  std::atomic<uint64_t> without_file{0};      // Messages with no descriptor.
  std::atomic<uint64_t> program_starts{0};    // That were reported.
  std::atomic<uint64_t> starts_handed_on{0};  // Of those: perhaps in memory.
  std::atomic<uint64_t> starts_full{0};       // No room: all are looked at.
  std::atomic<uint64_t> starts_missed{0};     // The same; the kernel lost some.
};

class Adapter {
 public:
  struct Parts {
    EventQueue& auth_queue;        // Held opens: somebody waits.
    EventQueue& background_queue;  // Closed files: nobody does.
    RescanQueue& rescans;
    AuthLedger& ledger;
    CrashedContent& crashed;
    const Exclusions& exclusions;
    AuthStatistics& auth_statistics;
    AdapterStatistics& statistics;
    FirstLook::Parts first_look;
    ScansInFlight& in_flight;
    EventActivity& activity;
    Clock clock = {};  // As the ledger's.
    // Null: whoever is held is allowed when there is no verdict.
    const MissPolicy* miss_policy = nullptr;
    // Null: nobody cares for what is started from memory.
    StartedPrograms* starts = nullptr;
  };
  explicit Adapter(const Parts& parts)
      : parts_(parts), first_look_(parts.first_look) {}

  // An es_handler_function_t; `context` is the Adapter.
  static void HandleMessage(void* context, es_client_t* client,
                            const es_message_t* message) noexcept;

 private:
  void OnAuth(es_client_t* client, const es_message_t& message);
  bool AllowKnown(es_client_t* client, const es_message_t& message,
                  const FileSnapshot& snapshot);
  void AllowClean(es_client_t* client, const es_message_t& message);
  void OnClose(const es_message_t& message);
  void OnStarted(const es_message_t& message);
  bool IsExcluded(const es_message_t& message) const;
  void DeferExclusions(const es_message_t& message, FileEvent& event) const;
  bool RefuseCrashing(const FileEvent& event, const es_message_t& message);
  void Enqueue(FileEvent& event, bool may_follow);
  void CountInline(const es_message_t& message, FileEventKind kind);
  bool Push(EventQueue& queue, FileEvent& event);

  const Parts parts_;
  FirstLook first_look_;
  uint64_t next_start_ = 0;  // The number that the next program start has.
};

}  // namespace gatehouse
