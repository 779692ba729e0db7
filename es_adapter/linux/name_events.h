// NameEvents: what happened to names, from a fanotify group that reports them
// (FAN_REPORT_DFID_NAME_TARGET): created, linked, renamed, opened, written,
// unlinked.
//
// The kernel names a directory by a file handle; its path is looked up through
// our own mount of its file system when the message is made. What is gone by
// then has an empty path and no status.
//
// Thread safety: see NotifySource; Watch and UnwatchAll are thread-safe.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "es_adapter/linux/journal.h"
#include "es_adapter/linux/name_record.h"
#include "es_adapter/linux/notify_source.h"

namespace gatehouse {

class NameEvents final : public NotifySource {
 public:
  explicit NameEvents(esl_journal_t& journal);

  int Open(uint64_t subscriptions) override;
  void Stop() override;
  pollfd Awaited() const override;
  bool HasMore() const override;
  bool Next(Message& message, const std::atomic<uint64_t>& subscriptions,
            esl_detail_t detail) override;
  void Done() override;
  uint32_t TakeLosses() override;

  // Reports the events of `mask` on the file system of the open `directory`,
  // which is at `path`, if `mask` is not 0. Returns 0 or an errno value:
  // EOPNOTSUPP, ENODEV or EXDEV where the file system has no file handles.
  [[nodiscard]] int Watch(int directory, const char* path, uint64_t mask);
  void UnwatchAll();

 private:
  struct Watched {
    uint64_t file_system = 0;  // f_fsid
    std::string path;
    dev_t device = 0;
  };

  [[nodiscard]] bool Read();
  [[nodiscard]] bool Skip(const NameRecord& record);
  [[nodiscard]] UniqueFd OpenMount(uint64_t file_system);
  static UniqueFd OpenHandle(const UniqueFd& mount, const FileIdentity& file);
  void LookAtObject(const NameRecord& record);
  void Fill(Message& message, const NameRecord& record, es_event_type_t type,
            esl_detail_t detail);
  bool FillDirectory(Message& message, const NamedEntry& entry);
  void FillTarget(Message& message, const NamedEntry& entry);
  void FillRename(Message& message, const NameRecord& record);
  void FillEvent(Message& message, const NameRecord& record,
                 es_event_type_t type);

  esl_journal_t& journal_;
  SourceBuffer& buffer_;
  const pid_t own_pid_;
  size_t record_bytes_ = 0;  // Of the record that is being delivered.
  bool has_looked_ = false;  // `object_` is of that record.
  struct stat object_ = {};  // Zero: gone, or unknown.
  uint32_t losses_ = 0;
  Mutex mutex_;
  std::vector<Watched> watched_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
