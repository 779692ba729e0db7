// CRC-32C (Castagnoli), as iSCSI and ext4 use it: tells damage, not malice.
//
// Thread-safe: a pure function.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace gatehouse {

// Of `bytes`, going on from `before`, the checksum of what came before them.
[[nodiscard]] uint32_t Crc32c(ByteView bytes, uint32_t before = 0);

}  // namespace gatehouse
