// Client: one connection to a source of events, behind the es_client_t of the C
// API.
//
// Thread-safe where the C API is. Owns its backend, reader thread and deadline
// timer; borrows the journal, which lives for ever. Lives until it is deleted
// and the last message is released.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/idle_ticker.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "es_adapter/linux/answer_cache.h"
#include "es_adapter/linux/event_backend.h"
#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/expected_opens.h"
#include "es_adapter/linux/journal.h"
#include "es_adapter/linux/message.h"
#include "es_adapter/linux/mute_set.h"
#include "es_adapter/linux/notify_sources.h"
#include "es_adapter/linux/trace_recorder.h"

namespace gatehouse {

inline constexpr uint32_t kOpenDeadlineMilliseconds = 3000;
inline constexpr uint32_t kExecDeadlineMilliseconds = 5000;

class Client {
 public:
  // How often somebody looks for whoever is overdue.
  static constexpr std::chrono::milliseconds kDeadlineTimerPeriod{50};

  struct Handler {
    es_client_t* handle = nullptr;
    void* context = nullptr;
    es_handler_function_t function = nullptr;
  };

  // Opens or adopts the groups of `backend`; null with `*result` on failure.
  // `own_fault`: see esl_new_client_adopting. Owned by the handle until Delete.
  static Client* Create(esl_journal_t& journal,
                        std::unique_ptr<EventBackend> backend,
                        const Handler& handler, bool own_fault,
                        es_new_client_result_t* result);
  // Starts to deliver: what was adopted first. Call once.
  void Start();
  // In the place of threads, for a backend that is stepped: delivers a batch of
  // what there is, and answers whoever is overdue (false: nobody waits).
  void Step();
  bool AnswerOverdue();
  // Stops the reader, allows whoever still waits, closes the groups. The
  // object deletes itself when the last message is released.
  void Delete();

  bool Subscribe(std::span<const es_event_type_t> events);
  bool Unsubscribe(std::span<const es_event_type_t> events);
  void ReportStarts(bool reports);
  int Watch(const char* path);
  int WatchOpen(int directory, const char* path);
  void UnwatchAll();
  // Null for an event that nobody waits for.
  std::atomic<int64_t>* DeadlineOf(es_event_type_t type);
  void SetMissMode(es_deadline_miss_mode_t mode) { miss_mode_.store(mode); }
  es_deadline_miss_mode_t miss_mode() const { return miss_mode_.load(); }
  void SetDetail(esl_detail_t detail) { detail_.store(detail); }
  int64_t Now() const { return backend_->Now(); }
  int64_t WallNow() const { return backend_->WallNow(); }
  uint64_t subscriptions() const { return journal_.subscriptions.load(); }

  esl_journal_t& journal() { return journal_; }
  MuteSet& mutes() { return mutes_; }
  AnswerCache& answers() { return answers_; }
  TraceRecorder& recorder() { return recorder_; }

  // `flags`: what is authorised, see es_respond_flags_result.
  es_respond_result_t Respond(const Message& message, uint32_t flags,
                              bool keep);
  void ExpectOpen(const Message& message);
  bool HasWriter(const Message& message) const {
    return backend_->HasWriter(message.fd);
  }
  // On the reader's thread, in the handler.
  void IgnoreOpens(const Message& message);
  void StopIgnoringAll();
  // Only on the reader's thread, before the message is released.
  void FillTargetPath(const Message& message);
  const es_file_t* BelievedTarget(const Message& message);
  const es_file_t* BelievedExecutable(const Message& message);
  // Calls `function` on the reader's thread when what came before was handled.
  void Sync(void* context, void (*function)(void*));
  // See esl_is_responding.
  bool IsResponding();
  static void Retain(const Message& message);
  void Release(const Message& message);

  Slot& SlotOf(const Message& message) {
    return journal_.table(message.group).slot(message.slot_index);
  }

 private:
  struct SyncMarker {
    void* context = nullptr;
    void (*function)(void*) = nullptr;
  };
  struct WatchedFileSystem {
    std::string path;
    dev_t device = 0;
  };

