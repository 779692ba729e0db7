// The part of ViewProspect that looks at places of a text.
#include <algorithm>
#include <array>
#include <optional>

#include "engine/format/normalised_text.h"
#include "engine/matching/normalised_reader.h"
#include "engine/matching/view_prospect.h"

namespace gatehouse {
namespace {

// Of the text around a word: beyond it nobody can tell.
constexpr size_t kAroundBytes = 4096;
// What is longer is not looked for around its words.
constexpr uint32_t kPartBytesMax = 1024;
constexpr size_t kStartsMax = 64;
// White space around a word that is made one, and still enough is there.
constexpr size_t kSlackBytes = 128;
// What is charged besides: for bytes that are read one by one, and for places
// where a word may stand.
constexpr uint64_t kStepUnits = 2;
constexpr uint64_t kFoundUnits = 8;
// Places that triggers tell are far apart: mostly the file is read for each.
constexpr uint64_t kLookInFileUnits = 512;

ptrdiff_t Signed(size_t place) { return static_cast<ptrdiff_t>(place); }

// By the next two bytes at most: whether a text that goes on like this may have
// in its form what the literal goes on with.
template <class OfText, class OfLiteral>
bool MayGoOn(OfText text, OfText text_end, OfLiteral literal,
             OfLiteral literal_end) {
  if (literal == literal_end || text == text_end) return true;
  if (!MayBecome(*text, *literal)) return false;
  if (TextByteClass(*text) != TextByte::kSpace) return true;
  if (++literal == literal_end || ++text == text_end) return true;
  // More white space is part of the same.
  return TextByteClass(*text) == TextByte::kSpace || MayBecome(*text, *literal);
}

}  // namespace

// Whether the part may match as often as is enough; what it has is subtracted.
bool ViewProspect::MayStand(const Wanted& wanted, const OwnText& text,
                            uint64_t& enough) {
  const Look& look = wanted.look;
  if (look.is_foreign) return false;
  if (look.size == 0 || !text.has_all_seams) return true;
  // The literal around a seam may be made of seams, too.
  if (!text.looks.Take(text.seams.size() / kSearchDivisor + 1) ||
      IsInSeams(look, text.seams, text.looks)) {
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
        StandsIn(wanted, chunk, text.looks, enough)) {
      return true;
    }
    if (chunk.ends_text) break;
    at += chunk.end - kAroundBytes;
  }
  return false;
}

// Whether the word is one that was joined.
bool ViewProspect::IsInSeams(const Look& look, ByteView seams,
                             WorkBudget& looks) {
  const ByteView word = look.run.bytes.subspan(look.begin, look.size);
  const size_t behind = word.size() - look.in_seams.distance_min();
  size_t found = look.in_seams.Find(seams, look.in_seams.distance_min());
  for (; found != ProbeSearch::kNone && behind <= seams.size() - found;
       found = look.in_seams.Find(seams, found + 1)) {
    (void)looks.Take(kFoundUnits);
    if (IsEqual(word, seams.subspan(found + behind - word.size(), word.size()),
                true)) {
      return true;
    }
  }
  return false;
}

