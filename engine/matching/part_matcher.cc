#include "engine/matching/part_matcher.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "engine/matching/literal_search.h"

namespace gatehouse {
namespace {

bool IsAlphanumeric(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z');
}

bool IsOneOf(uint8_t byte, std::string_view characters) {
  return characters.find(static_cast<char>(byte)) != std::string_view::npos;
}

// Source: the documentation of (B) and observation of ClamAV 1.4.
constexpr std::string_view kWordBefore = " -./<@_";
constexpr std::string_view kWordBehind = "\n\r \"'-/=>_";

}  // namespace

const std::vector<uint64_t>& PartMatcher::EndsAt(Content& content,
                                                 const PatternPart& part,
                                                 uint64_t begin) {
  ends_.clear();
  if (begin > content.size() || content.size() - begin < part.length_min) {
    return ends_;
  }
  const uint64_t front = begin - std::min<uint64_t>(begin, kContext);
  const auto context = static_cast<uint32_t>(begin - front);
  view_ = content.At(front, context + part.length_max + kContext);
  starts_at_front_ = front == 0;
  ends_at_end_ = front + view_.size() >= content.size();
  places_.assign(1, context);
  RunProgram(part.code, 0, places_);
  for (const uint32_t place : places_) ends_.push_back(front + place);
  return ends_;
}

void PartMatcher::RunProgram(ByteView code, size_t depth, Places& places) {
  PatternReader reader(code);
  while (!places.empty()) {
    const std::optional<PatternStep> step = reader.Next();
    if (!step) break;
    RunStep(*step, depth, places);
  }
}

void PartMatcher::RunStep(const PatternStep& step, size_t depth,
                          Places& places) {
  if (step.op == PatternOp::kOneOf) {
    RunOneOf(step, depth, places);
    return;
  }
  size_t kept = 0;
  for (const uint32_t place : places) {
    const uint32_t after = After(step, place);
    if (after == kNoPlace) continue;
    // Line ends of one and of two characters may meet.
    if (kept == 0 || places[kept - 1] < after) places[kept++] = after;
  }
  places.resize(kept);
}

void PartMatcher::RunOneOf(const PatternStep& step, size_t depth,
                           Places& places) {
  const auto programs = ProgramsOf(step);
  if (!programs || depth >= kPatternDepthMax) {
    places.clear();
    return;
  }
  Places& all = memory_.at(2 * depth);
  Places& one = memory_.at(2 * depth + 1);
  all.clear();
  for (const ByteView program : *programs) {
    one = places;
    RunProgram(program, depth + 1, one);
    all.insert(all.end(), one.begin(), one.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  places = all;
}

uint32_t PartMatcher::After(const PatternStep& step, uint32_t place) const {
  if (step.op == PatternOp::kBoundary) {
    return AfterBoundary(step.boundary, place);
  }
  const uint32_t length =
      step.op == PatternOp::kNoneOf ? step.length : step.count;
  if (view_.size() - place < length) return kNoPlace;
  const ByteView here = view_.subspan(place, length);
  bool fits = true;
  switch (step.op) {
    case PatternOp::kLiteral:
    case PatternOp::kLiteralFolded:
      fits = LiteralSearch::IsEqual(step.bytes, here,
                                    step.op == PatternOp::kLiteralFolded);
      break;
    case PatternOp::kMasked:
      for (size_t i = 0; i < length && fits; ++i) {
        fits = (here[i] & step.bytes[2 * i + 1]) == step.bytes[2 * i];
      }
      break;
    case PatternOp::kNoneOf:
      for (size_t i = 0; i < step.count && fits; ++i) {
        const ByteView literal = step.bytes.subspan(i * length, length);
        fits = !LiteralSearch::IsEqual(literal, here, false);
      }
      break;
    case PatternOp::kAny:
    case PatternOp::kOneOf:
    case PatternOp::kBoundary:
    case PatternOp::kGap:
      break;
  }
  return fits ? place + length : kNoPlace;
}

uint32_t PartMatcher::AfterBoundary(const Boundary& boundary,
                                    uint32_t place) const {
  const bool is_before = boundary.place == BoundaryPlace::kBefore;
  const bool is_within = boundary.place == BoundaryPlace::kWithin;
  const bool is_edge =
      is_before ? place == 0 && starts_at_front_ : place >= view_.size();
  if (is_edge && (is_within || (!is_before && !ends_at_end_))) return kNoPlace;
  bool holds = is_edge;
  uint32_t length = 1;
  if (!is_edge) {
    const uint32_t unit = boundary.is_wide && is_before && place > 1 ? 2 : 1;
    const uint8_t byte = view_[is_before ? place - unit : place];
    switch (boundary.kind) {
      case BoundaryKind::kWord:
        holds = IsOneOf(byte, is_before ? kWordBefore : kWordBehind);
        if (is_within) holds = holds || IsOneOf(byte, kWordBefore);
        break;
      case BoundaryKind::kLine: {
        const bool is_crlf = byte == '\r' && place + 1 < view_.size() &&
                             view_[place + 1] == '\n';
        holds = byte == '\n' || (!is_before && is_crlf);
        if (is_crlf) length = 2;
        break;
      }
      case BoundaryKind::kNotAlphanumeric:
        holds = !IsAlphanumeric(byte);
        break;
    }
  }
  if (holds == boundary.is_negated) return kNoPlace;
  return is_within ? place + length : place;
}

}  // namespace gatehouse
