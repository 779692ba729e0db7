// PartMatcher: does one part of a pattern match here, and where does it end?
//
// Exact: follows every alternative. The set of places reached is kept, not the
// ways to them, so that nested alternatives cost their sum, not their product.
//
// Thread-compatible. Keeps its memory from use to use.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "engine/format/content.h"
#include "signatures/byte_pattern.h"

namespace gatehouse {

class PartMatcher {
 public:
  // Bytes before and behind a part that it may look at.
  static constexpr size_t kContext = kNearMax + 2;

  // Where the part ends, if it starts at `begin`: offsets in the content,
  // ascending, none if it does not match. Valid until the next call.
  const std::vector<uint64_t>& EndsAt(Content& content, const PatternPart& part,
                                      uint64_t begin);

 private:
  using Places = std::vector<uint32_t>;  // In view_, ascending.

  bool HasRuns(const PatternPart& part, uint32_t begin) const;
  void RunProgram(ByteView code, size_t depth, Places& places);
  void RunStep(const PatternStep& step, size_t depth, Places& places);
  void RunOneOf(const PatternStep& step, size_t depth, Places& places);
  // Where the step ends if it starts at `place`; kNoPlace if it does not fit.
  uint32_t After(const PatternStep& step, uint32_t place) const;
  uint32_t AfterBoundary(const Boundary& boundary, uint32_t place) const;
  bool HoldsBefore(const Boundary& boundary, uint32_t place) const;
  bool HoldsBehind(const Boundary& boundary, uint32_t place) const;
  bool HasNear(const NearByte& near, uint32_t place) const;

  static constexpr uint32_t kNoPlace = ~uint32_t{0};
  ByteView view_;
  bool starts_at_front_ = false;  // view_ begins where the content does.
  bool ends_at_end_ = false;
  std::array<Places, 2 * (kPatternDepthMax + 1)> memory_;
  Places places_;
  std::vector<uint64_t> ends_;
};

}  // namespace gatehouse
