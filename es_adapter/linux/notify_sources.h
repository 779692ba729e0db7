// NotifySources: the notify sources of a client, and the messages they fill.
//
// The pool is bounded: while the client keeps all of its messages nothing is
// read, and the kernel keeps what comes, up to its own limits, and says when it
// does not.
//
// Enable to Close: for one thread at a time. Free and in_use are thread-safe.
// The rest is for the reader thread. Borrows the journal, which lives for ever.
#pragma once

#include <poll.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "es_adapter/linux/journal.h"
#include "es_adapter/linux/message.h"
#include "es_adapter/linux/mount_events.h"
#include "es_adapter/linux/name_events.h"
#include "es_adapter/linux/process_events.h"

namespace gatehouse {

class NotifySources {
 public:
  static constexpr size_t kMessagesMax = 256;

  explicit NotifySources(esl_journal_t& journal);

  // Opens the sources of the `added` subscriptions. Returns 0 or an errno
  // value.
  [[nodiscard]] int Enable(uint64_t added);
  // Nobody is subscribed to `gone` any more, `left` stay.
  void Disable(uint64_t gone, uint64_t left);
  // See NameEvents::Watch.
  [[nodiscard]] int Watch(int directory, const char* path,
                          uint64_t subscriptions);
  void UnwatchAll();
  // After a death, before anything is read. Returns the records to deliver.
  size_t Recover();
  void Close();

  // False while the client keeps every message.
  [[nodiscard]] bool has_room() const { return in_use_.load() < kMessagesMax; }
  // What to wait for.
  void FillWaits(std::span<pollfd, kSourceCount> waits) const;
  // There is something to deliver without waiting.
  [[nodiscard]] bool HasMore() const;

  // The next message of a source, but for its numbers; null: nothing now. It
  // goes back to the pool unless it is used.
  Message* Next(SourceKind kind, const std::atomic<uint64_t>& subscriptions,
                esl_detail_t detail, Client& client);
  // `message` is in use until it is freed.
  void Use(const Message& /*message*/) { in_use_.fetch_add(1); }
  void Free(const Message& /*message*/) { in_use_.fetch_sub(1); }
  // The message of Next was delivered, or nobody wanted it.
  void Done(SourceKind kind) { source(kind).Done(); }
  [[nodiscard]] uint32_t TakeLosses(SourceKind kind) {
    return source(kind).TakeLosses();
  }

 private:
  NotifySource& source(SourceKind kind) {
    return *sources_.at(static_cast<size_t>(kind));
  }
  Message* FindFree(Client& client);

  esl_journal_t& journal_;
  NameEvents names_;
  ProcessEvents processes_;
  MountEvents mounts_;
  const std::array<NotifySource*, kSourceCount> sources_;  // By SourceKind.
  std::atomic<size_t> in_use_{0};
  std::vector<std::unique_ptr<Message>> messages_;  // Made when first needed.
};

}  // namespace gatehouse
