// One line of a database as the oracle understands it.
//
// Thread safety: free functions on values. Ownership: everything is a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/signatures/oracle/logic.h"
#include "tests/signatures/oracle/pattern.h"

namespace gatehouse::oracle {

// The form of a line, which the extension of its file decides.
enum class LineForm : uint8_t { kNdb, kLdb, kDb, kHash, kSectionHash, kImport };

// By the extension without its dot, in lower case; also .ndu, .hsb and so on.
std::optional<LineForm> LineFormOf(std::string_view extension);

enum class OffsetBase : uint8_t {
  kAny,
  kFileStart,
  kFileEnd,
  kEntryPoint,
  kSection,
  kLastSection,
  kInSection,
  kVersionText,
  kMacro,
};

struct OffsetField {
  OffsetBase base = OffsetBase::kAny;
  int64_t value = 0;    // Signed for the entry point; EOF-n has -n.
  uint64_t number = 0;  // The section, or the macro group.
  uint64_t shift = 0;
};

struct Range {
  uint64_t min = 0;
  uint64_t max = UINT64_MAX;

  bool Has(uint64_t value) const { return value >= min && value <= max; }
};

enum class SubsignatureKind : uint8_t {
  kHex,
  kByteCompare,
  kMacro,
  kRegex,
  kFuzzyImage,
};

struct ByteCompare {
  uint64_t reference = 0;
  int64_t offset = 0;
  char base = 'i';    // 'h', 'd', 'a' or 'i'.
  char endian = 'b';  // 'l', 'b', or '\0' when the line says none.
  bool exact = false;
  uint64_t length = 0;
  std::vector<std::pair<char, uint64_t>> comparisons;
};

struct Subsignature {
  SubsignatureKind kind = SubsignatureKind::kHex;
  OffsetField offset;
  std::vector<Pattern> variants;
  ByteCompare compare;
  Range macro_distance;
  uint64_t macro_group = 0;
  std::string text;
};

// Digests are lower-case hex digits.
struct HashRule {
  std::string digest;
  std::optional<uint64_t> size;
};

struct Signature {
  std::string name;
  LineForm form = LineForm::kNdb;
  int target = 0;
  std::optional<Range> file_size;
  std::optional<Range> entry_point;
  std::optional<Range> section_count;
  // Gates that need what surrounds a file: "Container" and so on.
  std::vector<std::string> surroundings;
  Logic logic;
  std::vector<Subsignature> subsignatures;
  std::optional<HashRule> hash;
};

// What clamscan 1.4.6 claims to be.
constexpr uint64_t kFunctionalityLevel = 216;

// A comment or an empty line is a failure of kind kSkipped.
Parsed<Signature> ParseLine(LineForm form, std::string_view line,
                            uint64_t functionality_level = kFunctionalityLevel);

Parsed<OffsetField> ParseOffset(std::string_view text, int target);
// "0&1", "aabb::i", "0(>>4#ib2#=7)": what stands behind the logic.
Parsed<Subsignature> ParseSubsignature(std::string_view text, int target,
                                       uint64_t own_index);
Parsed<ByteCompare> ParseByteCompare(std::string_view text);

// The fields of an .ldb line; a ';' inside of a regex is no separator.
std::vector<std::string_view> SplitLogicalLine(std::string_view line);

}  // namespace gatehouse::oracle
