// Counts in clean files what literals are made of; writes literal_rates.bin.
//
//   find /usr ROOT/usr -type f | make_literal_rates OUTPUT [ROOT]
//
// Pairs and quads of bytes by how often they occur, sextets by how many files
// have them, for texts, HTML, ELF and PE files apart. Only every second file is
// counted, by a hash of its path (below ROOT, where packages are unpacked): the
// others are left for measurements. Takes two gigabytes of memory. Not part of
// the product.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "bench/counted_files.h"
#include "signatures/literal_rates_data.h"

namespace gatehouse {
namespace {

constexpr size_t kFileBytesMax = size_t{4} << 20;
constexpr double kStepsPerBit = 8.0;
constexpr size_t kCounters = size_t{1} << 30;

enum Kind : size_t { kTexts, kHtmls, kElfs, kPes, kKinds };

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  text.resize(std::min(text.size(), kFileBytesMax));
  return text;
}

constexpr size_t kHeadBytes = 4096;

Kind KindOf(const std::string& text) {
  if (text.starts_with("MZ")) return kPes;
  std::string head = text.substr(0, kHeadBytes);
  if (head.find('\0') != std::string::npos) return kElfs;
  std::transform(head.begin(), head.end(), head.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const bool is_html = head.find("<html") != std::string::npos ||
                       head.find("<!doctype html") != std::string::npos;
  return is_html ? kHtmls : kTexts;
}

// Texts, binaries (PE files are some), and HTML besides, which is text, too.
enum Counted : size_t { kText, kBinary, kHtml, kCounted };

struct Counts {  // Of pairs and quads.
  Counts() {
    pairs.fill(std::vector<uint64_t>(65536));
    quads.fill(std::vector<uint64_t>(kQuadBuckets));
  }
  std::array<std::vector<uint64_t>, kCounted> pairs;
  std::array<std::vector<uint64_t>, kCounted> quads;
  std::array<uint64_t, kCounted> bytes = {};
};

void CountBytes(ByteView bytes, Counted kind, Counts& counts) {
  for (size_t i = 0; i + 4 <= bytes.size(); ++i) {
    ++counts.pairs.at(kind)[bytes[i] * 256U + bytes[i + 1]];
    ++counts.quads.at(kind)[QuadBucket(bytes.subspan(i, 4))];
  }
  counts.bytes.at(kind) += bytes.size();
}

// Each sextet of the file once, as it is and in lower case.
std::vector<uint64_t> SextetsOf(std::string text) {
  std::vector<uint64_t> seen;
  for (const bool is_folded : {false, true}) {
    if (is_folded) {
      std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
    }
    const ByteView bytes = AsBytes(text);
    for (size_t i = 0; i + kSextet <= bytes.size(); ++i) {
      seen.push_back(SextetHash(bytes.subspan(i, kSextet), is_folded));
    }
  }
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  return seen;
}

char Quantised(double frequency) {
  const double steps = -std::log2(frequency) * kStepsPerBit;
  return static_cast<char>(
      static_cast<uint8_t>(std::clamp(std::round(steps), 0.0, 255.0)));
}

double FrequencyOf(uint64_t count, uint64_t bytes) {
  return (static_cast<double>(count) + 0.5) / (static_cast<double>(bytes) + 1);
}

// Of every sextet of these files: the share of the files that have it, where
// that is large. Two buckets a byte.
void MergeSextets(const std::vector<std::string>& paths,
                  std::vector<uint8_t>& buckets) {
  std::vector<uint16_t> counters(kCounters);
  // Of many files, some stand for all.
  const size_t step = paths.size() / 4000 + 1;
  double files = 0;
  for (size_t i = 0; i < paths.size(); i += step, ++files) {
    for (const uint64_t hash : SextetsOf(Read(paths[i]))) {
      ++counters[hash % kCounters];
    }
  }
  for (size_t i = 0; i < paths.size(); i += step) {
    for (const uint64_t hash : SextetsOf(Read(paths[i]))) {
      const double share = counters[hash % kCounters] / files;
      const double steps = -std::log2(share) * kStepsPerSextetBit;
      if (steps >= kSextetAbsent) continue;
      uint8_t& bucket = buckets[hash % kSextetBuckets];
      bucket = std::min(bucket, static_cast<uint8_t>(std::floor(steps)));
    }
  }
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  using gatehouse::CountBytes;
  using gatehouse::Counts;
  using gatehouse::FrequencyOf;
  using gatehouse::IsCounted;
  using gatehouse::kHtmls;
  using gatehouse::Kind;
  using gatehouse::KindOf;
  using gatehouse::kKinds;
  using gatehouse::kQuadBuckets;
  using gatehouse::kSextetAbsent;
  using gatehouse::kSextetBuckets;
  using gatehouse::kTexts;
  using gatehouse::MergeSextets;
  using gatehouse::Quantised;
  using gatehouse::Read;
  if (argc != 2 && argc != 3) return 2;
  const std::string root = argc == 3 ? argv[2] : "";
  Counts counts;
  std::array<std::vector<std::string>, kKinds> paths;
  for (std::string path; std::getline(std::cin, path);) {
    const bool is_below = !root.empty() && path.starts_with(root + "/");
    if (!IsCounted(path.substr(is_below ? root.size() : 0))) continue;
    const std::string text = Read(path);
    if (text.empty()) continue;
    const Kind kind = KindOf(text);
    paths.at(kind).push_back(path);
    const bool is_text = kind == kTexts || kind == kHtmls;
    const gatehouse::ByteView bytes = gatehouse::AsBytes(text);
    CountBytes(bytes, is_text ? gatehouse::kText : gatehouse::kBinary, counts);
    if (kind == kHtmls) CountBytes(bytes, gatehouse::kHtml, counts);
  }
  std::string data;
  for (size_t kind = 0; kind < 2; ++kind) {
    for (const uint64_t count : counts.pairs.at(kind)) {
      data += Quantised(FrequencyOf(count, counts.bytes.at(kind)));
    }
  }
  for (size_t i = 0; i < kQuadBuckets; ++i) {
    double frequency = 0.0;
    for (size_t kind = 0; kind < gatehouse::kCounted; ++kind) {
      // HTML is little: what nobody saw there says nothing.
      const uint64_t count = counts.quads.at(kind)[i];
      if (kind == gatehouse::kHtml && count == 0) continue;
      frequency =
          std::max(frequency, FrequencyOf(count, counts.bytes.at(kind)));
    }
    data += Quantised(frequency);
  }
  std::vector<uint8_t> buckets(kSextetBuckets, kSextetAbsent);
  for (const auto& some : paths) MergeSextets(some, buckets);
  for (size_t i = 0; i < kSextetBuckets; i += 2) {
    data += static_cast<char>(buckets[i] | buckets[i + 1] << 4);
  }
  std::ofstream(argv[1], std::ios::binary) << data;
  return 0;
}
