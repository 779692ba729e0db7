// Which compiled set is in use, noted in shared memory for a successor.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace gatehouse {

// The words of its key; all zeros: it has none.
using ActiveDefinitions = std::array<std::atomic<uint64_t>, 4>;

}  // namespace gatehouse
