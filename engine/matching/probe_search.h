// ProbeSearch: finds the places where a part of a pattern may be, fast.
//
// Up to four of the part's given bytes, those that files hold least often, are
// compared with sixteen places at once. Wherever they stand in the part, and
// whatever stands between them: where all fit, somebody looks closer.
//
// Thread-safe after construction: immutable. Owns what it needs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "signatures/byte_pattern.h"

namespace gatehouse {

// Bytes of the same length are equal; if `is_folded`, lower-case letters of
// `literal` mean either case.
[[nodiscard]] bool IsEqual(ByteView literal, ByteView bytes, bool is_folded);

class ProbeSearch {
 public:
  static constexpr size_t kNone = ~size_t{0};
  static constexpr size_t kProbesMax = 4;
  static constexpr size_t kSpanMax = 4096;

  explicit ProbeSearch(const PatternPart& part);

  // False: the part has no given bytes at all.
  [[nodiscard]] bool is_usable() const { return count_ != 0; }
  // From the first probe to behind the last.
  [[nodiscard]] size_t span() const { return span_; }
  // From the part's start to the first probe.
  [[nodiscard]] uint32_t distance_min() const { return distance_min_; }
  [[nodiscard]] uint32_t distance_max() const { return distance_max_; }

  // The first place at or behind `from` where all probes fit, the first of them
  // at the place itself; or kNone.
  [[nodiscard]] size_t Find(ByteView bytes, size_t from) const;

 private:
  struct Probe {
    uint32_t at = 0;
    uint8_t value = 0;
    uint8_t ignored = 0;  // Bits that may differ.
    int commonness = 0;
  };

  void Consider(const PatternPart& part, size_t first_run, size_t last_run);
  [[nodiscard]] bool Fits(const uint8_t* place) const;

  std::array<Probe, kProbesMax> probes_ = {};
  size_t count_ = 0;
  size_t span_ = 0;
  uint32_t distance_min_ = 0;
  uint32_t distance_max_ = 0;
  int worth_ = 0;
};

}  // namespace gatehouse
