// The hexadecimal language of .ndb and .ldb lines, turned into a program.
//
//   aa ?? a? ?a        one byte, wholly or partly given
//   (aa|bb??|cc)       one of several; nested, of any lengths, the last one
//                      perhaps empty
//   !(aa|bb)           none of several of one length
//   * {n} {n-m} {-n} {n-}       a gap; one of at most 0 bytes is unlimited
//   aa[n-m]SIG SIG[n-m]aa       one byte at a distance of at most 32
//   (B) (L) (W) !(B) ...        word, line, or not-alphanumeric boundary
//
// Source: the documentation of the format and observation of ClamAV 1.4; see
// docs/signature-language.md. Thread-safe: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gatehouse {

struct HexPatternOptions {
  bool ignores_case = false;  // ASCII letters among whole bytes.
  bool is_wide = false;       // A zero byte follows each byte.
  bool is_full_word = false;  // As (W)...(W).
  bool has_flags = false;     // Any flag at all was given.
};

// Every part has at least this many given bytes in a row, or it would be found
// everywhere.
inline constexpr size_t kFixedBytesMin = 2;
// Of one part, in the file.
inline constexpr size_t kPartBytesMax = size_t{32} << 10;

// The program (see BytePattern), or why the text is malformed.
[[nodiscard]] std::variant<std::vector<uint8_t>, std::string> ParseHexPattern(
    std::string_view text, const HexPatternOptions& options);

}  // namespace gatehouse
