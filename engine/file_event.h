// FileEvent: one file that somebody wants judged, and why.
//
// Thread-compatible; move-only; travels from a source through a queue to a
// scanner and on to a sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "engine/auth_ticket.h"
#include "engine/file_snapshot.h"
#include "engine/scan_file.h"

namespace gatehouse {

enum class FileEventKind : uint8_t {
  kExec,    // A program start is held until we answer.
  kOpen,    // An open is held until we answer.
  kClose,   // A file that was written has been closed; nobody waits.
  kRescan,  // An earlier answer was not a verdict; nobody waits.
  kCorpus,  // An offline scan; nobody waits.
};
inline constexpr size_t kFileEventKindCount = 5;

// What tells files apart, while they exist; for statistics, never identity.
struct SourceKey {
  uint64_t device = 0;
  uint64_t inode = 0;
  bool operator==(const SourceKey&) const = default;
};

// When an event got how far.
struct EventTimes {
  MonotonicTime arrived;  // The adapter saw it.
  MonotonicTime taken;    // A worker began with it.
  MonotonicTime judged;   // There was a verdict.
};

// FileEvent::flight of an event that leads nobody.
inline constexpr uint32_t kNoFlight = UINT32_MAX;

// Members are destroyed in reverse order: the ticket is answered before the
// file is let go.
struct FileEvent {
  FileEventKind kind = FileEventKind::kCorpus;
  ScanFile file;
  AuthTicket ticket;  // Pending only for kExec and kOpen.
  // When the held process gets an answer in any case: no later verdict counts.
  MonotonicTime deadline = kNever;
  int32_t pid = 0;        // Who asked; 0 means unknown.
  FileSnapshot snapshot;  // Taken when the event came.
  // Who waits for the verdict of this one: engine/scans_in_flight.h.
  uint32_t flight = kNoFlight;
  SourceKey key;
  EventTimes times;
  // Where crash_mark.h notes that a scan of this file is running; may be null.
  // Valid for as long as `file` is.
  uint32_t* unsafe_scan_mark = nullptr;
  // Display text, never identity. Valid for as long as `file` is.
  std::string_view unsafe_path;
  // What exclusions are asked with, if they were not known when the event came;
  // else empty. Valid for as long as `file` is.
  std::string_view unsafe_believed_path;
  std::string_view unsafe_believed_executable;
};

}  // namespace gatehouse
