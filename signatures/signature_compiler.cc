#include "signatures/signature_compiler.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "signatures/byte_pattern.h"
#include "signatures/gram_rates.h"
#include "signatures/trigger_choice.h"

namespace gatehouse {
namespace {

constexpr size_t kTableMax = std::numeric_limits<uint32_t>::max();

uint32_t Index(size_t index) { return static_cast<uint32_t>(index); }

void AppendSize(size_t size, std::vector<uint8_t>& bytes) {
  for (size_t i = 0; i < sizeof(uint32_t); ++i) {
    bytes.push_back(static_cast<uint8_t>(size >> (8 * i)));
  }
}

// Writes signatures into tables; equal offsets, gates and logic share a place.
class TableWriter {
 public:
  TableWriter() {
    tables_.offsets.emplace_back();  // 0: anywhere.
    tables_.gates.emplace_back();    // 0: none.
  }

  bool Add(const Signature& signature);
  TableVectors& tables() { return tables_; }

 private:
  ByteRange AddBytes(std::string_view text);
  ByteRange AddCode(const std::vector<uint8_t>& code);
  AtomRecord AtomOf(const Atom& atom);
  AtomRecord PatternOf(const PatternAtom& pattern);
  AtomRecord RegexOf(const RegexAtom& regex);
  AtomRecord CompareOf(const ByteCompareAtom& compare);
  uint32_t OffsetIndex(const PatternOffset& offset);
  uint16_t GatesIndex(const Gates& gates);
  uint32_t LogicIndex(const Logic& logic);

