// Reading and writing all that was asked for: a transfer that was short or
// interrupted by a signal goes on.
//
// Thread-safe functions. They block as long as the descriptor does. Not for
// descriptors that do not block: of what was transferred until then an error
// tells nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace gatehouse {

// Fills `bytes`, and tells how many there were: fewer only at the end of the
// file. From `offset`, which leaves the place of the descriptor alone; without
// one from that place. Errors: of the system, as `what`.
Result<size_t> ReadFully(int fd, std::span<uint8_t> bytes,
                         std::string_view what,
                         std::optional<uint64_t> offset = std::nullopt);

// Writes all of `bytes`, to `offset` or to the place of the descriptor, as
// above. Errors: of the system, as `what`; then any part may be written.
Result<bool> WriteFully(int fd, ByteView bytes, std::string_view what,
                        std::optional<uint64_t> offset = std::nullopt);

}  // namespace gatehouse
