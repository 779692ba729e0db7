#include "engine/matching/view_prospect.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <tuple>

#include "engine/format/normalised_text.h"
#include "engine/matching/normalised_reader.h"
#include "engine/matching/regex_literal.h"

namespace gatehouse {
namespace {

// Of the text around a word: beyond it nobody can tell.
constexpr size_t kAroundBytes = 4096;
// Of a text's beginning.
constexpr size_t kHeadBytes = 1024;
constexpr uint64_t kHeadPlacesMax = 64;
// Of what it begins with, for a first look.
constexpr size_t kBeginningBytes = 8;
constexpr size_t kBeginningOwnBytes = 64;
// Parts that are longer are not looked for around their words.
constexpr uint32_t kPartBytesMax = 1024;
constexpr size_t kStartsMax = 64;
// White space around a word that is made one, and still enough is there.
constexpr size_t kSlackBytes = 128;
// So many bytes of a text per closer look: more may match.
constexpr size_t kBytesPerLook = 512;
constexpr size_t kLooksMin = 8;
constexpr size_t kKnownMax = 4096;
// What is charged besides: for bytes that are read one by one, and for places
// where a word may stand.
constexpr uint64_t kStepUnits = 2;
constexpr uint64_t kFoundUnits = 8;
// Places that triggers tell are far apart: mostly the file is read for each.
constexpr uint64_t kLookInFileUnits = 512;

// The normalised form has neither upper case nor these.
bool IsForeign(uint8_t byte, bool is_folded) {
  const TextByte kind = TextByteClass(byte);
  if (kind == TextByte::kSpace) return byte != ' ';
  return kind == TextByte::kDropped ||
         (kind == TextByte::kLowered && !is_folded);
}

PatternPart PartOf(ByteView word) {
  PatternPart part;
  if (!word.empty()) part.runs.push_back({word, true, 0, 0});
  return part;
}

}  // namespace

ViewProspect::Look::Look(const PatternPart& what)
    : part(what), search(PatternPart()) {
  for (const FixedRun& one : part.runs) {
    size_t first = 0;
    for (size_t i = 0; i <= one.bytes.size(); ++i) {
      const bool is_end = i == one.bytes.size();
      if (!is_end && IsForeign(one.bytes[i], one.is_folded)) is_foreign = true;
      if (!is_end && one.bytes[i] != ' ') continue;
      // White space that is not single.
      if (!is_end && i != 0 && one.bytes[i - 1] == ' ') is_foreign = true;
      if (i - first > size) {
        run = one;
        begin = first;
        size = i - first;
      }
      first = i + 1;
    }
  }
  size = std::min(size, kProspectWordBytesMax);
  behind = size == 0 ? ByteSet().set() : BytesBehind(part, run);
  if (size != 0) search = ProbeSearch(PartOf(run.bytes.subspan(begin, size)));
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
  if (known_.size() > kKnownMax) known_.clear();
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
         MayHold({signature, text, true}, root);
}

bool ViewProspect::MayHold(const Case& one, uint32_t number) {
  const LogicNode& node = tables_.LogicOf(one.signature)[number];
  const bool holds_without =
      node.comparison == Comparison::kLess ||
      (node.comparison == Comparison::kEqual && node.count == 0);
  if (holds_without) return true;
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
      return MayHold(one, tables_.regexes[record.detail].trigger) &&
             MayMatchAnywhere(one, record, 1);
    case AtomKind::kByteCompare:
      return MayMatchAtom(one, tables_.compares[record.detail].reference, 1);
    case AtomKind::kMacro:
      return MayMatchAtom(one, atom - 1, 1);
  }
  return true;
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
      if (parts) known.variants.emplace_back(parts->begin(), parts->end());
    }
  }
  known.is_foreign = std::all_of(
      known.variants.begin(), known.variants.end(),
      [](const std::vector<Look>& looks) {
        return std::any_of(looks.begin(), looks.end(),
                           [](const Look& look) { return look.is_foreign; });
      });
  return known;
}

