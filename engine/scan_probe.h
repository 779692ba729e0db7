// BeforeScan: the seam where tests make a scan stick or crash.
//
// Resolved when the program is linked: programs that ship link
// engine/scan_probe_none.cc, which does nothing; only a test program can link
// another one. Thread-safe.
#pragma once

namespace gatehouse {

// Called by a real-time worker just before it scans `fd`.
void BeforeScan(int fd) noexcept;

}  // namespace gatehouse
