// Flushes that flush nothing, ours and those of every library: the tests of
// power cuts must see that files are lost.
#include <fcntl.h>
#include <unistd.h>

// NOLINTNEXTLINE(readability-identifier-naming,cert-dcl50-cpp): C's name.
extern "C" int fsync(int /*fd*/) { return 0; }
// NOLINTNEXTLINE(readability-identifier-naming,cert-dcl50-cpp): C's name.
extern "C" int fdatasync(int /*fd*/) { return 0; }
