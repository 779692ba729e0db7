// ReplayBackend: events from a recorded session instead of the kernel. Hands
// out descriptors of contents that it makes, tells the facts that were
// recorded, takes the answers and counts them: exactly one per held event.
//
// Thread safety: see EventBackend. What ReplayOptions and ReplayResults refer
// to must outlive the client.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/file_state.h"
#include "base/mutex.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "es_adapter/linux/event_backend.h"
#include "es_linux.h"
#include "trace/trace.h"

namespace gatehouse {

struct ReplayOptions {
  const Trace* trace = nullptr;
  uint64_t rounds = 1;  // How often the trace is replayed, at least once.
  // 0: as fast as possible; 1: as it was recorded; 2: twice as fast. Without
  // meaning on a virtual clock.
  double speed = 0;
  const VirtualTime* time = nullptr;  // Null: the real one.
  bool keeps_answers = false;         // For ReplayResults::answers_kept.
  // Called by the reader between two rounds if the trace has two contents for
  // one state of a file: what was known at the end of a round is not true at
  // the beginning of the next.
  std::function<void()> on_next_round;
};

// What an answer is based on.
enum class AnswerBasis : uint8_t {
  kVerdict,   // Of a scan, or one that was remembered.
  kDeadline,  // There was no verdict in time.
  kPolicy,    // There was no verdict for another reason.
};

struct ReplayedAnswer {
  uint64_t round = 0;
  size_t event = 0;  // Index into Trace::events.
  bool allow = true;
  int64_t at_ns = 0;
  AnswerBasis basis = AnswerBasis::kVerdict;
  bool operator==(const ReplayedAnswer&) const = default;
};

// Written by the backend, read by anybody.
class ReplayResults {
 public:
  static constexpr size_t kDifferencesKept = 20;
  static constexpr size_t kSteps = 8;  // Of latencies, per power of two.

  std::atomic<uint64_t> auth_events{0};
  std::atomic<uint64_t> notify_events{0};
  std::atomic<uint64_t> answers{0};
  std::atomic<uint64_t> allowed{0};
  std::atomic<uint64_t> duplicates{0};  // Answers to what had one.
  std::atomic<uint64_t> unanswered{0};  // Let go of without an answer.
  // From what was recorded, by what the answer of the replay is based on.
  std::atomic<uint64_t> differences{0};           // A verdict.
  std::atomic<uint64_t> deadline_differences{0};  // None came in time.
  std::atomic<uint64_t> policy_differences{0};    // None came at all.
  std::atomic<uint64_t> failures{0};  // Events that could not be made.
  std::atomic<bool> at_end{false};    // All events have been read.

  // Until every event of the trace was read and every held one answered.
  void WaitForEnd();
  // The answer took `ns`.
  void CountLatency(int64_t ns);
  // Of all answers, this part (0 to 1) took no longer, in nanoseconds.
  [[nodiscard]] int64_t LatencyAt(double part) const;
  // The first that differ from the trace.
  [[nodiscard]] std::vector<ReplayedAnswer> differing() const;
  // All, in the order in which they were given, if ReplayOptions say so.
  [[nodiscard]] std::vector<ReplayedAnswer> answers_kept() const;

 private:
  friend class ReplayBackend;
  void Differs(const ReplayedAnswer& answer);
  void Keep(const ReplayedAnswer& answer);

  std::array<std::atomic<uint64_t>, 64 * kSteps> latencies_ = {};
  std::atomic<uint64_t> open_{1};  // Held events and the end itself.
  mutable Mutex mutex_;
  std::vector<ReplayedAnswer> differing_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<ReplayedAnswer> answers_kept_ GATEHOUSE_GUARDED_BY(mutex_);
};

class ReplayBackend final : public EventBackend {
 public:
  ReplayBackend(esl_journal_t& journal, const ReplayOptions& options,
                ReplayResults& results);
  ~ReplayBackend() override;

