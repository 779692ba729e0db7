#include "engine/matching/probe_search.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace gatehouse {
namespace {

uint8_t Lower(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte + ('a' - 'A'))
                                    : byte;
}

bool IsLetter(uint8_t byte) { return byte >= 'a' && byte <= 'z'; }

constexpr int kMostCommon = 6;

// A guess that holds for most files: the larger, the more common.
constexpr int CommonnessOf(uint8_t byte) {
  constexpr std::string_view kCommon = " etaoinsrldcup\n";
  if (byte == 0) return kMostCommon - 1;
  if (byte == 0xff || byte == ' ') return 4;
  if (kCommon.find(static_cast<char>(byte)) != std::string_view::npos) {
    return 3;
  }
  if (byte < 0x10 || byte == 0x8b || byte == 0x48) return 2;
  return byte >= 0x20 && byte < 0x7f ? 1 : 0;
}

constexpr std::array<int, 256> MakeCommonness() {
  std::array<int, 256> commonness = {};
  for (size_t byte = 0; byte < commonness.size(); ++byte) {
    commonness.at(byte) = CommonnessOf(static_cast<uint8_t>(byte));
  }
  return commonness;
}

constexpr std::array<int, 256> kCommonness = MakeCommonness();

// The least common ones of those that are added, that come first among equals.
class RarestProbes {
 public:
  void Add(const Probe& probe, int commonness) {
    size_t i = count_;
    while (i > 0 && probes_.at(i - 1).second > commonness) --i;
    if (i == probes_.size()) return;
    count_ = std::min(count_ + 1, probes_.size());
    for (size_t j = count_ - 1; j > i; --j) probes_.at(j) = probes_.at(j - 1);
    probes_.at(i) = {probe, commonness};
  }
  [[nodiscard]] std::span<const std::pair<Probe, int>> probes() const {
    return std::span(probes_).first(count_);
  }

 private:
  std::array<std::pair<Probe, int>, Probes::kMax> probes_ = {};
  size_t count_ = 0;
};

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
ProbeSearch::ProbeSearch(const PatternPart& part, Space space) {
  const auto spread = [&part](size_t run) {
    return part.runs[run].distance_max - part.runs[run].distance_min;
  };
  size_t first = 0;
  for (size_t i = 1; i <= part.runs.size(); ++i) {
    if (i < part.runs.size() && spread(i) == spread(first)) continue;
    Consider(part, first, i, space);
    first = i;
  }
}

// The rarest bytes of these runs, if they are better than what there was.
void ProbeSearch::Consider(const PatternPart& part, size_t first_run,
                           size_t last_run, Space space) {
  const uint32_t begin = part.runs[first_run].distance_min;
  RarestProbes all;
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
      const bool is_any = space == Space::kWhiteOrDropped && byte == ' ';
      all.Add({static_cast<uint32_t>(at), static_cast<uint8_t>(byte | ignored),
               ignored, is_any ? int8_t{' ' + 1} : Probe::kNone},
              is_repeated ? kMostCommon : kCommonness[byte]);
    }
  }
  int worth = 0;
  for (const auto& one : all.probes()) worth += kMostCommon + 1 - one.second;
  if (worth <= worth_) return;
  worth_ = worth;
  uint32_t front = ~uint32_t{0};
  uint32_t back = 0;
  for (const auto& one : all.probes()) {
    front = std::min(front, one.first.at);
    back = std::max(back, one.first.at);
  }
  probes_.count = all.probes().size();
  for (size_t i = 0; i < probes_.count; ++i) {
    probes_.all.at(i) = all.probes()[i].first;
    probes_.all.at(i).at -= front;
  }
  probes_.rarest = {probes_.all.at(0),
                    probes_.all.at(probes_.count > 1 ? 1 : 0)};
  probes_.span = size_t{back} - front + 1;
  distance_min_ = begin + front;
  distance_max_ = part.runs[first_run].distance_max + front;
}

size_t ProbeSearch::Find(ByteView bytes, size_t from) const {
  assert(is_usable());
  const ProbedBlocks blocks = FindInBlocks(probes_, bytes, from);
  if (blocks.fits) return blocks.place;
  for (from = blocks.place; from + probes_.span <= bytes.size(); ++from) {
    if (probes_.Fit(bytes.data() + from)) return from;
  }
  return kNone;
}

}  // namespace gatehouse
