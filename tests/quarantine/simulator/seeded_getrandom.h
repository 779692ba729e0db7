// A getrandom that gives the same bytes for the same seed, so that the ids of
// threats do not make two runs of a seed differ. Replaces that of the C library
// in the whole program it is linked into.
//
// One thread.
#pragma once

#include "tests/quarantine/simulator/seeded_random.h"

namespace gatehouse {

// Null: the kernel's.
inline SeededRandom* seeded_getrandom = nullptr;

}  // namespace gatehouse