// Where the word stands as it is, at or behind `from`, with the white space
// beside it.
std::optional<size_t> ViewProspect::NextWord(const Look& look, ByteView bytes,
                                             size_t from, WorkBudget& looks) {
  const ByteView word = look.run.bytes.subspan(look.begin, look.size);
  const size_t first = std::max(from, look.in_front) - look.in_front;
  const size_t before = look.in_text.distance_min();
  size_t found = look.in_text.Find(bytes, first + before);
  while (found != ProbeSearch::kNone) {
    (void)looks.Take(kFoundUnits);
    const size_t place = found - before + look.in_front;
    if (word.size() > bytes.size() - place) break;
    if (IsEqual(word, bytes.subspan(place, word.size()), true)) return place;
    found = look.in_text.Find(bytes, found + 1);
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
  if (!MayGoOn(std::reverse_iterator(chunk.bytes.begin() + Signed(place)),
               chunk.bytes.rend(),
               std::reverse_iterator(literal.begin() + Signed(piece.begin)),
               literal.rend()) ||
      !MayGoOn(chunk.bytes.begin() + Signed(last), chunk.bytes.end(),
               literal.begin() + Signed(piece.end), literal.end())) {
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
  if (use.around.size == 0 && use.neighbour.size == 0) return true;
  const Piece piece{tables_.bytes.subspan(use.around.begin, use.around.size),
                    use.begin, size_t{use.begin} + use.length, nullptr};
  Content& content = text.content;
  return std::any_of(ends.begin(), ends.end(), [&](uint64_t end) {
    if (!text.looks.Take(kLookInFileUnits) || end < use.length) return true;
    const uint64_t place = end - use.length;
    const uint64_t front = place - std::min<uint64_t>(place, kAroundBytes);
    Chunk chunk;
    chunk.bytes = content.At(front, 2 * kAroundBytes);
    chunk.begins_text = front == 0;
    chunk.ends_text = front + chunk.bytes.size() >= content.size();
    // Not there: a read failed.
    if (chunk.bytes.size() < end - front) return true;
    const size_t at = place - front;
    return (piece.literal.empty() ||
            IsAmidLiteral(piece, chunk, at, text.looks)) &&
           (use.neighbour.size == 0 ||
            HasNeighbour(use, chunk, at, text.looks));
  });
}

// Whether the neighbour of the literal that stands at `place` is there. Where
// the chunk is cut it may be.
bool ViewProspect::HasNeighbour(const ViewUse& use, const Chunk& chunk,
                                size_t place, WorkBudget& looks) const {
  const ByteView wanted =
      tables_.bytes.subspan(use.neighbour.begin, use.neighbour.size);
  std::array<uint8_t, kNeighbourGapMax + kNeighbourBytesMax> form = {};
  const size_t reach = use.gap_max + wanted.size();
  size_t size = 0;
  const auto fill = [&](auto reader) {
    for (; size < reach; ++size) {
      const std::optional<uint8_t> byte = reader.Next();
      if (!byte) break;
      form.at(size) = *byte;
    }
    (void)looks.Take(kStepUnits * reader.read());
  };
  if (use.is_before != 0) {
    fill(NormalisedReader<true>(chunk.bytes, place));
  } else {
    fill(NormalisedReader<false>(chunk.bytes, place + use.length));
  }
  const bool ends = use.is_before != 0 ? chunk.begins_text : chunk.ends_text;
  if (size < reach && !ends) return true;
  const uint8_t nearest = use.is_before != 0 ? wanted.back() : wanted.front();
  for (size_t gap = use.gap_min;
       gap <= use.gap_max && gap + wanted.size() <= size; ++gap) {
    const uint8_t* const at = form.data() + gap;
    if (*at != nearest) continue;
    if (use.is_before != 0 ? std::equal(wanted.rbegin(), wanted.rend(), at)
                           : std::equal(wanted.begin(), wanted.end(), at)) {
      return true;
    }
  }
  return false;
}

bool ViewProspect::StandsIn(const Wanted& wanted, const Chunk& chunk,
                            WorkBudget& looks, uint64_t& enough) {
  const Look& look = wanted.look;
  const bool can_count = look.run.distance_min == look.run.distance_max;
  const Piece piece{look.run.bytes, look.begin, look.begin + look.size,
                    &look.behind};
  auto place = NextWord(look, chunk.bytes, chunk.begin, looks);
  for (; place && *place < chunk.end;
       place = NextWord(look, chunk.bytes, *place + 1, looks)) {
    if (!looks.Take(kLookUnits)) return true;
    if (IsAmidLiteral(piece, chunk, *place, looks) &&
        MayMatchAround(look, chunk, *place, looks) &&
        (wanted.whole == nullptr ||
         MayMatchWholeAround(*wanted.whole, chunk, *place, looks)) &&
        (!can_count || --enough == 0)) {
      return true;
    }
  }
  return false;
}

// With what a part of `length` bytes needs around it, as far as there is any.
ViewProspect::Around ViewProspect::NormaliseAround(const Chunk& chunk,
                                                   size_t place, size_t length,
                                                   WorkBudget& looks) {
  const size_t reach = length + PartMatcher::kContext + kSlackBytes;
  const size_t front = place - std::min(place, reach);
  const size_t back =
      std::min(chunk.bytes.size(), place + kProspectWordBytesMax + reach);
  (void)looks.Take(kStepUnits * (back - front));
  Around around;
  around_.clear();
  TextNormaliser normaliser(2 * kAroundBytes);
  normaliser.Feed(chunk.bytes.subspan(front, place - front), around_);
  around.place = around_.size();
  normaliser.Feed(chunk.bytes.subspan(place, back - place), around_);
  around.begins_text = front == 0 && chunk.begins_text;
  around.ends_text = back == chunk.bytes.size() && chunk.ends_text;
  return around;
}

// Whether all parts may match, one behind the other, where a word of one of
// them stands at `place`.
bool ViewProspect::MayMatchWholeAround(const Variant& whole, const Chunk& chunk,
                                       size_t place, WorkBudget& looks) {
  if (whole.length_max.value_or(kPartBytesMax + uint64_t{1}) > kPartBytesMax ||
      looks_left_ == 0) {
    return true;
  }
  --looks_left_;
  const auto length = static_cast<size_t>(*whole.length_max);
  const auto [at, is_front, is_back] =
      NormaliseAround(chunk, place, length, looks);
  const size_t needed = length + PartMatcher::kContext;
  if ((!is_front && at < needed) ||
      (!is_back && around_.size() - at < needed)) {
    return true;
  }
  Content content(around_);
  const PlaceInterval starts{at - std::min(at, length), at};
  return search_.Count(content, whole.parts, {starts}, 1, looks).count != 0 ||
         looks.is_exhausted();
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
  (void)looks.Take(kLookUnits * (most - least + 1));
  const auto [at, is_front, is_back] =
      NormaliseAround(chunk, place, part.length_max, looks);
  Content content(around_);
  for (size_t distance = least; distance <= most; ++distance) {
    if (!is_front && at < distance + PartMatcher::kContext) return true;
    if (at < distance) break;
    const size_t start = at - distance;
    if (!is_back &&
        around_.size() - start < part.length_max + PartMatcher::kContext) {
      return true;
    }
    if (!search_.part_matcher().EndsAt(content, part, start).empty()) {
      return true;
    }
  }
  return false;
}

}  // namespace gatehouse
