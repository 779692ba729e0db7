// TraceEncoder: turns records into the bytes of a trace file.
// docs/trace-format.md
//
// Thread-compatible. Does no I/O: whoever uses it writes what TakeBytes gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "trace/trace.h"
#include "trace/trace_format.h"

namespace gatehouse {

class TraceEncoder {
 public:
  // What begins a file, before any session.
  [[nodiscard]] static std::string FileHeader();

  // First of all; again for what another process records into the same file.
  void BeginSession(const TraceSession& session);

  // The following return the index of what they added, within the session.
  // Paths are cut to kTraceTextBytesMax.
  uint32_t AddProcess(const TraceProcess& process);
  uint32_t AddFile(const TraceFile& file);
  // REQUIRES: at most kContentBytesMax bytes.
  uint32_t AddContent(const TraceContent& content);
  // `event.answer` is not looked at: answers are records of their own.
  uint64_t AddEvent(const TraceEvent& event);

  // To an event of this session.
  void AddAnswer(const TraceAnswer& answer);
  // `count` events and answers are missing here.
  void AddLost(uint64_t count);
  // Nothing follows but another session.
  void EndSession();

  // Closes the block that is being filled.
  void FinishBlock();
  // Blocks that are complete; valid until anything else is called.
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  // They have been written. Their memory is kept for the next ones.
  void ClearBytes() { bytes_.clear(); }
  // The same, for whoever wants them: empties them here.
  [[nodiscard]] std::string TakeBytes();
  // Of this session, so far.
  const TraceEnd& count() const { return count_; }

 private:
  void Begin();
  void Finish(RecordKind kind);

  std::string bytes_;    // Complete blocks.
  std::string payload_;  // Of the block that is being filled.
  std::string fields_;   // Of the record that is being made.
  uint32_t processes_ = 0;
  uint32_t files_ = 0;
  uint32_t contents_ = 0;
  TraceEnd count_;
  int64_t last_time_ns_ = 0;
  int64_t last_deadline_ns_ = 0;
};

// The whole file of a trace that has one session.
[[nodiscard]] std::string EncodeTrace(const Trace& trace);

}  // namespace gatehouse
