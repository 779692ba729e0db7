#include "tests/quarantine/intercepted_openat.h"

#include <linux/fcntl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdarg>

// Not from <unistd.h>: with fortification the C library defines these itself.
extern "C" long syscall(long number, ...);

// NOLINTNEXTLINE(readability-identifier-naming,cert-dcl50-cpp): C's name.
extern "C" int openat(int directory, const char* path, int flags, ...) {
  if (!gatehouse::knows_unnamed_files && (flags & O_TMPFILE) == O_TMPFILE) {
    errno = EOPNOTSUPP;
    return -1;
  }
  unsigned mode = 0;
  if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, unsigned);
    va_end(arguments);
  }
  return static_cast<int>(syscall(SYS_openat, directory, path, flags, mode));
}
