#include "engine/matching/view_prospect.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "engine/format/normalised_text.h"
#include "engine/matching/normalised_reader.h"
#include "engine/matching/regex_literal.h"

namespace gatehouse {
namespace {

// Of a text's beginning.
constexpr size_t kHeadBytes = 1024;
constexpr uint64_t kHeadPlacesMax = 64;
// Of what it begins with, for a first look.
constexpr size_t kBeginningBytes = 8;
constexpr size_t kBeginningOwnBytes = 64;
// So many bytes of a text per closer look: more may match.
constexpr size_t kBytesPerLook = 512;
constexpr size_t kLooksMin = 8;
constexpr size_t kKnownMax = 4096;

// The normalised form has neither upper case nor these.
bool IsForeign(uint8_t byte, bool is_folded) {
  const TextByte kind = TextByteClass(byte);
  if (kind == TextByte::kSpace) return byte != ' ';
  return kind == TextByte::kDropped ||
         (kind == TextByte::kLowered && !is_folded);
}

// With the gaps between them; nothing if these are not limited.
std::optional<uint64_t> LengthMaxOf(const std::vector<PatternPart>& parts) {
  uint64_t length = 0;
  for (const PatternPart& part : parts) {
    if (part.gap_max == kUnlimitedGap) return std::nullopt;
    length += uint64_t{part.length_max} + part.gap_max;
  }
  return length;
}

// In about half bits: a guess, good enough to ask for the rarer words first.
unsigned RarityOf(ByteView word, size_t spaces_beside) {
  enum class Kind : uint8_t { kNone, kLetter, kDigit, kMark };
  constexpr std::string_view kRareLetters = "jqxz";
  constexpr std::string_view kUsualMarks = ".,()\"'=-_/;:";
  Kind before = Kind::kNone;
  unsigned rarity = static_cast<unsigned>(2 * spaces_beside);
  for (const char c : AsText(word)) {
    Kind kind = Kind::kMark;
    unsigned bits = kUsualMarks.find(c) != std::string_view::npos ? 12 : 16;
    if (c >= '0' && c <= '9') {
      kind = Kind::kDigit;
      bits = 12;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      kind = Kind::kLetter;
      bits = kRareLetters.find(c) != std::string_view::npos ? 14 : 8;
    }
    // What goes on is half expected.
    rarity += kind == before ? bits / 2 : bits;
    before = kind;
  }
  return rarity;
}

PatternPart PartOf(ByteView word) {
  PatternPart part;
  if (!word.empty()) part.runs.push_back({word, true, 0, 0});
  return part;
}

}  // namespace

ViewProspect::Look::Look(const PatternPart& what)
    : part(what), in_seams(PatternPart()), in_text(PatternPart()) {
  size_t sides = 0;  // Where white space is beside the word.
  for (const FixedRun& one : part.runs) {
    const size_t last = one.bytes.size();
    size_t first = 0;
    for (size_t i = 0; i <= last; ++i) {
      if (i < last && IsForeign(one.bytes[i], one.is_folded)) is_foreign = true;
      if (i < last && one.bytes[i] != ' ') continue;
      // White space that is not single.
      if (i < last && i != 0 && one.bytes[i - 1] == ' ') is_foreign = true;
      const size_t count = (first != 0 ? 1U : 0U) + (i != last ? 1U : 0U);
      if (std::pair(i - first, count) > std::pair(size, sides)) {
        run = one;
        begin = first;
        size = i - first;
        sides = count;
      }
      first = i + 1;
    }
  }
  behind = size == 0 ? ByteSet().set() : BytesBehind(part, run);
  if (size == 0) return;
  size = std::min(size, kProspectWordBytesMax);
  rarity = RarityOf(run.bytes.subspan(begin, size), sides);
  in_front = begin != 0 ? 1 : 0;
  const size_t last = std::min(begin + size + 1, run.bytes.size());
  in_seams = ProbeSearch(PartOf(run.bytes.subspan(begin, size)));
  in_text = ProbeSearch(
      PartOf(run.bytes.subspan(begin - in_front, last - begin + in_front)),
      ProbeSearch::Space::kWhiteOrDropped);
}

ViewProspect::ViewProspect(const SignatureTables& tables) : tables_(tables) {
  const std::span<const AnchorUse> anchors = tables_.view_anchors;
  size_t first = 0;
  for (size_t i = 1; i <= anchors.size(); ++i) {
    const AnchorUse& one = anchors[first];
    if (i < anchors.size() && anchors[i].offset == one.offset &&
        anchors[i].distance == one.distance && anchors[i].mask == one.mask) {
      continue;
    }
    const int64_t start = tables_.offsets[one.offset].delta;
    beginnings_.push_back({static_cast<uint64_t>(start) + one.distance,
                           one.mask, anchors.subspan(first, i - first)});
    first = i;
  }
}

const std::vector<const AnchorUse*>& ViewProspect::MayBeginWith(
    const OwnText& text) {
  may_begin_.clear();
  if (beginnings_.empty()) return may_begin_;
  const ByteView own = text.content.At(0, kBeginningOwnBytes);
  NormalisedReader<false> reader(own, 0);
  std::array<uint8_t, kBeginningBytes> form = {};
  size_t size = 0;
  for (; size < form.size(); ++size) {
    const std::optional<uint8_t> byte = reader.Next();
    if (!byte) break;
    form.at(size) = *byte;
  }
  const bool is_whole = size < form.size() && own.size() == text.content.size();
  for (const Beginning& one : beginnings_) {
    uint32_t word = 0;
    auto first = one.anchors.begin();
    auto last = one.anchors.end();
    if (one.place + sizeof(word) <= size) {
      std::memcpy(&word, form.data() + one.place, sizeof(word));
      std::tie(first, last) =
          std::equal_range(first, last, AnchorUse{.value = word & one.mask},
                           [](const AnchorUse& x, const AnchorUse& y) {
                             return x.value < y.value;
                           });
    } else if (is_whole && one.place >= size && one.mask != 0) {
      continue;  // The form ends before.
    }
    for (; first != last; ++first) may_begin_.push_back(&*first);
  }
  return may_begin_;
}

void ViewProspect::Begin(const OwnText& text) {
  ++text_;
  if (known_.size() > kKnownMax || needs_.size() > kKnownMax) {
    needs_.clear();
    known_.clear();
  }
  has_head_ = false;
  looks_left_ = kLooksMin + text.content.size() / kBytesPerLook;
}

// When it is asked for first.
void ViewProspect::ReadHead(const OwnText& text) {
  if (has_head_) return;
  has_head_ = true;
  const ByteView head = text.content.At(0, kHeadBytes);
  head_.clear();
  (void)NormaliseText(head, kHeadBytes, head_);
  is_head_whole_ = head.size() == text.content.size();
}

bool ViewProspect::MayMatch(const SignatureRecord& signature,
                            const OwnText& text) {
  const uint32_t root = signature.logic_count - uint32_t{1};
  return MayHold({signature, text, false}, root) &&
         HasNeeds({signature, text, true}) &&
         MayHold({signature, text, true}, root);
}

bool ViewProspect::MayHold(const Case& one, uint32_t number) {
  const LogicNode& node = tables_.LogicOf(one.signature)[number];
  if (HoldsWithoutMatch(node)) return true;
  uint64_t enough = 1;
  if (node.comparison == Comparison::kEqual) enough = node.count;
  if (node.comparison == Comparison::kGreater) {
    enough = uint64_t{node.count} + 1;
  }
  switch (node.kind) {
    case LogicKind::kAtom:
      return MayMatchAtom(one, node.left, enough);
    case LogicKind::kAnd:
      return MayHold(one, node.left) && MayHold(one, node.right);
    case LogicKind::kOr:
      return MayHold(one, node.left) || MayHold(one, node.right);
  }
  return true;
}

bool ViewProspect::MayMatchAtom(const Case& one, uint32_t atom,
                                uint64_t enough) {
  const AtomRecord& record = tables_.AtomsOf(one.signature)[atom];
  switch (record.kind) {
    case AtomKind::kPattern:
      return MayMatchPattern(one, record, enough);
    case AtomKind::kRegex:
      return MayTriggerHold(one, record) &&
             (!one.searches || MayMatchAnywhere(one, record, 1));
    case AtomKind::kByteCompare:
      return MayMatchAtom(one, tables_.compares[record.detail].reference, 1);
    case AtomKind::kMacro:
      return MayMatchAtom(one, atom - 1, 1);
  }
  return true;
}

bool ViewProspect::MayTriggerHold(const Case& one, const AtomRecord& regex) {
  Case trigger = one;
  trigger.is_trigger = true;
  return one.is_trigger ||
         MayHold(trigger, tables_.regexes[regex.detail].trigger);
}

ViewProspect::Known& ViewProspect::KnownOf(const AtomRecord& atom) {
  const auto [found, is_new] = known_.try_emplace(atom.code.begin);
  Known& known = found->second;
  if (!is_new) return known;
  if (atom.kind == AtomKind::kRegex) {
    AddRegex(atom, known);
  } else {
    for (size_t i = 0; i < atom.variant_count; ++i) {
      const auto parts = PartsOf(tables_.ProgramOf(atom, i));
      if (!parts) continue;
      Variant& variant = known.variants.emplace_back();
      variant.looks = std::vector<Look>(parts->begin(), parts->end());
      if (parts->size() == 1) continue;
      variant.parts = *parts;
      variant.length_max = LengthMaxOf(*parts);
    }
  }
  known.is_foreign = std::all_of(
      known.variants.begin(), known.variants.end(), [](const Variant& variant) {
        return std::any_of(variant.looks.begin(), variant.looks.end(),
                           [](const Look& look) { return look.is_foreign; });
      });
  return known;
}

// What each of its matches contains, as if these were its parts.
void ViewProspect::AddRegex(const AtomRecord& atom, Known& known) const {
  const uint32_t options = tables_.regexes[atom.detail].options;
  known.texts = LiteralSetsOfRegex(tables_.Text(atom.code), options);
  std::vector<Look>& parts = known.variants.emplace_back().looks;
  for (const RegexLiteralSet& set : known.texts) {
    std::vector<Look>& looks =
        set.size() == 1 ? parts : known.choices.emplace_back();
    for (const std::string& text : set) {
      PatternPart part;
      part.length_min = static_cast<uint32_t>(text.size());
      part.length_max = part.length_min;
      part.runs.push_back(
          {AsBytes(text), (options & kRegexCaseless) != 0, 0, 0});
      looks.emplace_back(part);
    }
  }
}

bool ViewProspect::MayMatchPattern(const Case& one, const AtomRecord& atom,
                                   uint64_t enough) {
  const OffsetRecord& offset = tables_.offsets[atom.offset];
  const auto base = static_cast<OffsetBase>(offset.base);
  const bool is_anywhere = base == OffsetBase::kAnywhere;
  if (!is_anywhere && base != OffsetBase::kStart && base != OffsetBase::kEnd) {
    return false;  // Of an executable.
  }
  Known& known = KnownOf(atom);
  if (base == OffsetBase::kStart) ReadHead(one.text);
  if (base == OffsetBase::kStart &&
      std::none_of(known.variants.begin(), known.variants.end(),
                   [&](const Variant& variant) {
                     return MayStartAt(variant.looks.front(), offset);
                   })) {
    return false;
  }
  return MayMatchAnywhere(one, atom, enough);
}

bool ViewProspect::MayMatchAnywhere(const Case& one, const AtomRecord& atom,
                                    uint64_t enough) {
  Known& known = KnownOf(atom);
  if (known.is_foreign) return false;
  if (!one.searches) return true;
  // Of more than `known.enough` there are no more, and of less no less.
  if (known.text == text_ &&
      (known.may_match ? known.enough >= enough : known.enough <= enough)) {
    return known.may_match;
  }
  uint64_t left = enough;
  known.may_match = std::any_of(known.variants.begin(), known.variants.end(),
                                [&](Variant& variant) {
                                  return MayMatchSo(variant, one.text, left);
                                }) &&
                    std::all_of(known.choices.begin(), known.choices.end(),
                                [&](std::vector<Look>& looks) {
                                  return HasAny(looks, one.text);
                                });
  known.text = text_;
  known.enough = enough;
  return known.may_match;
}

// Whether one variant may match as often as is enough; what it has is
// subtracted from that.
bool ViewProspect::MayMatchSo(Variant& variant, const OwnText& text,
                              uint64_t& enough) {
  std::vector<Look>& looks = variant.looks;
  if (looks.empty()) return true;
  if (!StandsOnce(looks.front(), text)) return false;
  if (looks.size() == 1) {
    return enough == 1 || MayStand({looks.front()}, text, enough);
  }
  const bool may_stand =
      std::all_of(looks.begin(), looks.end(),
                  [&](Look& look) { return StandsOnce(look, text); });
  if (!may_stand || variant.parts.empty()) return may_stand;
  // All of them somewhere: also together, around the rarest word?
  const auto rarest = std::max_element(
      looks.begin(), looks.end(),
      [](const Look& a, const Look& b) { return a.rarity < b.rarity; });
  uint64_t once = 1;
  return MayStand({*rarest, &variant}, text, once);
}

bool ViewProspect::HasAny(std::vector<Look>& looks, const OwnText& text) {
  return std::any_of(looks.begin(), looks.end(),
                     [&](Look& look) { return StandsOnce(look, text); });
}

bool ViewProspect::MayStartAt(const Look& look,
                              const OffsetRecord& offset) const {
  if (offset.shift > kHeadPlacesMax) return true;
  const auto first = static_cast<uint64_t>(offset.delta);
  for (uint64_t place = first; place <= first + offset.shift; ++place) {
    if (FitsHead(look, place)) return true;
  }
  return false;
}

bool ViewProspect::FitsHead(const Look& look, uint64_t place) const {
  for (const FixedRun& run : look.part.runs) {
    if (run.distance_min != run.distance_max) continue;
    const uint64_t begin = place + run.distance_min;
    if (begin > head_.size() || run.bytes.size() > head_.size() - begin) {
      if (is_head_whole_) return false;
      continue;
    }
    if (!std::equal(run.bytes.begin(), run.bytes.end(),
                    head_.begin() + static_cast<ptrdiff_t>(begin))) {
      return false;
    }
  }
  return true;
}

}  // namespace gatehouse
