#include "signatures/signature_tables.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>

#include "signatures/byte_pattern.h"
#include "signatures/clamav/hex_pattern.h"
#include "signatures/clamav/logic_text.h"
#include "signatures/clamav/offset_field.h"
#include "signatures/table_buffer.h"

namespace gatehouse {
namespace {

constexpr auto kVisitTables = [](auto& tables, const auto& visit) {
  visit(tables.signatures);
  visit(tables.atoms);
  visit(tables.logic);
  visit(tables.offsets);
  visit(tables.regexes);
  visit(tables.compares);
  visit(tables.macros);
  visit(tables.gates);
  visit(tables.containers);
  visit(tables.triggers);
  visit(tables.trigger_uses);
  visit(tables.view_uses);
  visit(tables.anchors);
  visit(tables.view_anchors);
  visit(tables.always);
  visit(tables.shards);
  visit(tables.targets);
  visit(tables.macro_signatures);
  visit(tables.bytes);
};

// Looks at everything that one record says about another.
bool IsDistance(int64_t distance) {
  constexpr auto kMax = static_cast<int64_t>(kOffsetMax);
  return -kMax <= distance && distance <= kMax;
}
constexpr uint32_t kCompareBytesMax = 64;

class Inspector {
 public:
  explicit Inspector(const SignatureTables& tables) : tables_(tables) {}

  // The name of the first table that is wrong, or nothing.
  const char* FirstWrong();

 private:
  bool IsRange(ByteRange range) const {
    return range.begin <= tables_.bytes.size() &&
           range.size <= tables_.bytes.size() - range.begin;
  }
  template <class Table>
  static bool IsSlice(const Table& table, uint64_t begin, uint64_t count) {
    return begin <= table.size() && count <= table.size() - begin;
  }
  bool IsSignature(const SignatureRecord& record);
  bool AreTriggersEarlier(const SignatureRecord& record);
  bool IsLogic(const SignatureRecord& record);
  bool IsAtom(const AtomRecord& atom, size_t index,
              const SignatureRecord& signature) const;
  bool IsPattern(const AtomRecord& atom) const;
  bool IsTriggerUse(const TriggerUse& use) const;
  bool IsViewUse(const ViewUse& use) const;
  bool IsShard(const ShardRecord& shard) const;

  template <class Table, class Test>
  static bool All(const Table& table, Test test) {
    return std::all_of(table.begin(), table.end(), test);
  }

