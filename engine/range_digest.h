// Digests of parts of a content, and their names in a HashStore.
//
// Thread-compatible. Owns nothing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/file_digest.h"
#include "engine/format/content.h"
#include "engine/scan_limits.h"
#include "engine/verdict.h"
#include "signatures/hash_store.h"

namespace gatehouse {

struct ContentRange {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

// Feeds the range to `digests`, which were started. kNone: all of it;
// kChangedWhileScanning: the content ended before, or a read failed (see
// Content::error_number); else the limit, which is asked for after each MiB, so
// that what is short is never cut.
[[nodiscard]] NotScannedReason DigestRange(Content& content,
                                           const ContentRange& range,
                                           const ScanLimits& limits,
                                           FileDigests& digests);

// Ends every digest that was started and adds the names that `store` has for
// them and `size` to `names`, each once.
void AddNamesOfDigests(const HashStore& store, uint64_t size,
                       FileDigests& digests,
                       std::vector<std::string_view>& names);

}  // namespace gatehouse
