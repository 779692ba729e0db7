// Views of bytes that somebody else owns, and bytes as text.
//
// Thread-compatible. A ByteView never outlives the bytes it shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse {

using ByteView = std::span<const uint8_t>;

// The two casts of the project between text and bytes stand in bytes.cc.
[[nodiscard]] ByteView AsBytes(std::string_view text);
[[nodiscard]] std::string_view AsText(ByteView bytes);

// Two lower-case hex digits per byte.
[[nodiscard]] std::string HexText(ByteView bytes);

}  // namespace gatehouse