  const SignatureTables& tables_;
  std::vector<bool> has_parent_;     // By node.
  std::vector<size_t> atoms_until_;  // By node: its largest atom, plus one.
};

bool Inspector::IsPattern(const AtomRecord& atom) const {
  if (atom.variant_count == 0) return false;
  for (size_t i = 0; i < atom.variant_count; ++i) {
    if (!HasParts(tables_.ProgramOf(atom, i), kPartBytesMax)) return false;
  }
  return true;
}

bool Inspector::IsAtom(const AtomRecord& atom, size_t index,
                       const SignatureRecord& signature) const {
  if (!IsRange(atom.code) || atom.offset >= tables_.offsets.size()) {
    return false;
  }
  switch (atom.kind) {
    case AtomKind::kPattern:
      return IsPattern(atom);
    case AtomKind::kRegex:
      return atom.detail < tables_.regexes.size() &&
             tables_.regexes[atom.detail].trigger < signature.logic_count;
    case AtomKind::kByteCompare:
      return atom.detail < tables_.compares.size() &&
             tables_.compares[atom.detail].reference < index;
    case AtomKind::kMacro:
      return index != 0 && atom.detail < tables_.macros.size();
  }
  return false;
}

// A tree: else its evaluation could take for ever.
bool Inspector::IsLogic(const SignatureRecord& record) {
  if (record.logic_count == 0 || record.logic_count > kLogicNodesMax ||
      !IsSlice(tables_.logic, record.logic_begin, record.logic_count)) {
    return false;
  }
  const std::span<const LogicNode> nodes = tables_.LogicOf(record);
  has_parent_.assign(nodes.size(), false);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const LogicNode& node = nodes[i];
    const bool is_atom = node.kind == LogicKind::kAtom;
    const size_t limit = is_atom ? record.atom_count : i;
    if (node.kind > LogicKind::kOr || node.comparison > Comparison::kLess ||
        node.left >= limit || (!is_atom && node.right >= limit)) {
      return false;
    }
    if (is_atom) continue;
    if (node.left == node.right || has_parent_[node.left] ||
        has_parent_[node.right]) {
      return false;
    }
    has_parent_[node.left] = true;
    has_parent_[node.right] = true;
  }
  return true;
}

// Else a trigger could ask for its own expression, for ever.
bool Inspector::AreTriggersEarlier(const SignatureRecord& record) {
  const std::span<const AtomRecord> atoms = tables_.AtomsOf(record);
  const auto is_regex = [](const AtomRecord& atom) {
    return atom.kind == AtomKind::kRegex;
  };
  if (std::none_of(atoms.begin(), atoms.end(), is_regex)) return true;
  atoms_until_.clear();
  for (const LogicNode& node : tables_.LogicOf(record)) {
    atoms_until_.push_back(
        node.kind == LogicKind::kAtom
            ? size_t{node.left} + 1
            : std::max(atoms_until_[node.left], atoms_until_[node.right]));
  }
  for (size_t i = 0; i < atoms.size(); ++i) {
    if (is_regex(atoms[i]) &&
        atoms_until_[tables_.regexes[atoms[i].detail].trigger] > i) {
      return false;
    }
  }
  return true;
}

bool Inspector::IsSignature(const SignatureRecord& record) {
  if (!IsRange(record.name) || record.gates >= tables_.gates.size() ||
      record.target >= kTargetCount || record.atom_count > kAtomsMax ||
      !IsLogic(record) ||
      !IsSlice(tables_.atoms, record.atom_begin, record.atom_count)) {
    return false;
  }
  const std::span<const AtomRecord> atoms = tables_.AtomsOf(record);
  for (size_t i = 0; i < atoms.size(); ++i) {
    if (!IsAtom(atoms[i], i, record)) return false;
  }
  return AreTriggersEarlier(record);
}

bool Inspector::IsTriggerUse(const TriggerUse& use) const {
  if (use.signature >= tables_.signatures.size()) return false;
  const SignatureRecord& signature = tables_.signatures[use.signature];
  if (use.atom >= signature.atom_count || use.atom >= 64) return false;
  const AtomRecord& atom = tables_.AtomsOf(signature)[use.atom];
  return atom.kind == AtomKind::kPattern && use.variant < atom.variant_count &&
         use.distance_min <= use.distance_max &&
         use.distance_max <= kPartBytesMax;
}

bool Inspector::IsViewUse(const ViewUse& use) const {
  return use.signature < tables_.signatures.size() && IsRange(use.around) &&
         (use.around.size == 0 ||
          size_t{use.begin} + use.length <= use.around.size) &&
         IsRange(use.neighbour) && use.neighbour.size <= kNeighbourBytesMax &&
         use.gap_min <= use.gap_max && use.gap_max <= kNeighbourGapMax;
}

bool Inspector::IsShard(const ShardRecord& shard) const {
  if (!IsSlice(tables_.triggers, shard.trigger_begin, shard.trigger_count) ||
      !IsSlice(tables_.anchors, shard.anchor_begin, shard.anchor_count) ||
      !IsSlice(tables_.always, shard.always_begin, shard.always_count)) {
    return false;
  }
  const auto anchors =
      tables_.anchors.subspan(shard.anchor_begin, shard.anchor_count);
  return std::is_sorted(anchors.begin(), anchors.end(), IsAnchorBefore);
}

const char* Inspector::FirstWrong() {
  const auto& t = tables_;
  const auto is_known = [&t](uint32_t id) { return id < t.signatures.size(); };
  if (!All(t.signatures, [this](const auto& r) { return IsSignature(r); })) {
    return "signatures";
  }
  if (!All(t.containers, [this](ByteRange r) { return IsRange(r); })) {
    return "containers";
  }
  if (t.gates.empty() || !All(t.gates, [&t](const GatesRecord& r) {
        return IsSlice(t.containers, r.containers_begin, r.containers_count);
      })) {
    return "gates";
  }
  if (t.offsets.empty() || !All(t.offsets, [](const OffsetRecord& r) {
        return r.base <= static_cast<uint8_t>(OffsetBase::kMacroGroup) &&
               IsDistance(r.delta) && r.shift <= kOffsetMax;
      })) {
    return "offsets";
  }
  if (!All(t.compares, [](const CompareRecord& r) {
        return IsDistance(r.distance) && r.bytes <= kCompareBytesMax;
      })) {
    return "compares";
  }
  if (!All(t.triggers, [&t](const TriggerRecord& r) {
        return IsSlice(t.trigger_uses, r.use_begin, r.use_count) &&
               IsSlice(t.view_uses, r.view_begin, r.view_count);
      })) {
    return "triggers";
  }
  if (!All(t.trigger_uses, [this](const auto& r) { return IsTriggerUse(r); })) {
    return "trigger uses";
  }
  if (!All(t.view_uses, [this](const auto& r) { return IsViewUse(r); })) {
    return "view uses";
  }
  const auto is_anchor = [&t, is_known](const AnchorUse& r) {
    return is_known(r.signature) && r.offset < t.offsets.size() &&
           r.atom < t.signatures[r.signature].atom_count;
  };
  if (!All(t.anchors, is_anchor)) return "anchors";
  // Where they look is counted from the beginning.
  const auto is_at_start = [&t](const AnchorUse& r) {
    const OffsetRecord& offset = t.offsets[r.offset];
    return offset.base == static_cast<uint8_t>(OffsetBase::kStart) &&
           offset.delta >= 0;
  };
  if (!All(t.view_anchors, is_anchor) || !All(t.view_anchors, is_at_start) ||
      !std::is_sorted(t.view_anchors.begin(), t.view_anchors.end(),
                      IsAnchorBefore)) {
    return "view anchors";
  }
  if (!All(t.always, is_known)) return "always";
  if (!All(t.macro_signatures, [&t, is_known](uint32_t id) {
        return is_known(id) && t.signatures[id].atom_count != 0;
      })) {
    return "macro signatures";
  }
  if (!All(t.shards, [this](const auto& r) { return IsShard(r); })) {
    return "shards";
  }
  if (t.targets.size() != kTargetShards ||
      !All(t.targets, [&t](uint32_t s) { return s < t.shards.size(); })) {
    return "targets";
  }
  return nullptr;
}

}  // namespace

