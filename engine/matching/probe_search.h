// ProbeSearch: finds the places where a part of a pattern may be, fast.
//
// Up to four of the part's given bytes, those that files hold least often, are
// compared, two of them with many places at once. Wherever they stand in the
// part, and whatever stands between them: where all fit, somebody looks closer.
//
// Thread-safe after construction: immutable. Owns what it needs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "engine/matching/probe_blocks.h"
#include "signatures/byte_pattern.h"

namespace gatehouse {

// Bytes of the same length are equal; if `is_folded`, lower-case letters of
// `literal` mean either case.
[[nodiscard]] bool IsEqual(ByteView literal, ByteView bytes, bool is_folded);

class ProbeSearch {
 public:
  static constexpr size_t kNone = ~size_t{0};
  static constexpr size_t kSpanMax = 4096;

  // What a space of the part means.
  enum class Space : uint8_t {
    kItself,
    // White space, and what normalisation drops: it may stand in front of it.
    kWhiteOrDropped,
  };
  explicit ProbeSearch(const PatternPart& part, Space space = Space::kItself);

  // False: the part has no given bytes at all.
  [[nodiscard]] bool is_usable() const { return probes_.count != 0; }
  // From the first probe to behind the last.
  [[nodiscard]] size_t span() const { return probes_.span; }
  // From the part's start to the first probe.
  [[nodiscard]] uint32_t distance_min() const { return distance_min_; }
  [[nodiscard]] uint32_t distance_max() const { return distance_max_; }

  // The first place at or behind `from` where all probes fit, the first of them
  // at the place itself; or kNone.
  [[nodiscard]] size_t Find(ByteView bytes, size_t from) const;

 private:
  void Consider(const PatternPart& part, size_t first_run, size_t last_run,
                Space space);

  Probes probes_;
  uint32_t distance_min_ = 0;
  uint32_t distance_max_ = 0;
  int worth_ = 0;
};

}  // namespace gatehouse
