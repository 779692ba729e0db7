// What a process that reads foreign definitions may still do.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace gatehouse {

struct CompileLimits {
  uint64_t cpu_seconds = 300;
  uint64_t memory_bytes = uint64_t{4} << 30;
};

// Under a sanitizer, which takes terabytes of addresses, memory is not limited.
bool LimitsCompileMemory();

// For the calling process, for good: its limits are set, it gains no more
// rights by an exec and leaves no core. Root becomes nobody, and keeps of its
// rights only that to read. Where that is not to be had (a container without
// CAP_SETUID), it stays who it is. REQUIRES: one thread. Errors: of the system.
Result<bool> EnterCompileSandbox(const CompileLimits& limits);

}  // namespace gatehouse
