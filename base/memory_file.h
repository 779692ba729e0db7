// A file that lies in memory and has no name.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace gatehouse {

// Empty, open for reading and writing, closed on exec. `name` is for people who
// look into /proc. Thread-safe. Errors: of the system.
Result<UniqueFd> CreateMemoryFile(const char* name);

}  // namespace gatehouse
