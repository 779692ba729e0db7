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
#include "signatures/table_writer.h"
#include "signatures/trigger_choice.h"

namespace gatehouse {
namespace {

// --- Shards -----------------------------------------------------------------

struct UseOf {
  TriggerText text;
  TriggerUse use;
  ViewUse view;
  bool is_of_view = false;  // Else of the layer.
};

// Of one text, those of one kind stand together, and those with the same bytes
// around it.
bool IsUseBefore(const UseOf& a, const UseOf& b) {
  const auto key = [](const UseOf& use) {
    return std::tie(use.text, use.is_of_view, use.view.around.begin,
                    use.view.begin, use.view.neighbour.begin, use.view.gap_min,
                    use.view.gap_max, use.view.is_before);
  };
  return key(a) < key(b);
}

class ShardWriter {
 public:
  ShardWriter(const std::vector<Signature>& signatures, size_t window,
              const LiteralRates& rates)
      : signatures_(signatures),
        window_(window),
        rates_(rates),
        choices_(signatures.size()),
        view_choices_(signatures.size()) {}

  // What single signatures cost that cost much.
  std::vector<PricedSignature> Priced() const;
  // `ids` are its signatures, `view_ids` those of the normalised form of a text
  // whose own bytes are looked through.
  void Add(const std::vector<uint32_t>& ids,
           const std::vector<uint32_t>& view_ids, TableWriter& writer,
           CompiledTables& compiled) const;