  Client(esl_journal_t& journal, std::unique_ptr<EventBackend> backend,
         const Handler& handler);
  ~Client() = default;
  void Unref();

  void Adopt(bool own_fault);
  int MarkGroups(int directory, const char* path, uint64_t subscriptions);
  void UnmarkGroups(uint64_t subscriptions);

  void Read(const std::stop_token& stop);
  void DeliverAdopted();
  void ReadGroup(GroupKind kind);
  GroupSet WaitForEvents();
  bool HasFreeSlot(GroupKind kind);
  void Settle(GroupKind kind, size_t slot_index);
  Message& Prepare(GroupKind kind, size_t slot_index, const KnownEvent& event);
  bool AnswerInline(Message& message, const KnownEvent& event);
  void AnswerNow(const Message& message, bool allow, AnswerSource source,
                 std::atomic<uint64_t>& counter);
  bool IsMuted(Message& message);
  static AnswerCache::Question QuestionOf(const Message& message);
  static bool IsAuthorized(const Message& message, uint32_t flags);
  void Keep(const Message& message, uint32_t flags);
  void Deliver(Message& message);
  bool EnableSources(uint64_t added);
  void DeliverNotifications();
  void CountLosses(SourceKind kind, uint32_t losses);
  void AwaitRoom();
  void RunSyncMarkers();
  Message& MessageOf(GroupKind kind, size_t slot_index);
  bool TryAnswer(const Message& message, uint64_t sequence, bool allow,
                 AnswerSource source);
  std::optional<bool> AnswerUnanswered(const Message& message, int64_t now_ns,
                                       AnswerSource source);
  bool FailsOpen(const Message& message) const;
  void WakeReader();

  esl_journal_t& journal_;
  const std::unique_ptr<EventBackend> backend_;
  const std::unique_ptr<NotifySources> sources_;  // Null: there are none.
  const Handler handler_;
  const pid_t own_pid_;
  std::atomic<int64_t> open_deadline_ns_;
  std::atomic<int64_t> exec_deadline_ns_;
  std::atomic<es_deadline_miss_mode_t> miss_mode_{
      ES_DEADLINE_MISS_MODE_FAIL_OPEN};
  std::atomic<esl_detail_t> detail_{ESL_DETAIL_FULL};
  UniqueFd wake_fd_;  // eventfd: a slot is free again, or stop.
  // Files whose opens the kernel ignores, at most, and since when.
  std::atomic<uint32_t> ignored_{0};
  std::atomic<int64_t> ignored_since_ns_{0};
  std::atomic<bool> reader_waits_for_slot_{false};
  std::atomic<uint32_t> answers_in_progress_{0};
  std::atomic<uint64_t> rounds_{0};  // Of the reader. Relaxed: see below.
  uint64_t seen_rounds_ = 0;         // By IsResponding, to compare.
  // The client itself and each message in use hold one.
  std::atomic<uint32_t> references_{1};
  MuteSet mutes_;
  AnswerCache answers_;
  ExpectedOpens expected_opens_;
  TraceRecorder recorder_;
  Mutex sync_mutex_;
  std::vector<SyncMarker> sync_markers_ GATEHOUSE_GUARDED_BY(sync_mutex_);
  uint64_t global_number_ = 0;                                  // Reader only.
  std::array<uint64_t, ES_EVENT_TYPE_LAST> type_numbers_ = {};  // Reader only.
  std::array<size_t, kGroupCount> batch_events_ = {2, 2};       // Reader only.
  std::vector<WatchedFileSystem> watched_;  // Of the subscribing thread.
  // By slot; made by the reader, read by the timer.
  std::array<std::vector<std::atomic<Message*>>, kGroupCount> messages_;
  std::vector<std::unique_ptr<Message>> owned_messages_;  // Reader only.
  std::unique_ptr<IdleTicker> deadline_timer_;
  std::jthread reader_;
};

}  // namespace gatehouse

// The C handle: Apple's type is opaque, ours holds one pointer.
struct es_client_s {
  gatehouse::Client* client = nullptr;
  void* block = nullptr;  // The handler, if it is a Block.
};
