#include "engine/matching/probe_search.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>
#include <vector>

namespace gatehouse {
namespace {

// Vectors of the compiler's own kind: SSE2 on x86-64, NEON on arm64.
constexpr size_t kLanes = 16;
using Lanes = uint8_t __attribute__((vector_size(kLanes)));
using Words = uint64_t __attribute__((vector_size(kLanes)));

Lanes Load(const uint8_t* place) {
  Lanes lanes;
  std::memcpy(&lanes, place, sizeof(lanes));
  return lanes;
}

uint8_t Lower(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte + ('a' - 'A'))
                                    : byte;
}

bool IsLetter(uint8_t byte) { return byte >= 'a' && byte <= 'z'; }

constexpr int kMostCommon = 6;

// A guess that holds for most files: the larger, the more common.
int CommonnessOf(uint8_t byte) {
  static constexpr std::string_view kCommon = " etaoinsrldcup\n";
  if (byte == 0) return kMostCommon - 1;
  if (byte == 0xff || byte == ' ') return 4;
  if (kCommon.find(static_cast<char>(byte)) != std::string_view::npos) {
    return 3;
  }
  if (byte < 0x10 || byte == 0x8b || byte == 0x48) return 2;
  return byte >= 0x20 && byte < 0x7f ? 1 : 0;
}

}  // namespace

bool IsEqual(ByteView literal, ByteView bytes, bool is_folded) {
  assert(literal.size() == bytes.size());
  if (!is_folded) {
    return std::memcmp(bytes.data(), literal.data(), literal.size()) == 0;
  }
  return std::equal(literal.begin(), literal.end(), bytes.begin(),
                    [](uint8_t a, uint8_t b) { return a == Lower(b); });
}

// Runs whose distance from the start varies by the same amount keep their
// distance from each other: those are looked at together.
ProbeSearch::ProbeSearch(const PatternPart& part) {
  const auto spread = [&part](size_t run) {
    return part.runs[run].distance_max - part.runs[run].distance_min;
  };
  size_t first = 0;
  for (size_t i = 1; i <= part.runs.size(); ++i) {
    if (i < part.runs.size() && spread(i) == spread(first)) continue;
    Consider(part, first, i);
    first = i;
  }
}

// The rarest bytes of these runs, if they are better than what there was.
void ProbeSearch::Consider(const PatternPart& part, size_t first_run,
                           size_t last_run) {
  const uint32_t begin = part.runs[first_run].distance_min;
  std::vector<Probe> all;
  for (size_t i = first_run; i < last_run; ++i) {
    const FixedRun& run = part.runs[i];
    for (size_t j = 0; j < run.bytes.size(); ++j) {
      const size_t at = run.distance_min - begin + j;
      if (at >= kSpanMax) break;
      const uint8_t byte = run.bytes[j];
      const bool is_either = run.is_folded && IsLetter(byte);
      // Behind its equal a byte says little.
      const bool is_repeated = j != 0 && run.bytes[j - 1] == byte;
      const uint8_t ignored = is_either ? 0x20 : 0;
      all.push_back({static_cast<uint32_t>(at),
                     static_cast<uint8_t>(byte | ignored), ignored,
                     is_repeated ? kMostCommon : CommonnessOf(byte)});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Probe& a, const Probe& b) {
    return a.commonness < b.commonness;
  });
  if (all.size() > kProbesMax) all.resize(kProbesMax);
  int worth = 0;
  for (const Probe& probe : all) worth += kMostCommon + 1 - probe.commonness;
  if (worth <= worth_) return;
  worth_ = worth;
  std::sort(all.begin(), all.end(),
            [](const Probe& a, const Probe& b) { return a.at < b.at; });
  const uint32_t front = all.front().at;
  count_ = all.size();
  for (size_t i = 0; i < count_; ++i) {
    probes_.at(i) = all[i];
    probes_.at(i).at -= front;
  }
  span_ = size_t{probes_.at(count_ - 1).at} + 1;
  distance_min_ = begin + front;
  distance_max_ = part.runs[first_run].distance_max + front;
}

bool ProbeSearch::Fits(const uint8_t* place) const {
  for (size_t i = 0; i < count_; ++i) {
    const Probe& probe = probes_[i];
    if ((place[probe.at] | probe.ignored) != probe.value) return false;
  }
  return true;
}

size_t ProbeSearch::Find(ByteView bytes, size_t from) const {
  assert(is_usable());
  const uint8_t* const begin = bytes.data();
  std::array<Lanes, kProbesMax> values = {};
  std::array<Lanes, kProbesMax> ignored = {};
  for (size_t i = 0; i < count_; ++i) {
    values[i] = Lanes{} + probes_[i].value;
    ignored[i] = Lanes{} + probes_[i].ignored;
  }
  while (from + span_ + kLanes <= bytes.size()) {
    Lanes fits = (Load(begin + from) | ignored[0]) == values[0];
    for (size_t i = 1; i < count_; ++i) {
      fits &= (Load(begin + from + probes_[i].at) | ignored[i]) == values[i];
    }
    Words words;
    std::memcpy(&words, &fits, sizeof(words));
    if ((words[0] | words[1]) == 0) {
      from += kLanes;
      continue;
    }
    size_t lane = 0;
    while (fits[lane] == 0) ++lane;
    return from + lane;
  }
  for (; from + span_ <= bytes.size(); ++from) {
    if (Fits(begin + from)) return from;
  }
  return kNone;
}

}  // namespace gatehouse
