// MountEvents: what was mounted and unmounted in our own mount namespace.
//
// A fanotify group that reports mounts tells each, and who did it (Linux 6.15).
// Elsewhere /proc/self/mountinfo says that something changed, and we compare:
// nobody knows who did it, and what came and went between two looks is not
// seen. What a mount was when it is gone is known from the time it was there.
// No file system whose server may hang is asked anything.
//
// A successor adopts the descriptor. With a group it goes on where its
// predecessor died; else what changed meanwhile is counted as a loss.
//
// Thread-safe beyond what NotifySource asks for.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "es_adapter/linux/fanotify_group.h"
#include "es_adapter/linux/journal.h"
#include "es_adapter/linux/mount_table.h"
#include "es_adapter/linux/notify_source.h"

namespace gatehouse {

class MountEvents final : public NotifySource {
 public:
  // How to get a group; without one, mountinfo is read.
  using OpenGroupFunction = OpenedGroup (*)();

  explicit MountEvents(esl_journal_t& journal,
                       OpenGroupFunction open_group = OpenMountGroup);

  int Open(uint64_t subscriptions) override;
  void Stop() override;
  pollfd Awaited() const override;
  bool HasMore() const override;
  bool Next(Message& message, const std::atomic<uint64_t>& subscriptions,
            esl_detail_t detail) override;
  void Done() override;
  uint32_t TakeLosses() override;

 private:
  [[nodiscard]] bool HasGroup() const;
  // Each knows the mounts there are, or learns them.
  void LearnMounts() GATEHOUSE_REQUIRES(mutex_);
  int OpenMountInfo() GATEHOUSE_REQUIRES(mutex_);
  [[nodiscard]] std::string ReadMountInfo() const GATEHOUSE_REQUIRES(mutex_);
  void AdoptMountInfo() GATEHOUSE_REQUIRES(mutex_);

  // Fill `changes_`; false: nothing new.
  [[nodiscard]] bool FindChanges() GATEHOUSE_REQUIRES(mutex_);
  [[nodiscard]] bool ReadGroup() GATEHOUSE_REQUIRES(mutex_);
  [[nodiscard]] bool Compare() GATEHOUSE_REQUIRES(mutex_);
  void TakeRecord(const MountRecord& record) GATEHOUSE_REQUIRES(mutex_);
  [[nodiscard]] MountFacts Forget(uint64_t id) GATEHOUSE_REQUIRES(mutex_);
  void CountLoss() GATEHOUSE_REQUIRES(mutex_);
  void FinishChange() GATEHOUSE_REQUIRES(mutex_);

  void Fill(Message& message, const MountChange& change, pid_t pid,
            esl_detail_t detail);

  esl_journal_t& journal_;
  JournalSource& source_;
  SourceBuffer& buffer_;
  const OpenGroupFunction open_group_;
  mutable Mutex mutex_;
  // What the current record means and was not delivered; its length and who.
  std::deque<MountChange> changes_ GATEHOUSE_GUARDED_BY(mutex_);
  size_t record_bytes_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
  pid_t pid_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
  bool knows_mounts_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  // With a group: by id. Else in the order of mountinfo.
  std::unordered_map<uint64_t, MountFacts> by_id_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<MountFacts> listed_ GATEHOUSE_GUARDED_BY(mutex_);
  // Of mountinfo, beside the descriptor of the journal: waiting for that takes
  // the notice away.
  UniqueFd look_ GATEHOUSE_GUARDED_BY(mutex_);
  uint32_t losses_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
};

}  // namespace gatehouse
