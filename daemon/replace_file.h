// Replacing a file as a whole.
//
// Thread-safe, but not for one path at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse {

enum class Durability : uint8_t {
  kNone,     // Whole or old for readers; a power cut may undo it.
  kDurable,  // And on disk when the call returns.
};

// Writes `text` to `path` whole or not at all, through `path`.new. Errors:
// kOperational.
Result<bool> ReplaceFile(const std::string& path, std::string_view text,
                         Durability durability);

}  // namespace gatehouse
