// What one line of a signature file says: the parts that all formats share.
//
// Thread-safe: pure functions on plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gatehouse {

// The functionality level we claim. Lines name the levels they are meant for;
// real data never demand more than 255 as the upper end.
inline constexpr uint64_t kFunctionalityLevel = 213;

// Why a correct line is not loaded.
enum class SkipKind : uint8_t {
  kUnsupported,  // It needs something that this version cannot do.
  kLevel,        // Meant for engines of another functionality level.
  kIgnored,      // Named in an .ign or .ign2 file.
  kUnwanted,     // About potentially unwanted applications.
  kSwitchedOff,  // A hash of any size, by LoadOptions.
};

struct SkippedLine {
  std::string reason;
  SkipKind kind = SkipKind::kUnsupported;
};
struct MalformedLine {
  std::string reason;
};

// One line becomes exactly one of the three.
template <class Signature>
using ParsedLine = std::variant<Signature, SkippedLine, MalformedLine>;

// The text between the colons; an empty line has one empty field.
[[nodiscard]] std::vector<std::string_view> SplitFields(std::string_view line);

// Digits only, 0 .. 2^64 - 1.
[[nodiscard]] std::optional<uint64_t> ParseDecimal(std::string_view text);

// Hexadecimal digits only, 1 to 16 of them.
[[nodiscard]] std::optional<uint64_t> ParseHexNumber(std::string_view text);

// The value of a hexadecimal digit of either case.
[[nodiscard]] std::optional<uint8_t> ParseHexDigit(char digit);

// Bytes of an even number of hexadecimal digits, else nothing.
[[nodiscard]] std::optional<std::vector<uint8_t>> ParseHex(
    std::string_view text);

// The optional last two fields of a line.
struct LevelRange {
  uint64_t min = 0;
  uint64_t max = ~uint64_t{0};

  bool includes(uint64_t level) const { return min <= level && level <= max; }
};
// `fields[first]` is the minimum and the next one the maximum; either may be
// absent. Nothing if a field is no number.
[[nodiscard]] std::optional<LevelRange> ParseLevelRange(
    const std::vector<std::string_view>& fields, size_t first);
[[nodiscard]] SkippedLine OutsideLevelRange();

}  // namespace gatehouse
