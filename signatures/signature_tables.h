// SignatureTables: all body signatures as flat tables, ready to be matched.
//
// One buffer holds everything: a head with the place of each table, then the
// tables, arrays of plain records that refer to each other by index. Compiling
// makes the buffer, the artefact on disk is the same buffer, and loading it is
// a look at every index in it. Nothing is copied.
//
// Thread-safe after construction: immutable. Owns the buffer.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "signatures/signature.h"

namespace gatehouse {

// Records are on disk, byte for byte: whoever changes one raises
// kTablesVersion.
inline constexpr uint32_t kTablesVersion = 7;

struct ByteRange {  // In the table `bytes`.
  uint32_t begin = 0;
  uint32_t size = 0;
};

struct SignatureRecord {
  ByteRange name;
  uint32_t atom_begin = 0;
  uint32_t logic_begin = 0;
  uint16_t atom_count = 0;
  uint16_t logic_count = 0;  // Nodes; the last one is the root.
  uint16_t gates = 0;
  uint8_t target = 0;
  // Bits of the groups of triggers of which each must have been seen.
  uint8_t groups = 0;
};

enum class AtomKind : uint8_t {
  kPattern = 0,
  kRegex = 1,
  kByteCompare = 2,
  kMacro = 3,
};

struct AtomRecord {
  // kPattern: per variant a u32 size and the program. kRegex: the expression.
  ByteRange code;
  uint32_t offset = 0;  // In offsets; 0 is anywhere.
  uint32_t detail = 0;  // In regexes, compares or macros.
  AtomKind kind = AtomKind::kPattern;
  uint8_t variant_count = 0;
  // Not zero: a trigger stands in every match of it, so that it has none where
  // no trigger was seen.
  uint8_t is_watched = 0;
  uint8_t reserved = 0;
};

struct OffsetRecord {
  int64_t delta = 0;
  uint64_t shift = 0;
  uint32_t section = 0;
  uint8_t base = 0;
  std::array<uint8_t, 3> reserved = {};
};

struct RegexRecord {
  uint32_t options = 0;
  uint32_t trigger = kNoLogic;
};

struct CompareRecord {
  int64_t distance = 0;
  std::array<int64_t, 2> values = {};
  std::array<uint8_t, 2> comparisons = {};
  uint8_t form = 0;
  uint8_t order = 0;
  uint8_t is_exact = 0;
  uint8_t reserved = 0;
  uint16_t reference = 0;
  uint32_t bytes = 0;
  uint32_t reserved2 = 0;
};

struct MacroRecord {
  uint32_t group = 0;
  uint32_t distance_min = 0;
  uint32_t distance_max = 0;
};

struct GatesRecord {
  NumberRange file_size;
  NumberRange entry_point;
  NumberRange sections;
  uint32_t containers_begin = 0;  // In containers.
  uint16_t containers_count = 0;
  uint8_t has_entry_point = 0;
  uint8_t has_sections = 0;
  uint8_t is_of_own_bytes = 0;
  uint8_t reserved[7] = {};
};

// A literal that is looked for, and whom it concerns.
struct TriggerRecord {
  uint32_t use_begin = 0;  // In trigger_uses.
  uint32_t use_count = 0;
  uint32_t view_begin = 0;  // In view_uses.
  uint32_t view_count = 0;
  uint32_t is_frequent = 0;  // Its places are not reported.
};

// Where in which signature the literal stands.
struct TriggerUse {
  uint32_t signature = 0;
  uint32_t distance_min = 0;  // From the part's start to the literal's.
  uint32_t distance_max = 0;
  uint16_t length = 0;
  uint16_t part = 0;
  uint8_t atom = 0;  // Of the signature.
  uint8_t variant = 0;
  uint8_t group = 0;  // One bit.
  // Not zero: others may stand there instead, so that its places are not all.
  uint8_t is_spelled = 0;
};

// What the literal tells about the normalised form of a text, when it was seen
// in the text's own bytes.
struct ViewUse {
  uint32_t signature = 0;
  // In bytes: the literal with what stands around it in the form. Empty: that
  // is not known.
  ByteRange around;
  uint16_t begin = 0;  // Of the literal, within.
  uint16_t length = 0;
  uint8_t group = 0;   // One bit.
  uint8_t groups = 0;  // The form has to be made when all these were seen.
  // Not zero: the neighbour stands before the literal, else behind it.
  uint8_t is_before = 0;
  uint8_t reserved = 0;
  // In bytes: what else stands near the literal in the form, with so many bytes
  // between. Empty: nothing that says much.
  ByteRange neighbour;
  uint16_t gap_min = 0;
  uint16_t gap_max = 0;
};
// Farther ones would be there by chance, and longer ones say no more.
inline constexpr size_t kNeighbourGapMax = 128;
inline constexpr size_t kNeighbourBytesMax = 8;

// A pattern that is looked at where it must be. Those of a shard are in order
// (IsAnchorBefore): one look at the bytes finds which of them may be there.
struct AnchorUse {
  uint32_t signature = 0;
  uint32_t offset = 0;    // In offsets; one place.
  uint32_t distance = 0;  // From there to some given bytes of the pattern.
  // Of those, a little-endian word: a quick look before the real one.
  uint32_t value = 0;
  uint32_t mask = 0;
  uint8_t atom = 0;
  uint8_t group = 0;   // One bit.
  uint8_t groups = 0;  // Of a view anchor: as a ViewUse has them.
  uint8_t reserved = 0;
};

[[nodiscard]] bool IsAnchorBefore(const AnchorUse& a, const AnchorUse& b);

// What a file of some target meets: the signatures of that target and of any.
struct ShardRecord {
  uint32_t trigger_begin = 0;
  uint32_t trigger_count = 0;
  uint32_t anchor_begin = 0;
  uint32_t anchor_count = 0;
  uint32_t always_begin = 0;  // Signatures that are evaluated in any case.
  uint32_t always_count = 0;
  uint32_t literal_bytes_max = 0;  // Of its triggers.
  // Of the shard for the own bytes of texts: the normalised form has to be made
  // in any case.
  uint32_t always_view = 0;
};

// In targets, besides those of the targets: the shards for the own bytes of
// texts and of HTML files.
inline constexpr size_t kTextBytesIndex = kTargetCount;
inline constexpr size_t kHtmlBytesIndex = kTargetCount + 1;
inline constexpr size_t kTargetShards = kTargetCount + 2;

struct SignatureTables {
  std::span<const SignatureRecord> signatures;  // In order of name.
  std::span<const AtomRecord> atoms;
  std::span<const LogicNode> logic;
  std::span<const OffsetRecord> offsets;
  std::span<const RegexRecord> regexes;
  std::span<const CompareRecord> compares;
  std::span<const MacroRecord> macros;
  std::span<const GatesRecord> gates;
  std::span<const ByteRange> containers;
  std::span<const TriggerRecord> triggers;
  std::span<const TriggerUse> trigger_uses;
  std::span<const ViewUse> view_uses;
  std::span<const AnchorUse> anchors;
  // Patterns that a text's normalised form must begin with, or have so many
  // bytes behind its beginning; of the shard for the own bytes of texts, and in
  // the same order.
  std::span<const AnchorUse> view_anchors;
  std::span<const uint32_t> always;
  std::span<const ShardRecord> shards;
  // By target: its shard; then those for own bytes.
  std::span<const uint32_t> targets;
  // Patterns of macros, by group: their signatures never count alone.
  std::span<const uint32_t> macro_signatures;
  std::span<const uint8_t> bytes;