// What each of its matches contains, as if these were its parts.
void ViewProspect::AddRegex(const AtomRecord& atom, Known& known) const {
  const uint32_t options = tables_.regexes[atom.detail].options;
  known.texts = LiteralSetsOfRegex(tables_.Text(atom.code), options);
  std::vector<Look>& parts = known.variants.emplace_back();
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
                   [&](const std::vector<Look>& parts) {
                     return MayStartAt(parts.front(), offset);
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
                                [&](const std::vector<Look>& parts) {
                                  return MayMatchSo(parts, one.text, left);
                                }) &&
                    std::all_of(known.choices.begin(), known.choices.end(),
                                [&](const std::vector<Look>& looks) {
                                  return HasAny(looks, one.text);
                                });
  known.text = text_;
  known.enough = enough;
  return known.may_match;
}

// Whether one variant may match as often as is enough; what it has is
// subtracted from that.
bool ViewProspect::MayMatchSo(const std::vector<Look>& parts,
                              const OwnText& text, uint64_t& enough) {
  if (parts.size() == 1) return MayStand(parts.front(), text, enough);
  // Long words are missing sooner.
  by_size_.clear();
  for (const Look& look : parts) by_size_.push_back(&look);
  std::stable_sort(
      by_size_.begin(), by_size_.end(),
      [](const Look* a, const Look* b) { return a->size > b->size; });
  return std::all_of(by_size_.begin(), by_size_.end(), [&](const Look* look) {
    uint64_t once = 1;
    return MayStand(*look, text, once);
  });
}

