// Trace: a recorded session of events and answers. docs/trace-format.md has the
// format on disk; these are its records, decoded.
//
// Thread-compatible plain values that own their text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gatehouse {

// Values are on disk: never renumber.
enum class TraceAction : uint8_t {
  kAuth = 0,    // Somebody was held until the answer.
  kNotify = 1,  // Nobody was.
};

// Values are on disk: never renumber.
enum class AnswerSource : uint8_t {
  kUnknown = 0,
  kClient = 1,        // By what the client responded.
  kMuted = 2,         // Nobody wanted to know.
  kExpectedOpen = 3,  // The open of a program start that was allowed.
  kKept = 4,          // An earlier answer that was kept.
  kDeadline = 5,      // Nobody had answered by the deadline.
  kUnanswered = 6,    // The message was released without an answer.
};
inline constexpr uint8_t kAnswerSourceMax = 6;

// Values are on disk: never renumber.
enum class ContentKind : uint8_t {
  kClean = 1,   // `size` bytes of text made from `seed`.
  kEicar = 2,   // The EICAR test file; assembled when it is needed.
  kMarker = 3,  // kClean with the text of MarkerText(seed) in its middle.
  kBytes = 4,   // `bytes`.
};

// Begins what one process recorded. What follows starts anew: tables are
// empty, events count from 0.
struct TraceSession {
  int64_t wall_ms = 0;   // Milliseconds since 1970: for people.
  int64_t begin_ns = 0;  // CLOCK_MONOTONIC.
  std::string recorder;  // Program and version: for people.
  bool operator==(const TraceSession&) const = default;
};

struct TraceProcess {
  int32_t pid = 0;  // 0: unknown, of another pid namespace.
  int32_t parent_pid = 0;
  uint32_t uid = 0;  // Real ids.
  uint32_t gid = 0;
  uint32_t effective_uid = 0;
  uint32_t effective_gid = 0;
  std::string executable;  // Empty: unknown.
  bool operator==(const TraceProcess&) const = default;
};

struct TraceFile {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  uint32_t mode = 0;        // Type and permissions, as st_mode.
  int64_t modified_ns = 0;  // Since 1970.
  int64_t changed_ns = 0;
  bool path_truncated = false;
  std::string path;
  bool operator==(const TraceFile&) const = default;
};

struct TraceContent {
  ContentKind kind = ContentKind::kClean;
  uint64_t size = 0;
  uint64_t seed = 0;
  std::string bytes;  // Only with kBytes.
  bool operator==(const TraceContent&) const = default;
};

struct TraceEvent {
  int64_t time_ns = 0;  // When it was read; CLOCK_MONOTONIC.
  uint32_t type = 0;    // es_event_type_t
  TraceAction action = TraceAction::kAuth;
  bool had_writer = false;
  int32_t fflag = 0;
  uint32_t process = 0;     // Index into Trace::processes.
  uint32_t file = 0;        // Index into Trace::files.
  int64_t deadline_ns = 0;  // From time_ns on; 0: nobody waits.
  // Index into Trace::contents; empty: made from the file and the answer.
  std::optional<uint32_t> content;
  // Index into Trace::answers; empty: the trace ends before, or nobody waited.
  std::optional<size_t> answer;
  bool operator==(const TraceEvent&) const = default;
};

struct TraceAnswer {
  int64_t time_ns = 0;
  size_t event = 0;  // Index into Trace::events.
  bool allow = true;
  AnswerSource source = AnswerSource::kUnknown;
  bool operator==(const TraceAnswer&) const = default;
};

// What a recorder has written, to be compared with what can be read.
struct TraceEnd {
  uint64_t events = 0;
  uint64_t answers = 0;
  uint64_t lost = 0;
  bool operator==(const TraceEnd&) const = default;
};

// All sessions of a file, one after the other: indices are of the whole file.
struct Trace {
  std::vector<TraceSession> sessions;
  std::vector<TraceProcess> processes;
  std::vector<TraceFile> files;
  std::vector<TraceContent> contents;
  std::vector<TraceEvent> events;    // In the order of their delivery.
  std::vector<TraceAnswer> answers;  // In the order in which they were given.
  uint64_t lost = 0;                 // Events and answers that did not fit.
  size_t sessions_ended = 0;         // With a TraceEnd that agrees.
  // Why reading ended before the end of the file; empty: it did not.
  std::string cut;
  bool operator==(const Trace&) const = default;
};

}  // namespace gatehouse
