// Client: one connection to fanotify, behind the es_client_t of the C API.
//
// Thread-safe where the C API is. Owns its reader thread and deadline timer;
// borrows the journal, which lives for ever. Lives until it is deleted and the
// last message is released.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/idle_ticker.h"
#include "base/unique_fd.h"
#include "es_adapter/linux/journal.h"
#include "es_adapter/linux/message.h"

namespace gatehouse {

class Client {
 public:
  struct Handler {
    es_client_t* handle = nullptr;
    void* context = nullptr;
    es_handler_function_t function = nullptr;
  };

  // Opens or adopts the groups; null with `*result` on failure. `own_fault`:
  // see esl_new_client_adopting. Owned by the handle until Delete.
  static Client* Create(esl_journal_t& journal, const Handler& handler,
                        bool own_fault, es_new_client_result_t* result);
  // Starts to deliver: what was adopted first. Call once.
  void Start();
  // Stops the reader, allows whoever still waits, closes the groups. The
  // object deletes itself when the last message is released.
  void Delete();

  bool Subscribe(std::span<const es_event_type_t> events);
  bool Unsubscribe(std::span<const es_event_type_t> events);
  int Watch(const char* path);
  void UnwatchAll();
  void SetDeadline(std::chrono::nanoseconds deadline) {
    deadline_ns_.store(deadline.count());
  }

  void SetDetail(esl_detail_t detail) { detail_.store(detail); }

  es_respond_result_t Respond(const Message& message, bool allow);
  static void Retain(const Message& message);
  void Release(const Message& message);

  Slot& SlotOf(const Message& message) {
    return journal_.table(message.group).slot(message.slot_index);
  }

 private:
  struct WatchedFileSystem {
    std::string path;
    dev_t device = 0;
  };

  using ReadyGroups = std::array<bool, kGroupCount>;

  Client(esl_journal_t& journal, const Handler& handler);
  ~Client() = default;
  void Unref();

  es_new_client_result_t OpenGroups();
  void Adopt(bool own_fault);
  int MarkGroups(int directory, uint64_t subscriptions);
  void UnmarkGroups(uint64_t subscriptions);

  void Read(const std::stop_token& stop);
  void DeliverAdopted();
  void ReadGroup(GroupKind kind);
  ReadyGroups WaitForEvents();
  bool HasFreeSlot(GroupKind kind);
  void Settle(GroupKind kind, size_t slot_index);
  void Deliver(GroupKind kind, size_t slot_index);
  Message& MessageOf(GroupKind kind, size_t slot_index);
  bool TryAnswer(const Message& message, uint64_t sequence, bool allow);
  void AllowUnanswered(const Message& message, std::atomic<uint64_t>& counter,
                       int64_t read_before_ns);
  void WakeReader();
  bool AnswerOverdue();

  esl_journal_t& journal_;
  const Handler handler_;
  const pid_t own_pid_;
  std::atomic<int64_t> deadline_ns_;
  std::atomic<esl_detail_t> detail_{ESL_DETAIL_FULL};
  UniqueFd wake_fd_;  // eventfd: a slot is free again, or stop.
  std::atomic<bool> reader_waits_for_slot_{false};
  std::atomic<uint32_t> answers_in_progress_{0};
  // The client itself and each message in use hold one.
  std::atomic<uint32_t> references_{1};
  uint64_t global_number_ = 0;                             // Reader only.
  std::array<uint64_t, kGroupCount> type_numbers_ = {};    // Reader only.
  std::array<size_t, kGroupCount> batch_events_ = {2, 2};  // Reader only.
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
};
