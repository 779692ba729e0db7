// Crash marks: which scan killed the process, told to the process that comes
// after it through shared memory.
//
// Thread-safe. A mark is one 32-bit word per event, owned by the event source;
// the fault word is one per process. Both outlive the process that writes.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace gatehouse {

// Values of a scan mark. They are read by another process: never renumber.
inline constexpr uint32_t kScanMarkNone = 0;
inline constexpr uint32_t kScanMarkScanning = 1;
inline constexpr uint32_t kScanMarkFaulted = 2;

// Values of the fault word. Never renumber.
inline constexpr uint32_t kFaultUnknown = 0;      // No handler ran.
inline constexpr uint32_t kFaultAttributed = 1;   // One scan is marked faulted.
inline constexpr uint32_t kFaultElsewhere = 2;    // Not in a scan.
inline constexpr uint32_t kFaultFromOutside = 3;  // Another process sent it.

// Marks a scan for as long as it lives, on the thread that runs the scan.
class ScanMarkScope {
 public:
  explicit ScanMarkScope(uint32_t* unsafe_scan_mark);
  ~ScanMarkScope();
  ScanMarkScope(const ScanMarkScope&) = delete;
  ScanMarkScope& operator=(const ScanMarkScope&) = delete;

 private:
  uint32_t* mark_;
};

// Handles SEGV, BUS, ILL, FPE, ABRT and SYS for the whole process: writes the
// mark of the scan on the faulting thread and `fault_word`, then lets the
// signal take its course. `fault_word` must stay valid for ever. Call once.
// Errors: kOperational when a handler cannot be installed.
Result<bool> InstallFaultMarks(uint32_t* fault_word);

// Gives the calling thread a stack of its own for fault handlers, so that even
// a stack overflow leaves a mark. Freed when the thread ends.
void UseFaultStackOnThisThread();

}  // namespace gatehouse
