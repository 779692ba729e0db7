// For processors without a fast part of their own: vectors of the compiler's
// kind, which is NEON on arm64.
#include <cstring>

#include "engine/matching/probe_blocks.h"

namespace gatehouse {
namespace {

constexpr size_t kLanes = 16;
using Lanes = uint8_t __attribute__((vector_size(kLanes)));
using SignedLanes = int8_t __attribute__((vector_size(kLanes)));
using Words = uint64_t __attribute__((vector_size(kLanes)));

Lanes Load(const uint8_t* place) {
  Lanes lanes;
  std::memcpy(&lanes, place, sizeof(lanes));
  return lanes;
}

// Where the probe fits, of the places from `block` on.
SignedLanes Fits(const Probe& probe, const uint8_t* block) {
  const Lanes bytes = Load(block + probe.at);
  SignedLanes values;
  std::memcpy(&values, &bytes, sizeof(values));
  return ((bytes | probe.ignored) == probe.value) | (values < probe.below);
}

}  // namespace

ProbedBlocks FindInBlocks(const Probes& probes, ByteView bytes, size_t from) {
  const auto& [first, second] = probes.rarest;
  for (; from + probes.span + kLanes <= bytes.size(); from += kLanes) {
    const uint8_t* const block = bytes.data() + from;
    const SignedLanes fits = Fits(first, block) & Fits(second, block);
    Words words;
    std::memcpy(&words, &fits, sizeof(words));
    if ((words[0] | words[1]) == 0) continue;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      if (fits[lane] != 0 && probes.Fit(block + lane)) {
        return {from + lane, true};
      }
    }
  }
  return {from, false};
}

}  // namespace gatehouse
