// Signature: what is malicious, the same for every format it came from.
//
// A signature has a name, a target (the type of file it is about), gates (cheap
// facts that must hold), and a boolean expression over atoms. The front ends in
// signatures/clamav/ make these from text, the compiler makes a SignatureSet
// from them.
//
// Thread-compatible plain values; own their memory.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace gatehouse {

// The numbers of the text formats. Values are on disk: never renumber.
enum class Target : uint8_t {
  kAny = 0,
  kPe = 1,
  kOle2 = 2,
  kHtml = 3,
  kMail = 4,
  kGraphics = 5,
  kElf = 6,
  kText = 7,
  kUnused = 8,
  kMachO = 9,
  kPdf = 10,
  kFlash = 11,
  kJava = 12,
  kInternal = 13,
  kOther = 14,
};
inline constexpr size_t kTargetCount = 15;
[[nodiscard]] constexpr bool IsExecutable(Target target) {
  return target == Target::kPe || target == Target::kElf ||
         target == Target::kMachO;
}

// Of layers that are normalised forms. The own bytes of such files are a layer
// of kAny.
[[nodiscard]] constexpr bool IsOfForms(Target target) {
  return target == Target::kText || target == Target::kHtml;
}

// Where a pattern must start. Values are on disk: never renumber.
enum class OffsetBase : uint8_t {
  kAnywhere = 0,
  kStart = 1,           // + delta
  kEnd = 2,             // - delta
  kEntryPoint = 3,      // + or - delta
  kSection = 4,         // number `section`, + delta
  kLastSection = 5,     // + delta
  kInSection = 6,       // anywhere in number `section`
  kVersionStrings = 7,  // where the version information has a string
  kMacroGroup = 8,      // only as part of macro number `section`
};

struct PatternOffset {
  OffsetBase base = OffsetBase::kAnywhere;
  uint32_t section = 0;
  int64_t delta = 0;
  uint64_t shift = 0;  // It may start that many bytes later, too.

  friend bool operator==(const PatternOffset&, const PatternOffset&) = default;
};

// Programs (see BytePattern) of which any may match: one, or the wide form of a
// text and its ASCII form.
struct PatternAtom {
  std::vector<std::vector<uint8_t>> variants;
  PatternOffset offset;
};

inline constexpr uint32_t kNoLogic = ~uint32_t{0};

// A PCRE2 expression, looked for when the trigger, a node of the signature's
// own logic, holds.
struct RegexAtom {
  std::string expression;
  uint32_t options = 0;  // RegexOption bits.
  uint32_t trigger = kNoLogic;
  PatternOffset offset;
};
// Values are on disk: never renumber.
enum RegexOption : uint32_t {
  kRegexCaseless = 1U << 0,       // i
  kRegexDotAll = 1U << 1,         // s
  kRegexMultiline = 1U << 2,      // m
  kRegexExtended = 1U << 3,       // x
  kRegexAnchored = 1U << 4,       // A
  kRegexDollarEndOnly = 1U << 5,  // E
  kRegexUngreedy = 1U << 6,       // U
  kRegexGlobal = 1U << 7,         // g: every match counts
  kRegexRolling = 1U << 8,        // r: may start behind its offset
  kRegexEncompass = 1U << 9,      // e: within offset and shift, wholly
  kRegexWholeWord = 1U << 10,     // f
};

// Values are on disk: never renumber.
enum class Comparison : uint8_t {
  kNone = 0,
  kEqual = 1,
  kGreater = 2,
  kLess = 3,
};

enum class NumberForm : uint8_t {
  kHexText = 0,
  kDecimalText = 1,
  kAutoText = 2,  // Hexadecimal after 0x, else decimal.
  kRaw = 3,
};

// Values are on disk: never renumber.
enum class ByteOrderMark : uint8_t { kNone = 0, kLittle = 1, kBig = 2 };

// Compares a number that stands at a distance of another atom's match.
struct ByteCompareAtom {
  uint32_t reference = 0;  // The atom whose last match start is the base.
  int64_t distance = 0;
  NumberForm form = NumberForm::kRaw;
  ByteOrderMark order = ByteOrderMark::kNone;
  bool is_exact = false;  // All of `bytes` must be digits.
  uint32_t bytes = 0;
  struct Condition {
    Comparison comparison = Comparison::kNone;  // kNone: there is none.
    int64_t value = 0;
  };
  std::array<Condition, 2> conditions = {};  // All must hold.
};

// A pattern of the macro group, min to max bytes behind the atom before.
struct MacroAtom {
  uint32_t group = 0;
  uint32_t distance_min = 0;
  uint32_t distance_max = 0;
};

using Atom = std::variant<PatternAtom, RegexAtom, ByteCompareAtom, MacroAtom>;

// Values are on disk: never renumber.
enum class LogicKind : uint8_t { kAtom = 0, kAnd = 1, kOr = 2 };

// A node of the expression. Without a comparison it holds when its atom has a
// match, both or either of its children hold. With one, its count of matches
// (of a pair: the sum of its atoms' if the pair holds, else 0) is compared.
struct LogicNode {
  LogicKind kind = LogicKind::kAtom;
  Comparison comparison = Comparison::kNone;
  uint16_t left = 0;  // kAtom: the atom; else an earlier node.
  uint16_t right = 0;
  uint16_t reserved = 0;  // No byte of a record is left to chance.
  uint32_t count = 0;
  // So many different atoms must have matched; those of a pair within, if it
  // has a comparison of its own, do not count.
  uint32_t different = 0;

  friend bool operator==(const LogicNode&, const LogicNode&) = default;
};

// The last node is the root. Nodes of triggers may stand before it.
using Logic = std::vector<LogicNode>;

struct NumberRange {
  uint64_t min = 0;
  uint64_t max = std::numeric_limits<uint64_t>::max();

  [[nodiscard]] bool includes(uint64_t n) const { return min <= n && n <= max; }
  [[nodiscard]] bool is_everything() const {
    return min == 0 && max == std::numeric_limits<uint64_t>::max();
  }
  friend bool operator==(const NumberRange&, const NumberRange&) = default;
};

// What a container must be called when any one will do.
inline constexpr std::string_view kAnyContainer = "CL_TYPE_ANY";

struct Gates {
  NumberRange file_size;    // Bytes, of this layer.
  NumberRange entry_point;  // Offset in the file; of executables.
  NumberRange sections;
  bool has_entry_point = false;
  bool has_sections = false;
  // No normalised form of a text or an HTML file, which signatures of any
  // target are about, too, if they are ClamAV's.
  bool is_of_own_bytes = false;
  // Names of the types of the parents, outermost first; the last one is the
  // direct parent. Empty: any.
  std::vector<std::string> containers;

  friend bool operator==(const Gates&, const Gates&) = default;
};

struct Signature {
  std::string name;
  Target target = Target::kAny;
  Gates gates;
  std::vector<Atom> atoms;
  Logic logic;
};

// One atom without a condition: the simplest logic.
[[nodiscard]] inline Logic SingleAtomLogic() { return {LogicNode{}}; }

// The bytes of `literal`, in a file of any type. `literal` has two bytes or
// more.
[[nodiscard]] Signature LiteralSignature(std::string name, ByteView literal,
                                         const PatternOffset& offset = {});

}  // namespace gatehouse
