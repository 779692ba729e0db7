// FanotifyBackend: the events of the kernel, through the groups of a journal.
//
// Thread safety: see EventBackend. Borrows the journal, which lives for ever.
#pragma once

#include "base/own_mounts.h"
#include "es_adapter/linux/event_backend.h"
#include "es_adapter/linux/journal.h"

namespace gatehouse {

class FanotifyBackend final : public EventBackend {
 public:
  explicit FanotifyBackend(esl_journal_t& journal) : journal_(journal) {}

  es_new_client_result_t Open() override;
  void Close() override;
  void Prepare() override;
  std::unique_ptr<NotifySources> MakeSources() override;
  int Mark(GroupKind kind, int directory, uint64_t mask) override;
  void RemoveAllMarks(GroupKind kind) override;
  GroupSet Wait(const GroupSet& wanted, int wake_fd) override;
  ssize_t Read(GroupKind kind,
               std::span<fanotify_event_metadata> events) override;
  void Answer(GroupKind kind, int fd, bool allow, AnswerSource source) override;
  void IgnoreOpens(int fd) override;
  void StopIgnoring(int fd) override;
  void StopIgnoringAll() override;
  void FillTarget(Message& message) override;
  void FillTargetPath(Message& message) override;
  void FillProcess(Message& message) override;
  bool IsTargetBelieved(const Message& message) override;
  bool IsExecutableBelieved(const Message& message) override;
  bool HasWriter(int fd) const override;
  int64_t Now() const override;

 private:
  esl_journal_t& journal_;
  OwnMounts own_mounts_;              // Of the reader.
  NotifySources* sources_ = nullptr;  // The client's.
};

}  // namespace gatehouse
