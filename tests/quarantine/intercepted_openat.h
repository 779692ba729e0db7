// An openat that can be told that the file system knows no O_TMPFILE. Replaces
// that of the C library in the whole program it is linked into.
//
// One thread.
#pragma once

namespace gatehouse {

inline bool knows_unnamed_files = true;

}  // namespace gatehouse