 private:
  TriggerText TextOf(const TriggerLiteral& literal) const;
  void AddViewUse(uint32_t id, const TriggerLiteral& literal, ViewUse view,
                  TableWriter& writer, std::vector<UseOf>& uses) const;
  bool AddViewUses(uint32_t id, TableWriter& writer,
                   std::vector<UseOf>& uses) const;
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
  // Those for the forms of texts.
  mutable std::vector<std::vector<TriggerChoice>> view_choices_;
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
    auto price =
        PriceOf(signatures_[id], choices_[id], view_choices_[id], rates_);
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

// The given bytes at a distance from the part's start, as a word.
void AddWordAt(const PatternPart& part, AnchorUse& anchor) {
  for (const FixedRun& run : part.runs) {
    if (run.distance_min != run.distance_max) continue;
    for (uint32_t i = 0; i < sizeof(anchor.value); ++i) {
      const size_t place = size_t{anchor.distance} + i;
      if (place < run.distance_min ||
          place - run.distance_min >= run.bytes.size()) {
        continue;
      }
      const uint8_t byte = run.bytes[place - run.distance_min];
      const bool is_letter = run.is_folded && byte >= 'a' && byte <= 'z';
      const uint32_t mask = is_letter ? 0xdfU : 0xffU;
      anchor.mask |= mask << (8 * i);
      anchor.value |= (byte & mask) << (8 * i);
    }
  }
}

// What all variants have in common where the first one has given bytes.
void SetQuickLook(const PatternAtom& pattern, AnchorUse& anchor) {
  for (size_t i = 0; i < pattern.variants.size(); ++i) {
    const auto parts = PartsOf(pattern.variants[i]);
    AnchorUse variant;
    variant.distance = anchor.distance;
    if (parts && i == 0) {
      const auto& runs = parts->front().runs;
      const auto given =
          std::find_if(runs.begin(), runs.end(), [](const FixedRun& run) {
            return run.distance_min == run.distance_max;
          });
      if (given != runs.end()) variant.distance = given->distance_min;
    }
    if (parts) AddWordAt(parts->front(), variant);
    if (i == 0) {
      anchor.distance = variant.distance;
      anchor.mask = variant.mask;
      anchor.value = variant.value;
    } else {
      anchor.mask &= variant.mask & ~(anchor.value ^ variant.value);
      anchor.value &= anchor.mask;
    }
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

TriggerText ShardWriter::TextOf(const TriggerLiteral& literal) const {
  TriggerText text;
  text.bytes = literal.bytes;
  text.is_folded = literal.is_folded;
  text.is_frequent =
      literal.bytes.size() < kTriggerBytesLong &&
      rates_.RateOf(literal.bytes, literal.is_folded) > kTriggerRateFrequent;
  text.has_common_gram = GramRateOf(literal.bytes, rates_) > kGramRateMax;
  return text;
}

void ShardWriter::AddUses(uint32_t id, const TriggerChoice& choice,
                          uint8_t group, std::vector<UseOf>& uses) const {
  for (const TriggerLiteral& literal : choice.literals) {
    UseOf one;
    one.text = TextOf(literal);
    one.use.signature = id;
    one.use.distance_min = literal.distance_min;
    one.use.distance_max = literal.distance_max;
    one.use.length = static_cast<uint16_t>(literal.bytes.size());
    one.use.atom = static_cast<uint8_t>(literal.atom);
    one.use.part = literal.part;
    one.use.variant = static_cast<uint8_t>(literal.variant);
    one.use.group = group;
    one.use.is_spelled = literal.is_spelled ? 1 : 0;
    uses.push_back(std::move(one));
  }
}

void ShardWriter::AddViewUse(uint32_t id, const TriggerLiteral& literal,
                             ViewUse view, TableWriter& writer,
                             std::vector<UseOf>& uses) const {
  UseOf one;
  one.text = TextOf(literal);
  one.is_of_view = true;
  one.view = view;
  one.view.signature = id;
  if (!literal.around.empty()) {
    one.view.around = writer.AddCode(literal.around);
    one.view.begin = static_cast<uint16_t>(literal.begin);
  }
  one.view.length = static_cast<uint16_t>(literal.bytes.size());
  const TriggerNeighbour& neighbour = literal.neighbour;
  if (!neighbour.bytes.empty()) {
    one.view.neighbour = writer.AddCode(neighbour.bytes);
    one.view.gap_min = static_cast<uint16_t>(neighbour.gap_min);
    one.view.gap_max = static_cast<uint16_t>(neighbour.gap_max);
    one.view.is_before = neighbour.is_before ? 1 : 0;
  }
  uses.push_back(std::move(one));
}

// False: nothing tells that the signature cannot match.
bool ShardWriter::AddViewUses(uint32_t id, TableWriter& writer,
                              std::vector<UseOf>& uses) const {
  const std::vector<TriggerChoice>& choices = view_choices_[id] =
      ChooseTriggers(signatures_[id], window_, rates_,
                     LookedThrough::kTextOfView);
  if (choices.front().is_never) return true;
  if (choices.front().is_always) return false;
  const auto asked = std::count_if(
      choices.begin(), choices.end(),
      [](const TriggerChoice& choice) { return !choice.is_only_told; });
  ViewUse view;
  view.groups = static_cast<uint8_t>((1U << asked) - 1);
  view.group = 1;
  for (const TriggerChoice& choice : choices) {
    if (choice.is_only_told) continue;
    for (const uint16_t atom : choice.anchored_atoms) {
      AnchorUse anchor = AnchorOf(id, atom, writer.tables());
      anchor.group = view.group;
      anchor.groups = view.groups;
      writer.tables().view_anchors.push_back(anchor);
    }
    for (const TriggerLiteral& literal : choice.literals) {
      AddViewUse(id, literal, view, writer, uses);
    }
    view.group = static_cast<uint8_t>(view.group << 1);
  }
  return true;
}

void ShardWriter::Add(const std::vector<uint32_t>& ids,
                      const std::vector<uint32_t>& view_ids,
                      TableWriter& writer, CompiledTables& compiled) const {
  TableVectors& tables = writer.tables();
  ShardRecord shard;
  shard.trigger_begin = TableIndex(tables.triggers.size());
  shard.anchor_begin = TableIndex(tables.anchors.size());
  shard.always_begin = TableIndex(tables.always.size());
  std::vector<UseOf> uses;
  for (const uint32_t id : ids) {
    AddSignature(id, tables, uses);
  }
  for (const uint32_t id : view_ids) {
    if (!AddViewUses(id, writer, uses)) shard.always_view = 1;
  }
  std::stable_sort(tables.anchors.begin() + shard.anchor_begin,
                   tables.anchors.end(), IsAnchorBefore);
  std::stable_sort(tables.view_anchors.begin(), tables.view_anchors.end(),
                   IsAnchorBefore);
  std::stable_sort(uses.begin(), uses.end(), IsUseBefore);
  std::vector<TriggerText>& texts = compiled.triggers.emplace_back().texts;
  for (UseOf& one : uses) {
    if (texts.empty() || texts.back() != one.text) {
      tables.triggers.push_back({TableIndex(tables.trigger_uses.size()), 0,
                                 TableIndex(tables.view_uses.size()), 0,
                                 one.text.is_frequent ? 1U : 0U});
      shard.literal_bytes_max =
          std::max(shard.literal_bytes_max, TableIndex(one.text.bytes.size()));
      texts.push_back(std::move(one.text));
    }
    if (one.is_of_view) {
      tables.view_uses.push_back(one.view);
      ++tables.triggers.back().view_count;
    } else {
      tables.trigger_uses.push_back(one.use);
      ++tables.triggers.back().use_count;
    }
  }
  shard.trigger_count = TableIndex(texts.size());
  shard.anchor_count = TableIndex(tables.anchors.size()) - shard.anchor_begin;
  shard.always_count = TableIndex(tables.always.size()) - shard.always_begin;
  tables.shards.push_back(shard);
}

void AddShards(const std::vector<Signature>& signatures, size_t window,
               const LiteralRates& rates, TableWriter& writer,
               CompiledTables& compiled) {
  TableVectors& tables = writer.tables();
  std::array<std::vector<uint32_t>, kTargetCount> by_target;
  std::vector<uint32_t> of_forms;  // Of any target, and of normalised forms.
  for (uint32_t id = 0; id < signatures.size(); ++id) {
    if (IsMacroPattern(signatures[id])) {
      tables.macro_signatures.push_back(id);
      // What must stand in a container is not looked for: layers have none yet,
      // and then want shards of their own, for these literals are common.
    } else if (signatures[id].gates.containers.empty()) {
      const Target target = signatures[id].target;
      by_target.at(static_cast<size_t>(target)).push_back(id);
      if (target == Target::kAny && !signatures[id].gates.is_of_own_bytes) {
        of_forms.push_back(id);
      }
    }
  }
  const ShardWriter shards(signatures, window, rates);
  const std::vector<uint32_t>& generic = by_target.front();
  shards.Add(generic, {}, writer, compiled);
  tables.targets.assign(kTargetShards, 0);
  for (size_t target = 1; target < kTargetCount; ++target) {
    if (by_target.at(target).empty()) continue;
    std::vector<uint32_t> ids = by_target.at(target);
    const auto& others =
        IsOfForms(static_cast<Target>(target)) ? of_forms : generic;
    ids.insert(ids.end(), others.begin(), others.end());
    tables.targets[target] = TableIndex(tables.shards.size());
    shards.Add(ids, {}, writer, compiled);
  }
  for (const Target form : {Target::kText, Target::kHtml}) {
    uint32_t& shard = tables.targets[static_cast<size_t>(form)];
    if (shard != 0 || of_forms.size() == generic.size()) continue;
    shard = TableIndex(tables.shards.size());
    shards.Add(of_forms, {}, writer, compiled);
  }
  std::vector<uint32_t> views = of_forms;
  const std::vector<uint32_t>& texts =
      by_target.at(static_cast<size_t>(Target::kText));
  views.insert(views.end(), texts.begin(), texts.end());
  tables.targets[kTextBytesIndex] = TableIndex(tables.shards.size());
  shards.Add(generic, views, writer, compiled);
  tables.targets[kHtmlBytesIndex] = TableIndex(tables.shards.size());
  shards.Add(generic, {}, writer, compiled);
  // Of HTML there may be nothing but what is of any target.
  uint32_t& html = tables.targets[static_cast<size_t>(Target::kHtml)];
  if (html == 0) html = tables.targets[kHtmlBytesIndex];
  for (const uint32_t shard : {html, tables.targets[kHtmlBytesIndex]}) {
    compiled.triggers[shard].looked_in = LookedIn::kHtml;
  }
  const uint32_t text = tables.targets[static_cast<size_t>(Target::kText)];
  if (text != 0) compiled.triggers[text].looked_in = LookedIn::kTexts;
  compiled.triggers[tables.targets[kTextBytesIndex]].looked_in =
      LookedIn::kTexts;
  compiled.priced = shards.Priced();
}

}  // namespace

Result<CompiledTables> CompileTables(std::vector<Signature> signatures,
                                     size_t window, const LiteralRates& rates) {
  if (signatures.size() > kSignaturesMax) {
    return Fail(ErrorCode::kLimitExceeded, "compile: too many signatures");
  }
  std::stable_sort(
      signatures.begin(), signatures.end(),
      [](const Signature& a, const Signature& b) { return a.name < b.name; });
  TableWriter writer;
  for (Signature& signature : signatures) {
    SortLogic(signature, rates);
    if (!writer.Add(signature)) {
      return Fail(ErrorCode::kLimitExceeded, "compile: signatures too large");
    }
  }
  CompiledTables compiled;
  AddShards(signatures, window, rates, writer, compiled);
  if (writer.is_full()) {
    return Fail(ErrorCode::kLimitExceeded, "compile: signatures too large");
  }
  compiled.tables = std::move(writer.tables());
  return compiled;
}

}  // namespace gatehouse
