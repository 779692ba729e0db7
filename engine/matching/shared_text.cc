#include "engine/matching/shared_text.h"

#include <algorithm>
#include <cassert>

#include "engine/format/normalised_views.h"

namespace gatehouse {
namespace {

// Of a literal that reaches out of a run, so much can be within it.
constexpr size_t kEndBytes = SharedText::kLiteralBytesMax - 1;
static_assert(kHtmlTextRunBytesMin >= 2 * kEndBytes);

// The last of `records` that begins at `place` or before it.
template <class Records, class Begin>
auto LastUntil(const Records& records, size_t place, Begin begin) {
  const auto after = std::upper_bound(
      records.begin(), records.end(), place,
      [begin](size_t at, const auto& record) { return at < begin(record); });
  return after == records.begin() ? records.end() : after - 1;
}

}  // namespace

void SharedText::Begin(std::span<const HtmlTextRun> runs, ByteView no_tags) {
  runs_ = runs;
  // One large file does not keep its memory for all that follow.
  if (own_bytes_.capacity() > kViewBytesKept) own_bytes_ = {};
  if (pieces_.capacity() * sizeof(Piece) > kViewBytesKept) pieces_ = {};
  pieces_.clear();
  own_bytes_.clear();
  size_t begin = 0;
  for (const HtmlTextRun& run : runs) {
    assert(run.bytes >= kHtmlTextRunBytesMin && run.no_tags >= begin);
    AddPiece(no_tags, {begin, run.no_tags + kEndBytes});
    begin = run.no_tags + run.bytes - kEndBytes;
  }
  AddPiece(no_tags, {begin, no_tags.size()});
}

void SharedText::AddPiece(ByteView no_tags, LiteralPlace place) {
  assert(place.begin <= place.end && place.end <= no_tags.size());
  pieces_.push_back({place.begin, own_bytes_.size()});
  const ByteView bytes = no_tags.subspan(place.begin, place.end - place.begin);
  own_bytes_.insert(own_bytes_.end(), bytes.begin(), bytes.end());
}

std::optional<size_t> SharedText::EndOfShared(LiteralPlace place) const {
  const auto run = LastUntil(runs_, place.begin, [](const HtmlTextRun& one) {
    return size_t{one.no_comments};
  });
  if (run == runs_.end()) return std::nullopt;
  if (place.end > size_t{run->no_comments} + run->bytes) return std::nullopt;
  return place.end - run->no_comments + run->no_tags;
}

std::optional<size_t> SharedText::EndOfOwn(LiteralPlace place) const {
  const auto piece = LastUntil(pieces_, place.begin,
                               [](const Piece& one) { return one.in_own; });
  assert(piece != pieces_.end());
  const auto next = piece + 1;
  // The bytes of two pieces are no neighbours in the view.
  if (next != pieces_.end() && place.end > next->in_own) return std::nullopt;
  const size_t begin = place.begin - piece->in_own + piece->in_view;
  const size_t end = begin + (place.end - place.begin);
  const auto run = LastUntil(
      runs_, begin, [](const HtmlTextRun& one) { return size_t{one.no_tags}; });
  const bool is_shared =
      run != runs_.end() && end <= size_t{run->no_tags} + run->bytes;
  return is_shared ? std::nullopt : std::optional(end);
}

}  // namespace gatehouse
