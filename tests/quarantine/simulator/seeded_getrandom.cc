#include "tests/quarantine/simulator/seeded_getrandom.h"

#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

extern "C" ssize_t getrandom(void* buffer, size_t length, unsigned flags) {
  if (gatehouse::seeded_getrandom == nullptr) {
    return ::syscall(SYS_getrandom, buffer, length, flags);
  }
  auto* bytes = static_cast<uint8_t*>(buffer);
  for (size_t i = 0; i < length; ++i) {
    bytes[i] = static_cast<uint8_t>(gatehouse::seeded_getrandom->Next());
  }
  return static_cast<ssize_t>(length);
}
