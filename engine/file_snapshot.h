// FileSnapshot: what could be told of a file before somebody scanned it,
// without reading it.
//
// Thread-safe plain value. VerdictCache::Begin makes one.
#pragma once

#include <cstdint>

#include "base/file_state.h"

namespace gatehouse {

struct FileSnapshot {
  FileState state;
  // How often the file, and the whole cache, were made void until then.
  uint64_t touches = 0;
  uint64_t epoch = 0;  // 0: there is no snapshot.
  // The file system tells who can write: base/file_system_facts.h.
  bool is_truthful = false;
  // Nobody could write the file. Only if is_truthful.
  bool is_quiet = false;
  // Pages of the file may change with nobody to be seen (KeepsPinnedPages), and
  // others than root could have seen to that.
  bool is_pinnable = false;
  // Every later change shows in `state`.
  bool is_settled = false;
};

}  // namespace gatehouse
