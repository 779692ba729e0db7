// ProcessEvents: forks, program starts and ends of processes, from the kernel's
// process connector (cn_proc.h).
//
// It tells numbers; the rest is looked up in /proc when the message is made. A
// process that is gone by then has nothing but its number. The kernel sends
// only to the initial pid and user namespaces: elsewhere Open fails.
//
// Thread safety: see NotifySource.
#pragma once

#include "es_adapter/linux/journal.h"
#include "es_adapter/linux/notify_source.h"
#include "es_adapter/linux/process_record.h"

namespace gatehouse {

class ProcessEvents final : public NotifySource {
 public:
  explicit ProcessEvents(esl_journal_t& journal);

  int Open(uint64_t subscriptions) override;
  void Stop() override;
  pollfd Awaited() const override;
  bool HasMore() const override;
  bool Next(Message& message, const std::atomic<uint64_t>& subscriptions,
            esl_detail_t detail) override;
  void Done() override;
  uint32_t TakeLosses() override;

 private:
  [[nodiscard]] bool Read();
  void Fill(Message& message, const ProcessRecord& record, es_event_type_t type,
            esl_detail_t detail);
  void FillFork(Message& message, const ProcessRecord& record);
  void FillExecuted(Message& message, pid_t pid, esl_detail_t detail);

  esl_journal_t& journal_;
  SourceBuffer& buffer_;
  size_t record_bytes_ = 0;  // Of the record that is being delivered.
  uint32_t losses_ = 0;
};

// Does the kernel tell us of processes? Not where we are in another pid or user
// namespace than its first. Waits for its answer for 0.1 s at most.
[[nodiscard]] bool HasProcessEvents();

}  // namespace gatehouse