  TableVectors tables_;
  std::map<std::tuple<OffsetBase, uint32_t, int64_t, uint64_t>, uint32_t>
      offsets_;
  std::vector<Gates> gates_ = {Gates()};
  std::unordered_multimap<size_t, ByteRange> codes_;  // By hash.
  std::map<std::vector<uint64_t>, uint32_t> logics_;
};

ByteRange TableWriter::AddBytes(std::string_view text) {
  const ByteRange range{Index(tables_.bytes.size()), Index(text.size())};
  tables_.bytes.insert(tables_.bytes.end(), text.begin(), text.end());
  return range;
}

// Many signatures share a pattern: it stands once, and is searched for once.
ByteRange TableWriter::AddCode(const std::vector<uint8_t>& code) {
  const size_t hash = std::hash<std::string_view>()(AsText(code));
  const auto [first, last] = codes_.equal_range(hash);
  for (auto known = first; known != last; ++known) {
    const ByteRange range = known->second;
    if (range.size == code.size() &&
        std::equal(code.begin(), code.end(),
                   tables_.bytes.begin() + range.begin)) {
      return range;
    }
  }
  const ByteRange range = AddBytes(AsText(code));
  codes_.emplace(hash, range);
  return range;
}

uint32_t TableWriter::OffsetIndex(const PatternOffset& offset) {
  if (offset == PatternOffset{}) return 0;
  const auto key =
      std::tuple(offset.base, offset.section, offset.delta, offset.shift);
  const auto [found, is_new] =
      offsets_.emplace(key, Index(tables_.offsets.size()));
  if (is_new) {
    OffsetRecord record;
    record.delta = offset.delta;
    record.shift = offset.shift;
    record.section = offset.section;
    record.base = static_cast<uint8_t>(offset.base);
    tables_.offsets.push_back(record);
  }
  return found->second;
}

uint16_t TableWriter::GatesIndex(const Gates& gates) {
  const auto found = std::find(gates_.begin(), gates_.end(), gates);
  if (found != gates_.end()) {
    return static_cast<uint16_t>(found - gates_.begin());
  }
  GatesRecord record;
  record.file_size = gates.file_size;
  record.entry_point = gates.entry_point;
  record.sections = gates.sections;
  record.has_entry_point = gates.has_entry_point ? 1 : 0;
  record.has_sections = gates.has_sections ? 1 : 0;
  record.containers_begin = Index(tables_.containers.size());
  record.containers_count = static_cast<uint16_t>(gates.containers.size());
  for (const std::string& container : gates.containers) {
    tables_.containers.push_back(AddBytes(container));
  }
  tables_.gates.push_back(record);
  gates_.push_back(gates);
  return static_cast<uint16_t>(gates_.size() - 1);
}

uint32_t TableWriter::LogicIndex(const Logic& logic) {
  std::vector<uint64_t> key;
  for (const LogicNode& node : logic) {
    key.push_back(uint64_t{node.left} << 32 | uint64_t{node.right} << 16 |
                  uint64_t{static_cast<uint8_t>(node.kind)} << 8 |
                  static_cast<uint8_t>(node.comparison));
    key.push_back(uint64_t{node.count} << 32 | node.different);
  }
  const auto [found, is_new] =
      logics_.emplace(std::move(key), Index(tables_.logic.size()));
  if (is_new) {
    tables_.logic.insert(tables_.logic.end(), logic.begin(), logic.end());
  }
  return found->second;
}

AtomRecord TableWriter::PatternOf(const PatternAtom& pattern) {
  AtomRecord record;
  record.kind = AtomKind::kPattern;
  record.variant_count = static_cast<uint8_t>(pattern.variants.size());
  record.offset = OffsetIndex(pattern.offset);
  std::vector<uint8_t> code;
  for (const std::vector<uint8_t>& program : pattern.variants) {
    AppendSize(program.size(), code);
    code.insert(code.end(), program.begin(), program.end());
  }
  record.code = AddCode(code);
  return record;
}

AtomRecord TableWriter::RegexOf(const RegexAtom& regex) {
  AtomRecord record;
  record.kind = AtomKind::kRegex;
  record.offset = OffsetIndex(regex.offset);
  record.code = AddBytes(regex.expression);
  record.detail = Index(tables_.regexes.size());
  tables_.regexes.push_back({regex.options, regex.trigger});
  return record;
}

AtomRecord TableWriter::CompareOf(const ByteCompareAtom& compare) {
  AtomRecord record;
  record.kind = AtomKind::kByteCompare;
  record.detail = Index(tables_.compares.size());
  CompareRecord detail;
  detail.distance = compare.distance;
  for (size_t i = 0; i < compare.conditions.size(); ++i) {
    detail.values.at(i) = compare.conditions.at(i).value;
    detail.comparisons.at(i) =
        static_cast<uint8_t>(compare.conditions.at(i).comparison);
  }
  detail.form = static_cast<uint8_t>(compare.form);
  detail.order = static_cast<uint8_t>(compare.order);
  detail.is_exact = compare.is_exact ? 1 : 0;
  detail.reference = static_cast<uint16_t>(compare.reference);
  detail.bytes = compare.bytes;
  tables_.compares.push_back(detail);
  return record;
}

AtomRecord TableWriter::AtomOf(const Atom& atom) {
  if (const auto* pattern = std::get_if<PatternAtom>(&atom)) {
    return PatternOf(*pattern);
  }
  if (const auto* regex = std::get_if<RegexAtom>(&atom)) return RegexOf(*regex);
  if (const auto* compare = std::get_if<ByteCompareAtom>(&atom)) {
    return CompareOf(*compare);
  }
  const auto& macro = std::get<MacroAtom>(atom);
  AtomRecord record;
  record.kind = AtomKind::kMacro;
  record.detail = Index(tables_.macros.size());
  tables_.macros.push_back(
      {macro.group, macro.distance_min, macro.distance_max});
  return record;
}

// False: a table is full.
bool TableWriter::Add(const Signature& signature) {
  assert(!signature.logic.empty() && !signature.atoms.empty());
  SignatureRecord record;
  record.name = AddBytes(signature.name);
  record.target = static_cast<uint8_t>(signature.target);
  record.gates = GatesIndex(signature.gates);
  record.logic_begin = LogicIndex(signature.logic);
  record.logic_count = static_cast<uint16_t>(signature.logic.size());
  record.atom_begin = Index(tables_.atoms.size());
  record.atom_count = static_cast<uint16_t>(signature.atoms.size());
  for (const Atom& atom : signature.atoms) {
    tables_.atoms.push_back(AtomOf(atom));
  }
  tables_.signatures.push_back(record);
  return tables_.bytes.size() < kTableMax && gates_.size() < 65535;
}

// --- Shards -----------------------------------------------------------------

struct UseOf {
  TriggerText text;
  TriggerUse use;
};

class ShardWriter {
 public:
  ShardWriter(const std::vector<Signature>& signatures, size_t window,
              const LiteralRates& rates)
      : signatures_(signatures),
        window_(window),
        rates_(rates),
        choices_(signatures.size()) {}

