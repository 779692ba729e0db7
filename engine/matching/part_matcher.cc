#include "engine/matching/part_matcher.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "engine/matching/probe_search.h"

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

// Whether its program is the operation of its run, and nothing else.
bool IsOneLiteral(const PatternPart& part) {
  constexpr size_t kHeadBytes = 3;  // What the run's bytes stand behind.
  return part.runs.size() == 1 &&
         part.code.size() == part.runs[0].bytes.size() + kHeadBytes;
}

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
  if (!HasRuns(part, context)) return ends_;
  if (IsOneLiteral(part)) {
    ends_.push_back(begin + part.length_min);
    return ends_;
  }
  places_.assign(1, context);
  RunProgram(part.code, 0, places_);
  for (const uint32_t place : places_) ends_.push_back(front + place);
  return ends_;
}

// Whether the runs whose places are known are there: most places end here, and
// programs take longer to read than these to compare.
bool PartMatcher::HasRuns(const PatternPart& part, uint32_t begin) const {
  return std::all_of(
      part.runs.begin(), part.runs.end(), [&](const FixedRun& run) {
        if (run.distance_min != run.distance_max) return true;
        const size_t at = begin + size_t{run.distance_min};
        return at <= view_.size() && run.bytes.size() <= view_.size() - at &&
               IsEqual(run.bytes, view_.subspan(at, run.bytes.size()),
                       run.is_folded);
      });
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
    places[kept++] = after;
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
  if (step.op == PatternOp::kNear) {
    return HasNear(step.near, place) ? place : kNoPlace;
  }
  const uint32_t length =
      step.op == PatternOp::kNoneOf ? step.length : step.count;
  if (view_.size() - place < length) return kNoPlace;
  const ByteView here = view_.subspan(place, length);
  bool fits = true;
  switch (step.op) {
    case PatternOp::kLiteral:
    case PatternOp::kLiteralFolded:
      fits = IsEqual(step.bytes, here, step.op == PatternOp::kLiteralFolded);
      break;
    case PatternOp::kMasked:
      for (size_t i = 0; i < length && fits; ++i) {
        fits = (here[i] & step.bytes[2 * i + 1]) == step.bytes[2 * i];
      }
      break;
    case PatternOp::kNoneOf:
      for (size_t i = 0; i < step.count && fits; ++i) {
        const ByteView literal = step.bytes.subspan(i * length, length);
        fits = !IsEqual(literal, here, false);
      }
      break;
    case PatternOp::kAny:
    case PatternOp::kOneOf:
    case PatternOp::kBoundary:
    case PatternOp::kGap:
    case PatternOp::kNear:
      break;
  }
  return fits ? place + length : kNoPlace;
}

uint32_t PartMatcher::AfterBoundary(const Boundary& boundary,
                                    uint32_t place) const {
  if (boundary.place == BoundaryPlace::kBefore) {
    return HoldsBefore(boundary, place) != boundary.is_negated ? place
                                                               : kNoPlace;
  }
  if (boundary.place == BoundaryPlace::kBehind) {
    return HoldsBehind(boundary, place) != boundary.is_negated ? place
                                                               : kNoPlace;
  }
  if (place >= view_.size()) return kNoPlace;
  const uint8_t byte = view_[place];
  bool holds = false;
  switch (boundary.kind) {
    case BoundaryKind::kWord:
      holds = IsOneOf(byte, kWordBefore) || IsOneOf(byte, kWordBehind);
      break;
    case BoundaryKind::kLine:
      holds = byte == '\n';
      break;
    case BoundaryKind::kNotAlphanumeric:
      holds = !IsAlphanumeric(byte);
      break;
  }
  return holds != boundary.is_negated ? place + 1 : kNoPlace;
}

bool PartMatcher::HoldsBefore(const Boundary& boundary, uint32_t place) const {
  if (place == 0) {
    assert(starts_at_front_);
    return true;
  }
  const uint8_t byte = view_[place - 1];
  switch (boundary.kind) {
    case BoundaryKind::kWord:
      return IsOneOf(byte, kWordBefore);
    case BoundaryKind::kLine:
      return byte == '\n';
    case BoundaryKind::kNotAlphanumeric:
      break;
  }
  if (!boundary.is_wide) return !IsAlphanumeric(byte);
  return place < 2 || byte != 0 || !IsAlphanumeric(view_[place - 2]);
}

bool PartMatcher::HoldsBehind(const Boundary& boundary, uint32_t place) const {
  if (place >= view_.size()) return ends_at_end_;
  const uint8_t byte = view_[place];
  const bool has_next = place + 1 < view_.size();
  switch (boundary.kind) {
    case BoundaryKind::kWord:
      return IsOneOf(byte, kWordBehind);
    case BoundaryKind::kLine:
      return byte == '\n' ||
             (byte == '\r' && has_next && view_[place + 1] == '\n');
    case BoundaryKind::kNotAlphanumeric:
      break;
  }
  if (!boundary.is_wide) return !IsAlphanumeric(byte);
  return !has_next || view_[place + 1] != 0 || !IsAlphanumeric(byte);
}

bool PartMatcher::HasNear(const NearByte& near, uint32_t place) const {
  for (uint32_t apart = near.min; apart <= near.max; ++apart) {
    const bool is_before = near.place == BoundaryPlace::kBefore;
    if (is_before && place < apart + 1) return false;
    const size_t at = is_before ? place - apart - 1 : place + apart;
    if (at >= view_.size()) return false;
    if ((view_[at] & near.mask) == near.value) return true;
  }
  return false;
}

}  // namespace gatehouse
