// Counts pairs and quads of bytes in clean files and writes literal_rates.bin.
//
//   find /usr -type f | make_literal_rates OUTPUT
//
// Only every second file is counted, by a hash of its path: the others are left
// for measurements. Not part of the product.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "signatures/literal_rates_data.h"

namespace gatehouse {
namespace {

constexpr size_t kHead = 4096;
constexpr size_t kFileBytesMax = size_t{4} << 20;
constexpr double kStepsPerBit = 8.0;

struct Counts {
  std::array<std::vector<uint64_t>, 2> pairs = {std::vector<uint64_t>(65536),
                                                std::vector<uint64_t>(65536)};
  std::array<std::vector<uint64_t>, 2> quads = {
      std::vector<uint64_t>(kQuadBuckets), std::vector<uint64_t>(kQuadBuckets)};
  std::array<uint64_t, 2> bytes = {};
};

bool IsCounted(const std::string& path) {
  uint32_t hash = 2166136261U;
  for (const char c : path) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
  }
  return (hash >> 16 & 1U) == 1;
}

void CountFile(const std::string& path, Counts& counts) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  text.resize(std::min(text.size(), kFileBytesMax));
  const size_t kind =
      text.substr(0, kHead).find('\0') == std::string::npos ? 0 : 1;
  const ByteView bytes = AsBytes(text);
  for (size_t i = 0; i + 4 <= bytes.size(); ++i) {
    ++counts.pairs.at(kind)[bytes[i] * 256U + bytes[i + 1]];
    ++counts.quads.at(kind)[QuadBucket(bytes.subspan(i, 4))];
  }
  counts.bytes.at(kind) += bytes.size();
}

char Quantised(double frequency) {
  const double steps = -std::log2(frequency) * kStepsPerBit;
  return static_cast<char>(
      static_cast<uint8_t>(std::clamp(std::round(steps), 0.0, 255.0)));
}

double FrequencyOf(uint64_t count, uint64_t bytes) {
  return (static_cast<double>(count) + 0.5) / (static_cast<double>(bytes) + 1);
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  using gatehouse::CountFile;
  using gatehouse::Counts;
  using gatehouse::FrequencyOf;
  using gatehouse::IsCounted;
  using gatehouse::kQuadBuckets;
  using gatehouse::Quantised;
  if (argc != 2) return 2;
  Counts counts;
  for (std::string path; std::getline(std::cin, path);) {
    if (IsCounted(path)) CountFile(path, counts);
  }
  std::string data;
  for (size_t kind = 0; kind < 2; ++kind) {
    for (const uint64_t count : counts.pairs.at(kind)) {
      data += Quantised(FrequencyOf(count, counts.bytes.at(kind)));
    }
  }
  for (size_t i = 0; i < kQuadBuckets; ++i) {
    data +=
        Quantised(std::max(FrequencyOf(counts.quads[0][i], counts.bytes[0]),
                           FrequencyOf(counts.quads[1][i], counts.bytes[1])));
  }
  std::ofstream(argv[1], std::ios::binary) << data;
  return 0;
}