  es_new_client_result_t Open() override;
  void Close() override;
  void Prepare() override {}
  // Of any file system: now the replay begins.
  int Mark(GroupKind kind, int directory, uint64_t mask) override;
  void RemoveAllMarks(GroupKind /*kind*/) override {}
  bool IsStepped() const override { return options_.time != nullptr; }
  GroupSet Wait(const GroupSet& wanted, int wake_fd) override;
  ssize_t Read(GroupKind kind,
               std::span<fanotify_event_metadata> events) override;
  void Answer(GroupKind kind, int fd, bool allow, AnswerSource source) override;
  void FillTarget(Message& message) override;
  void FillProcess(Message& message) override;
  bool IsTargetBelieved(const Message& /*message*/) override { return true; }
  bool IsExecutableBelieved(const Message& /*message*/) override {
    return true;
  }
  bool HasWriter(int fd) const override;
  int64_t Now() const override;
  int64_t WallNow() const override;

  // What the file behind the open descriptor of an event was like, as the trace
  // has it; empty if that cannot be told, because the trace has two contents of
  // one state. Thread-safe.
  [[nodiscard]] std::optional<FileLook> LookAt(int fd) const;
  // Says what the answer to the event behind an open descriptor, which is about
  // to be given, is based on; without a word, it is a verdict. Thread-safe.
  void SetBasis(int fd, AnswerBasis basis);

  // For whoever moves a virtual time, on the thread that steps the client.
  // When the next event is due, in nanoseconds; INT64_MAX at the end.
  [[nodiscard]] int64_t NextEventAt() const;
  // When the event behind an open descriptor was answered in the record, in the
  // time of the replay; -1 if it was not.
  [[nodiscard]] int64_t RecordedAnswerAt(int fd) const;

 private:
  // What an open descriptor stands for.
  struct Held {
    std::atomic<uint32_t> state{0};
    std::atomic<AnswerBasis> basis{AnswerBasis::kVerdict};
    // Written when the kernel gives the number again: whoever had it before
    // may have read them on another thread.
    std::atomic<uint32_t> event{0};
    std::atomic<uint64_t> round{0};
    std::atomic<int64_t> read_ns{0};
  };
  // What became of the opens of one file of the trace that had no content of
  // their own.
  struct FileAnswers {
    bool was_allowed = false;
    bool was_denied = false;
  };
  void LookAtAnswers();
  TraceContent ContentAt(const TraceEvent& event) const;
  bool MakeContents();
  int64_t DueAt(size_t event, uint64_t round) const;
  bool IsAtEnd() const { return round_ >= options_.rounds; }
  GroupKind NextGroup() const;
  bool TakeNext(fanotify_event_metadata& raw);
  void LetGo(Held& held);
  const TraceEvent& EventOf(int fd) const;

  esl_journal_t& journal_;
  const ReplayOptions options_;
  const Trace& trace_;
  ReplayResults& results_;
  const pid_t own_pid_;
  std::vector<UniqueFd> contents_;
  std::vector<size_t> content_of_;       // By event.
  std::vector<FileAnswers> answers_of_;  // By file of the trace.
  bool forgets_between_rounds_ = false;
  int64_t wall_offset_ns_ = 0;  // Since 1970, less the time of the trace.
  std::vector<Held> held_;      // By descriptor.
  int64_t round_ns_ = 0;        // How long a round takes.
  std::atomic<bool> has_begun_{false};
  int64_t begin_ns_ = 0;          // Of the replay; before has_begun_.
  std::atomic<int> wake_fd_{-1};  // Of the client.
  size_t next_ = 0;               // Reader only, from here.
  bool is_next_round_ = false;    // Nothing of this round was read yet.
  uint64_t round_ = 0;
};

}  // namespace gatehouse

// The C handle of a replay. Outlives the client that was made for it.
struct esl_replay_s {
  gatehouse::ReplayOptions options;
  gatehouse::ReplayResults results;
  gatehouse::ReplayBackend* backend = nullptr;  // Lives as long as the client.
};
