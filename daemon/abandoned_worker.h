// What is left of a process that was killed.
//
// Thread-safe. Opens files in /proc only.
#pragma once

#include <sys/types.h>

namespace gatehouse {

// True if the process `pid`, which has been sent SIGKILL, exists no more but
// for threads that wait in the kernel for something that no signal interrupts,
// for example for a file server. They will not run one more instruction of the
// program, however their wait ends. False when that cannot be told.
[[nodiscard]] bool OnlyWaitsInKernel(pid_t pid);

}  // namespace gatehouse