  // What single signatures cost that cost much.
  std::vector<PricedSignature> Priced() const;
  // `ids` are its signatures, `view_ids` those of the normalised form of a text
  // whose own bytes are looked through.
  void Add(const std::vector<uint32_t>& ids,
           const std::vector<uint32_t>& view_ids,
           CompiledTables& compiled) const;

 private:
  bool AddViewUses(uint32_t id, std::vector<UseOf>& uses) const;
  AnchorUse AnchorOf(uint32_t id, uint16_t atom,
                     const TableVectors& tables) const;
  void AddUses(uint32_t id, const TriggerChoice& choice, uint8_t group,
               std::vector<UseOf>& uses) const;
  void AddSignature(uint32_t id, TableVectors& tables,
                    std::vector<UseOf>& uses) const;

  const std::vector<TriggerChoice>& ChoicesOf(uint32_t id) const;

  const std::vector<Signature>& signatures_;
  const size_t window_;
  const LiteralRates& rates_;
  // By signature, when asked for: those of any target are in every shard.
  mutable std::vector<std::vector<TriggerChoice>> choices_;
};

const std::vector<TriggerChoice>& ShardWriter::ChoicesOf(uint32_t id) const {
  std::vector<TriggerChoice>& choices = choices_[id];
  if (choices.empty()) {
    choices = ChooseTriggers(signatures_[id], window_, rates_);
  }
  return choices;
}

std::vector<PricedSignature> ShardWriter::Priced() const {
  std::vector<PricedSignature> priced;
  for (uint32_t id = 0; id < signatures_.size(); ++id) {
    if (choices_[id].empty()) continue;  // Of a macro.
    auto price = PriceOf(signatures_[id], choices_[id], rates_);
    if (!price) continue;
    price->signature = id;
    priced.push_back(std::move(*price));
  }
  return priced;
}

bool IsMacroPattern(const Signature& signature) {
  const auto* pattern = std::get_if<PatternAtom>(&signature.atoms.front());
  return pattern != nullptr && pattern->offset.base == OffsetBase::kMacroGroup;
}

// The word that the first given bytes of the pattern's first part make.
void SetQuickLook(const PatternAtom& pattern, AnchorUse& anchor) {
  const auto parts = PartsOf(pattern.variants.front());
  if (pattern.variants.size() != 1 || !parts) return;
  for (const FixedRun& run : parts->front().runs) {
    if (run.distance_min != run.distance_max) continue;
    anchor.distance = run.distance_min;
    const size_t length = std::min(run.bytes.size(), sizeof(anchor.value));
    for (size_t i = 0; i < length; ++i) {
      const uint8_t byte = run.bytes[i];
      const bool is_letter = run.is_folded && byte >= 'a' && byte <= 'z';
      const uint32_t mask = is_letter ? 0xdfU : 0xffU;
      anchor.mask |= mask << (8 * i);
      anchor.value |= (byte & mask) << (8 * i);
    }
    return;
  }
}

AnchorUse ShardWriter::AnchorOf(uint32_t id, uint16_t atom,
                                const TableVectors& tables) const {
  AnchorUse anchor;
  anchor.signature = id;
  anchor.atom = static_cast<uint8_t>(atom);
  const size_t record = tables.signatures[id].atom_begin + atom;
  anchor.offset = tables.atoms[record].offset;
  SetQuickLook(std::get<PatternAtom>(signatures_[id].atoms[atom]), anchor);
  return anchor;
}

void ShardWriter::AddSignature(uint32_t id, TableVectors& tables,
                               std::vector<UseOf>& uses) const {
  uint8_t group = 1;
  uint8_t groups = 0;
  for (const TriggerChoice& choice : ChoicesOf(id)) {
    const size_t first_atom = tables.signatures[id].atom_begin;
    for (const TriggerLiteral& literal : choice.literals) {
      tables.atoms[first_atom + literal.atom].is_watched = 1;
    }
    if (choice.is_only_told) {
      AddUses(id, choice, 0, uses);
      continue;
    }
    if (choice.is_always) tables.always.push_back(id);
    for (const uint16_t atom : choice.anchored_atoms) {
      tables.anchors.push_back(AnchorOf(id, atom, tables));
      tables.anchors.back().group = group;
    }
    AddUses(id, choice, group, uses);
    groups = static_cast<uint8_t>(groups | group);
    group = static_cast<uint8_t>(group << 1);
  }
  tables.signatures[id].groups = groups;
}

void ShardWriter::AddUses(uint32_t id, const TriggerChoice& choice,
                          uint8_t group, std::vector<UseOf>& uses) const {
  for (const TriggerLiteral& literal : choice.literals) {
    UseOf one;
    one.text.bytes.assign(literal.bytes.begin(), literal.bytes.end());
    one.text.is_folded = literal.is_folded;
    one.text.is_frequent =
        literal.bytes.size() < kTriggerBytesLong &&
        rates_.RateOf(literal.bytes, literal.is_folded) > kTriggerRateFrequent;
    one.text.has_common_gram = GramRateOf(literal.bytes, rates_) > kGramRateMax;
    one.text.rarest_pair = RarestPairOf(literal.bytes, rates_);
    one.use.signature = id;
    one.use.distance_min = literal.distance_min;
    one.use.distance_max = literal.distance_max;
    one.use.length = static_cast<uint16_t>(literal.bytes.size());
    one.use.atom = static_cast<uint8_t>(literal.atom);
    one.use.part = literal.part;
    one.use.variant = static_cast<uint8_t>(literal.variant);
    one.use.group = group;
    uses.push_back(std::move(one));
  }
}

// False: no literal tells that the signature cannot match.
bool ShardWriter::AddViewUses(uint32_t id, std::vector<UseOf>& uses) const {
  const std::vector<TriggerChoice> choices = ChooseTriggers(
      signatures_[id], window_, rates_, LookedThrough::kTextOfView);
  if (choices.front().is_never) return true;
  if (choices.front().is_always) return false;
  const auto asked = std::count_if(
      choices.begin(), choices.end(),
      [](const TriggerChoice& choice) { return !choice.is_only_told; });
  const auto all = static_cast<uint8_t>((1U << asked) - 1);
  uint8_t group = 1;
  for (const TriggerChoice& choice : choices) {
    if (choice.is_only_told) continue;
    const size_t first = uses.size();
    AddUses(id, choice, group, uses);
    for (size_t i = first; i < uses.size(); ++i) {
      uses[i].use.view_groups = all;
      uses[i].text.is_frequent = true;  // Its places are others in the view.
    }
    group = static_cast<uint8_t>(group << 1);
  }
  return true;
}

void ShardWriter::Add(const std::vector<uint32_t>& ids,
                      const std::vector<uint32_t>& view_ids,
                      CompiledTables& compiled) const {
  TableVectors& tables = compiled.tables;
  ShardRecord shard;
  shard.trigger_begin = Index(tables.triggers.size());
  shard.anchor_begin = Index(tables.anchors.size());
  shard.always_begin = Index(tables.always.size());
  std::vector<UseOf> uses;
  for (const uint32_t id : ids) {
    AddSignature(id, tables, uses);
  }
  for (const uint32_t id : view_ids) {
    if (!AddViewUses(id, uses)) shard.always_view = 1;
  }
  std::stable_sort(tables.anchors.begin() + shard.anchor_begin,
                   tables.anchors.end(), IsAnchorBefore);
  std::stable_sort(
      uses.begin(), uses.end(),
      [](const UseOf& a, const UseOf& b) { return a.text < b.text; });
  std::vector<TriggerText>& texts = compiled.triggers.emplace_back();
  for (UseOf& one : uses) {
    if (texts.empty() || texts.back() != one.text) {
      tables.triggers.push_back({Index(tables.trigger_uses.size()), 0,
                                 one.text.is_frequent ? 1U : 0U});
      shard.literal_bytes_max =
          std::max(shard.literal_bytes_max, Index(one.text.bytes.size()));
      texts.push_back(std::move(one.text));
    }
    tables.trigger_uses.push_back(one.use);
    ++tables.triggers.back().use_count;
  }
  shard.trigger_count = Index(texts.size());
  shard.anchor_count = Index(tables.anchors.size()) - shard.anchor_begin;
  shard.always_count = Index(tables.always.size()) - shard.always_begin;
  tables.shards.push_back(shard);
}

void AddShards(const std::vector<Signature>& signatures, size_t window,
               const LiteralRates& rates, CompiledTables& compiled) {
  std::array<std::vector<uint32_t>, kTargetCount> by_target;
  for (uint32_t id = 0; id < signatures.size(); ++id) {
    if (IsMacroPattern(signatures[id])) {
      compiled.tables.macro_signatures.push_back(id);
      // What must stand in a container is not looked for: layers have none yet,
      // and then want shards of their own, for these literals are common.
    } else if (signatures[id].gates.containers.empty()) {
      by_target.at(static_cast<size_t>(signatures[id].target)).push_back(id);
    }
  }
  const ShardWriter writer(signatures, window, rates);
  const std::vector<uint32_t>& generic = by_target.front();
  writer.Add(generic, {}, compiled);
  compiled.tables.targets.assign(kTargetCount + 1, 0);
  for (size_t target = 1; target < kTargetCount; ++target) {
    if (by_target.at(target).empty()) continue;
    std::vector<uint32_t> ids = by_target.at(target);
    ids.insert(ids.end(), generic.begin(), generic.end());
    compiled.tables.targets[target] = Index(compiled.tables.shards.size());
    writer.Add(ids, {}, compiled);
  }
  std::vector<uint32_t> views = generic;
  const std::vector<uint32_t>& texts =
      by_target.at(static_cast<size_t>(Target::kText));
  views.insert(views.end(), texts.begin(), texts.end());
  compiled.tables.targets[kTextBytesIndex] =
      Index(compiled.tables.shards.size());
  writer.Add(generic, views, compiled);
  compiled.priced = writer.Priced();
}

}  // namespace

Result<CompiledTables> CompileTables(std::vector<Signature> signatures,
                                     size_t window) {
  if (signatures.size() > kSignaturesMax) {
    return Fail(ErrorCode::kLimitExceeded, "compile: too many signatures");
  }
  std::stable_sort(
      signatures.begin(), signatures.end(),
      [](const Signature& a, const Signature& b) { return a.name < b.name; });
  const LiteralRates rates = LiteralRates::BuiltIn();
  TableWriter writer;
  for (Signature& signature : signatures) {
    SortLogic(signature, rates);
    if (!writer.Add(signature)) {
      return Fail(ErrorCode::kLimitExceeded, "compile: signatures too large");
    }
  }
  CompiledTables compiled;
  compiled.tables = std::move(writer.tables());
  AddShards(signatures, window, rates, compiled);
  return compiled;
}

}  // namespace gatehouse
