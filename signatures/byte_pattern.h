// BytePattern: a pattern over bytes, as a small program.
//
// A program is compact enough to be kept for hundreds of thousands of patterns,
// goes into the compiled artefact as it is, and is what the matcher runs. One
// operation after the other, each an opcode and its operands (numbers are
// little-endian):
//
//   kLiteral       u16 n, n bytes            exactly these
//   kLiteralFolded u16 n, n bytes            ASCII letters of either case; the
//                                            operand has them in lower case
//   kMasked        u16 n, n (value, mask)    (byte & mask) == value
//   kAny           u16 n                     n bytes, whatever they are
//   kOneOf         u16 n, n (u16 size, program)   one of n programs
//   kNoneOf        u16 n, u16 length, bytes  `length` bytes, none of the n
//   kBoundary      u8                        see BoundaryCode
//   kNear          u8 place, u8 min, u8 max, u8 value, u8 mask
//                                            a byte min to max bytes before the
//                                            place, or behind it, fits
//   kGap           u32 min, u32 max          only between parts, at top level
//
// Gaps cut a program into parts. Only kOneOf has variable length. Thread-safe:
// plain values and pure functions. The reader checks every length: programs of
// an artefact that was tampered with end early, they do not read beyond.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace gatehouse {

// Values are on disk: never renumber.
enum class PatternOp : uint8_t {
  kLiteral = 1,
  kLiteralFolded = 2,
  kMasked = 3,
  kAny = 4,
  kOneOf = 5,
  kNoneOf = 6,
  kBoundary = 7,
  kGap = 8,
  kNear = 9,
};

// As the maximum of a gap: no limit.
inline constexpr uint32_t kUnlimitedGap = ~uint32_t{0};
// Of programs within programs.
inline constexpr int kPatternDepthMax = 16;
inline constexpr size_t kPatternBytesMax = size_t{1} << 20;
inline constexpr size_t kPatternPartsMax = 4096;

// What stands at a border. Values are on disk: never renumber.
enum class BoundaryKind : uint8_t {
  kWord = 0,
  kLine = 1,
  kNotAlphanumeric = 2
};
// Before the first byte, behind the last one, or between (then it takes a byte
// itself).
enum class BoundaryPlace : uint8_t { kBefore = 0, kBehind = 1, kWithin = 2 };

struct Boundary {
  BoundaryKind kind = BoundaryKind::kWord;
  BoundaryPlace place = BoundaryPlace::kBefore;
  bool is_negated = false;
  bool is_wide = false;  // Looks at units of two bytes.

  [[nodiscard]] uint8_t Code() const;
  // Nothing if the code means none.
  [[nodiscard]] static std::optional<Boundary> FromCode(uint8_t code);
};

// A byte that stands apart from the part, and takes no place in it.
struct NearByte {
  BoundaryPlace place = BoundaryPlace::kBefore;  // Or kBehind.
  uint8_t min = 0;                               // Bytes in between.
  uint8_t max = 0;
  uint8_t value = 0;
  uint8_t mask = 0xff;
};
inline constexpr uint8_t kNearMax = 32;

struct MaskedByte {
  uint8_t value = 0;  // Zero where the mask is.
  uint8_t mask = 0xff;
};

// Writes a program. Neighbours of one kind become one operation. Lengths are
// the caller's duty: no operand may be longer than 65,535.
class PatternWriter {
 public:
  void Literal(uint8_t byte);
  void Folded(uint8_t byte);
  void Masked(MaskedByte byte);
  void Any(uint32_t count);
  void OneOf(const std::vector<std::vector<uint8_t>>& programs);
  // All of one length.
  void NoneOf(const std::vector<std::vector<uint8_t>>& literals);
  void AddBoundary(const Boundary& boundary);
  void AddNear(const NearByte& near);
  void Gap(uint32_t min, uint32_t max);

  [[nodiscard]] const std::vector<uint8_t>& code() const { return code_; }
  [[nodiscard]] std::vector<uint8_t> Take();

 private:
  // Where the count of an operation of this kind stands, at the end.
  bool Extends(PatternOp op) const;
  void Begin(PatternOp op);
  void CountOne();

  std::vector<uint8_t> code_;
  std::optional<PatternOp> last_op_;
  size_t last_at_ = 0;
};

// One operation of a program; views into it.
struct PatternStep {
  PatternOp op = PatternOp::kAny;
  ByteView bytes;        // kLiteral*, kMasked (pairs), kNoneOf, kOneOf (raw).
  uint32_t count = 0;    // Bytes, pairs, programs or literals.
  uint32_t length = 0;   // kNoneOf: of each.
  uint32_t gap_min = 0;  // kGap.
  uint32_t gap_max = 0;
  Boundary boundary;
  NearByte near;
};

// Reads a program from its front.
class PatternReader {
 public:
  explicit PatternReader(ByteView code) : rest_(code) {}

  // Nothing at the end, or where the program is broken: then is_broken().
  [[nodiscard]] std::optional<PatternStep> Next();
  [[nodiscard]] bool is_broken() const { return is_broken_; }
  [[nodiscard]] ByteView rest() const { return rest_; }

 private:
  std::optional<uint32_t> Number(size_t bytes);
  std::optional<ByteView> Bytes(size_t count);
  std::optional<PatternStep> ReadStep(PatternOp op);

  ByteView rest_;
  bool is_broken_ = false;
};

// How many bytes a step takes. Nothing where it is broken, and for a gap.
struct StepLengths {
  uint32_t min = 0;
  uint32_t max = 0;
};
[[nodiscard]] std::optional<StepLengths> LengthsOf(const PatternStep& step);

// The programs of a kOneOf step. Nothing where it is broken.
[[nodiscard]] std::optional<std::vector<ByteView>> ProgramsOf(
    const PatternStep& one_of);

// A run of bytes that stands in every match of a part.
struct FixedRun {
  ByteView bytes;  // In the program; lower case if is_folded.
  bool is_folded = false;
  // From the part's first byte to the run's.
  uint32_t distance_min = 0;
  uint32_t distance_max = 0;
};

struct PatternPart {
  ByteView code;
  uint32_t gap_min = 0;  // In front of it; of the first part, none.
  uint32_t gap_max = 0;
  uint32_t length_min = 0;
  uint32_t length_max = 0;
  std::vector<FixedRun> runs;
};

// Nothing if the program is broken or beyond a limit above.
[[nodiscard]] std::optional<std::vector<PatternPart>> PartsOf(ByteView code);

// Whether PartsOf has parts for it, none of them longer than `length_max`.
// Makes no list of them.
[[nodiscard]] bool HasParts(ByteView code, uint32_t length_max);

}  // namespace gatehouse
