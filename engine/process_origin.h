// ProcessOrigin: what a process is, as the system tells while it lives.
//
// Thread-safe: reads /proc (Linux), allocates nothing. Never follows the link
// to the executable: its file system may hang.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/path_text.h"

namespace gatehouse {

struct ProcessOrigin {
  bool is_known = false;     // False: it is gone, or of another namespace.
  uint64_t start_ticks = 0;  // Since boot; with the pid it is unique.
  std::array<char, 16> name = {};  // Ends with NUL; the kernel cuts it.
  PathText executable;             // Empty: a kernel thread, or gone meanwhile.
};

// For `pid` 0, which stands for nobody we can see: not known.
[[nodiscard]] ProcessOrigin ReadProcessOrigin(int32_t pid);

}  // namespace gatehouse