bool ViewProspect::HasAny(const std::vector<Look>& looks, const OwnText& text) {
  return std::any_of(looks.begin(), looks.end(), [&](const Look& look) {
    uint64_t once = 1;
    return MayStand(look, text, once);
  });
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

// Whether the part may match as often as is enough; what it has is subtracted.
bool ViewProspect::MayStand(const Look& look, const OwnText& text,
                            uint64_t& enough) {
  if (look.is_foreign) return false;
  if (look.size == 0 || !text.has_all_seams) return true;
  // The literal around a seam may be made of seams, too.
  if (!text.looks.Take(text.seams.size() / kSearchDivisor + 1) ||
      NextWord(look, text.seams, 0, text.looks)) {
    return true;
  }
  Content& content = text.content;
  Chunk chunk;
  for (uint64_t at = 0; at < content.size();) {
    chunk.bytes = content.At(at, kContentWindowMax);
    if (chunk.bytes.size() < look.size) break;
    chunk.begins_text = at == 0;
    chunk.ends_text = at + chunk.bytes.size() >= content.size();
    // Each place is looked at in the chunk that has what is around it.
    chunk.begin = chunk.begins_text ? 0 : kAroundBytes;
    chunk.end = chunk.bytes.size() - (chunk.ends_text ? 0 : kAroundBytes);
    if (chunk.end <= chunk.begin) return true;  // A read failed.
    if (!text.looks.Take(chunk.bytes.size() / kSearchDivisor + 1) ||
        StandsIn(look, chunk, text.looks, enough)) {
      return true;
    }
    if (chunk.ends_text) break;
    at += chunk.end - kAroundBytes;
  }
  return false;
}

// Where the word stands, at or behind `from`.
std::optional<size_t> ViewProspect::NextWord(const Look& look, ByteView bytes,
                                             size_t from, WorkBudget& looks) {
  const ByteView word = look.run.bytes.subspan(look.begin, look.size);
  size_t found = look.search.Find(bytes, from + look.search.distance_min());
  while (found != ProbeSearch::kNone) {
    (void)looks.Take(kFoundUnits);
    const size_t place = found - look.search.distance_min();
    if (word.size() > bytes.size() - place) break;
    if (IsEqual(word, bytes.subspan(place, word.size()), true)) return place;
    found = look.search.Find(bytes, found + 1);
  }
  return std::nullopt;
}

// Whether the rest of the literal is around a piece of it. Where the chunk is
// cut it may be.
bool ViewProspect::IsAmidLiteral(const Piece& piece, const Chunk& chunk,
                                 size_t place, WorkBudget& looks) {
  const ByteView literal = piece.literal;
  // Nearly all end here.
  const size_t last = place + piece.end - piece.begin;
  if ((piece.begin != 0 && place != 0 &&
       !MayBecome(chunk.bytes[place - 1], literal[piece.begin - 1])) ||
      (piece.end < literal.size() && last < chunk.bytes.size() &&
       !MayBecome(chunk.bytes[last], literal[piece.end]))) {
    return false;
  }
  NormalisedReader<true> before(chunk.bytes, place);
  bool fits = true;
  for (size_t i = piece.begin; fits && i-- > 0;) {
    const std::optional<uint8_t> byte = before.Next();
    if (!byte && !chunk.begins_text) break;
    fits = byte == literal[i];
  }
  (void)looks.Take(kStepUnits * before.read());
  if (!fits) return false;
  NormalisedReader<false> behind(chunk.bytes, last);
  for (size_t i = piece.end; fits && i < literal.size(); ++i) {
    const std::optional<uint8_t> byte = behind.Next();
    if (!byte && !chunk.ends_text) break;
    fits = byte == literal[i];
  }
  if (fits && piece.behind != nullptr && !piece.behind->all()) {
    const std::optional<uint8_t> byte = behind.Next();
    fits = byte ? piece.behind->test(*byte) : !chunk.ends_text;
  }
  (void)looks.Take(kStepUnits * behind.read());
  return fits;
}

bool ViewProspect::MayStandAmid(const ViewUse& use,
                                std::span<const uint64_t> ends,
                                const OwnText& text) const {
  if (use.around.size == 0) return true;
  const Piece piece{tables_.bytes.subspan(use.around.begin, use.around.size),
                    use.begin, size_t{use.begin} + use.length, nullptr};
  Content& content = text.content;
  return std::any_of(ends.begin(), ends.end(), [&](uint64_t end) {
    if (!text.looks.Take(kLookInFileUnits)) return true;
    const uint64_t place = end - use.length;
    const uint64_t front = place - std::min<uint64_t>(place, kAroundBytes);
    Chunk chunk;
    chunk.bytes = content.At(front, 2 * kAroundBytes);
    chunk.begins_text = front == 0;
    chunk.ends_text = front + chunk.bytes.size() >= content.size();
    // Not there: a read failed.
    return chunk.bytes.size() < end - front ||
           IsAmidLiteral(piece, chunk, place - front, text.looks);
  });
}

bool ViewProspect::StandsIn(const Look& look, const Chunk& chunk,
                            WorkBudget& looks, uint64_t& enough) {
  const bool can_count = look.run.distance_min == look.run.distance_max;
  const Piece piece{look.run.bytes, look.begin, look.begin + look.size,
                    &look.behind};
  auto place = NextWord(look, chunk.bytes, chunk.begin, looks);
  for (; place && *place < chunk.end;
       place = NextWord(look, chunk.bytes, *place + 1, looks)) {
    if (!looks.Take(kLookUnits)) return true;
    if (IsAmidLiteral(piece, chunk, *place, looks) &&
        MayMatchAround(look, chunk, *place, looks) &&
        (!can_count || --enough == 0)) {
      return true;
    }
  }
  return false;
}

// Whether the part may match where its word stands at `place`.
bool ViewProspect::MayMatchAround(const Look& look, const Chunk& chunk,
                                  size_t place, WorkBudget& looks) {
  const PatternPart& part = look.part;
  // Nothing but the word, or a whole literal, which is there already.
  const bool is_literal =
      part.runs.size() == 1 && part.length_max <= part.runs[0].bytes.size();
  const size_t least = look.run.distance_min + look.begin;
  const size_t most = look.run.distance_max + look.begin;
  if (is_literal || part.length_max > kPartBytesMax ||
      most - least > kStartsMax || looks_left_ == 0) {
    return true;
  }
  --looks_left_;
  const size_t reach = part.length_max + PartMatcher::kContext + kSlackBytes;
  const size_t front = place - std::min(place, reach);
  const size_t back = std::min(chunk.bytes.size(), place + look.size + reach);
  (void)looks.Take(kStepUnits * (back - front) +
                   kLookUnits * (most - least + 1));
  around_.clear();
  TextNormaliser normaliser(2 * kAroundBytes);
  normaliser.Feed(chunk.bytes.subspan(front, place - front), around_);
  const size_t at = around_.size();
  normaliser.Feed(chunk.bytes.subspan(place, back - place), around_);
  const bool is_front = front == 0 && chunk.begins_text;
  const bool is_back = back == chunk.bytes.size() && chunk.ends_text;
  Content content(around_);
  for (size_t distance = least; distance <= most; ++distance) {
    if (!is_front && at < distance + PartMatcher::kContext) return true;
    if (at < distance) break;
    const size_t start = at - distance;
    if (!is_back &&
        around_.size() - start < part.length_max + PartMatcher::kContext) {
      return true;
    }
    if (!matcher_.EndsAt(content, part, start).empty()) return true;
  }
  return false;
}

}  // namespace gatehouse
