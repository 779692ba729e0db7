// VirtualScans: scans that take virtual time. Each is done at once, and its
// verdict given when its time has come, in the order of time.
//
// One thread. Keeps the signatures alive.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/event_queue.h"
#include "engine/file_event.h"
#include "engine/scanner.h"
#include "engine/verdict_sink.h"

namespace gatehouse {

class VirtualScans {
 public:
  using EndOfScan =
      std::function<int64_t(const FileEvent& event, int64_t now_ns)>;

  // Errors: those of Scanner::Create.
  static Result<std::unique_ptr<VirtualScans>> Create(
      std::shared_ptr<const SignatureSet> signatures);

  // Begins to scan what is in `queue`.
  void BeginAll(EventQueue& queue, int64_t now_ns, const EndOfScan& end);
  // Gives the verdicts of the scans that have ended by then.
  void EndUntil(int64_t now_ns, SinkRef sink);
  // Judges what is in `queue`, which nobody waits for, at once.
  void JudgeAll(EventQueue& queue, SinkRef sink);

  // When the next scan ends; INT64_MAX without any.
  [[nodiscard]] int64_t NextEnd() const;

 private:
  struct Scan {
    int64_t end_ns = 0;
    uint64_t number = 0;  // Among those that end at one moment.
    FileEvent event;
    Verdict verdict;
  };

  explicit VirtualScans(std::unique_ptr<Scanner> scanner);
  Verdict Judge(const FileEvent& event);
  static bool EndsLater(const Scan& a, const Scan& b);

  const std::unique_ptr<Scanner> scanner_;
  std::vector<Scan> scans_;  // A heap: the next to end is first.
  uint64_t scans_begun_ = 0;
};

}  // namespace gatehouse
