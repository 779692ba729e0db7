#include "tests/engine/intercepted_pread.h"

#include <sys/syscall.h>

// Not from <unistd.h>: with fortification that defines pread itself.
extern "C" long syscall(long number, ...);

// NOLINTNEXTLINE(readability-identifier-naming): the C library's name.
extern "C" ssize_t pread(int fd, void* buffer, size_t bytes, off_t offset) {
  gatehouse::Read read{fd, bytes, offset};
  if (gatehouse::before_read && !gatehouse::before_read(read)) return -1;
  return syscall(SYS_pread64, fd, buffer, read.bytes, read.offset);
}