bool IsAnchorBefore(const AnchorUse& a, const AnchorUse& b) {
  return std::tie(a.offset, a.distance, a.mask, a.value) <
         std::tie(b.offset, b.distance, b.mask, b.value);
}

ByteView SignatureTables::ProgramOf(const AtomRecord& atom,
                                    size_t variant) const {
  ByteView rest = bytes.subspan(atom.code.begin, atom.code.size);
  for (size_t i = 0;; ++i) {
    uint32_t size = 0;
    if (rest.size() < sizeof(size)) return {};
    std::memcpy(&size, rest.data(), sizeof(size));
    rest = rest.subspan(sizeof(size));
    if (size > rest.size()) return {};
    if (i == variant) return rest.first(size);
    rest = rest.subspan(size);
  }
}

std::vector<uint64_t> PackTables(const TableVectors& tables) {
  return PackTableBuffer(kTablesVersion, tables, kVisitTables);
}

Result<SignatureTables> OpenTables(std::span<const uint64_t> buffer) {
  SignatureTables tables;
  const Result<bool> viewed = ViewTableBuffer(
      kTablesVersion, "signature tables", buffer, tables, kVisitTables);
  if (!viewed) return Unexpected(viewed.error());
  if (const char* const wrong = Inspector(tables).FirstWrong()) {
    return Fail(ErrorCode::kInvalidInput,
                std::string("signature tables: wrong table of ") + wrong);
  }
  return tables;
}

}  // namespace gatehouse
