// A pread that asks the test first. Replaces that of the C library in the whole
// program it is linked into.
//
// One thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>

namespace gatehouse {

struct Read {
  int fd = -1;
  size_t bytes = 0;  // May be changed: the read is then shorter.
  off_t offset = 0;
};

// Called before each read if set. May change the file and shorten the read;
// false makes the read fail with the errno that was set.
inline std::function<bool(Read&)> before_read;

}  // namespace gatehouse
