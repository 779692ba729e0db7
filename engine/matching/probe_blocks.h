// The fast part of ProbeSearch: many places at once, where the processor can do
// that.
//
// Thread-safe: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace gatehouse {

// A byte that stands some way behind the place.
struct Probe {
  uint32_t at = 0;
  uint8_t value = 0;
  uint8_t ignored = 0;  // Bits that may differ; set in `value`.
  // Others that fit: those that are less, as signed values.
  int8_t below = kNone;
  static constexpr int8_t kNone = -128;

  [[nodiscard]] bool Fits(uint8_t byte) const {
    return (byte | ignored) == value || static_cast<int8_t>(byte) < below;
  }
};

struct Probes {
  static constexpr size_t kMax = 4;

  std::array<Probe, kMax> all = {};
  size_t count = 0;
  size_t span = 0;  // From the first to behind the last.
  // The two that fit least often: those are looked at, and then the others.
  std::array<Probe, 2> rarest = {};

  [[nodiscard]] bool Fit(const uint8_t* place) const {
    for (size_t i = 0; i < count; ++i) {
      if (!all[i].Fits(place[all[i].at])) return false;
    }
    return true;
  }
};

struct ProbedBlocks {
  size_t place = 0;  // Where they fit; else up to where they do not.
  bool fits = false;
};

// Looks for the first place from `from` on where the probes fit. What is left
// then is less than a block and the span.
[[nodiscard]] ProbedBlocks FindInBlocks(const Probes& probes, ByteView bytes,
                                        size_t from);

}  // namespace gatehouse