  [[nodiscard]] std::string_view Text(ByteRange range) const {
    return AsText(bytes.subspan(range.begin, range.size));
  }
  [[nodiscard]] std::span<const AtomRecord> AtomsOf(
      const SignatureRecord& signature) const {
    return atoms.subspan(signature.atom_begin, signature.atom_count);
  }
  [[nodiscard]] std::span<const LogicNode> LogicOf(
      const SignatureRecord& signature) const {
    return logic.subspan(signature.logic_begin, signature.logic_count);
  }
  // The program of one variant of a kPattern atom; empty if there is none.
  [[nodiscard]] ByteView ProgramOf(const AtomRecord& atom,
                                   size_t variant) const;
};

// What the compiler fills, table by table.
struct TableVectors {
  std::vector<SignatureRecord> signatures;
  std::vector<AtomRecord> atoms;
  std::vector<LogicNode> logic;
  std::vector<OffsetRecord> offsets;
  std::vector<RegexRecord> regexes;
  std::vector<CompareRecord> compares;
  std::vector<MacroRecord> macros;
  std::vector<GatesRecord> gates;
  std::vector<ByteRange> containers;
  std::vector<TriggerRecord> triggers;
  std::vector<TriggerUse> trigger_uses;
  std::vector<ViewUse> view_uses;
  std::vector<AnchorUse> anchors;
  std::vector<AnchorUse> view_anchors;
  std::vector<uint32_t> always;
  std::vector<ShardRecord> shards;
  std::vector<uint32_t> targets;
  std::vector<uint32_t> macro_signatures;
  std::vector<uint8_t> bytes;
};

// The buffer of all tables; aligned for every record.
[[nodiscard]] std::vector<uint64_t> PackTables(const TableVectors& tables);

// Views into `buffer`, which must outlive them, after a look at every index,
// length and program. Errors: kInvalidInput, with the table that is wrong.
Result<SignatureTables> OpenTables(std::span<const uint64_t> buffer);

}  // namespace gatehouse
