// The built-in rule for the EICAR test file, exactly as EICAR defines it.
//
// Thread-safe: pure functions. The test string itself stands nowhere in this
// tree and nowhere in the binary, or we would find ourselves.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gatehouse {

inline constexpr std::string_view kEicarThreatName =
    "Virus:DOS/EICAR_Test_File";
inline constexpr size_t kEicarBytes = 68;
inline constexpr size_t kEicarFileBytesMax = 128;

// True if `file`, a whole file, starts with the 68 bytes of the test string,
// is followed by nothing but space, tab, LF, CR and Ctrl-Z, and is at most
// kEicarFileBytesMax long.
[[nodiscard]] bool IsEicarTestFile(ByteView file);

// The 68 bytes, put together while running; for self-tests.
[[nodiscard]] std::string AssembledEicar();

}  // namespace gatehouse
