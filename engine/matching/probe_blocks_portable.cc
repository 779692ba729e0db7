// For processors without a fast part of their own: vectors of the compiler's
// kind, which is NEON on arm64.
#include <cstring>

#include "engine/matching/probe_blocks.h"

namespace gatehouse {
namespace {

constexpr size_t kLanes = 16;
using Lanes = uint8_t __attribute__((vector_size(kLanes)));
using Words = uint64_t __attribute__((vector_size(kLanes)));

Lanes Load(const uint8_t* place) {
  Lanes lanes;
  std::memcpy(&lanes, place, sizeof(lanes));
  return lanes;
}

}  // namespace

ProbedBlocks FindInBlocks(const Probes& probes, ByteView bytes, size_t from) {
  const auto& [first, second] = probes.rarest;
  for (; from + probes.span + kLanes <= bytes.size(); from += kLanes) {
    const uint8_t* const block = bytes.data() + from;
    const Lanes fits =
        ((Load(block + first.at) | first.ignored) == first.value) &
        ((Load(block + second.at) | second.ignored) == second.value);
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
