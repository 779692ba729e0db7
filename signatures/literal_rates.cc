#include "signatures/literal_rates.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "signatures/literal_rates_data.h"

namespace gatehouse {
namespace {

constexpr float kStepsPerBit = 8.0;
constexpr size_t kBytes = 256;
constexpr size_t kQuad = 4;
// A bucket holds many quads that are rare; only what stands out is believed.
constexpr double kNoiseFactor = 3.0;

// The data: per kind of file the frequency of each pair, then that of each
// bucket of quads; bytes that mean 2^(-value / kStepsPerBit).
std::array<float, kBytes> Frequencies() {
  std::array<float, kBytes> frequencies = {};
  for (size_t value = 0; value < kBytes; ++value) {
    frequencies.at(value) =
        std::exp2(-static_cast<float>(value) / kStepsPerBit);
  }
  return frequencies;
}

struct PairModel {
  std::vector<float> pairs;  // By first byte, then second.
  std::array<float, kBytes> singles = {};
};

}  // namespace

struct LiteralRates::Model {
  std::array<PairModel, 2> kinds;  // By FileKind.
  std::vector<float> quads;        // By bucket.
  double quad_noise = 0.0;
  ByteView sextets;  // Two buckets a byte.
};

namespace {

using Model = LiteralRates::Model;

// As if each byte depended only on the one before it.
double ChainRate(const PairModel& kind, ByteView literal) {
  double rate = 1.0;
  for (size_t i = 0; i + 1 < literal.size(); ++i) {
    const size_t pair = literal[i] * kBytes + literal[i + 1];
    rate *= static_cast<double>(kind.pairs[pair]);
    if (i != 0) rate /= static_cast<double>(kind.singles[literal[i]]);
  }
  return rate;
}

// No more often than its rarest quad.
double QuadRate(const Model& model, ByteView literal) {
  if (literal.size() < kQuad) return 0.0;
  double rarest = 1.0;
  for (size_t i = 0; i + kQuad <= literal.size(); ++i) {
    const double rate =
        static_cast<double>(model.quads[QuadBucket(literal.subspan(i, kQuad))]);
    rarest = std::min(rarest, rate);
  }
  return rarest > model.quad_noise ? rarest : 0.0;
}

// In a file of usual size: where a sextet is in many files, they have it at
// least once.
constexpr double kUsualFileBytes = 65536;

double SextetRate(const Model& model, ByteView literal, bool is_folded) {
  if (literal.size() < kSextet) return 0.0;
  uint8_t rarest = 0;
  for (size_t i = 0; i + kSextet <= literal.size(); ++i) {
    const uint64_t bucket =
        SextetHash(literal.subspan(i, kSextet), is_folded) % kSextetBuckets;
    const uint8_t both = model.sextets[bucket / 2];
    const auto value =
        static_cast<uint8_t>(bucket % 2 == 0 ? both & 15 : both >> 4);
    rarest = std::max(rarest, value);
  }
  if (rarest == kSextetAbsent) return 0.0;
  return std::exp2(-rarest / kStepsPerSextetBit) / kUsualFileBytes;
}

// Nobody counted words that are shorter than a sextet, and pairs say little of
// them ("<?xml"): they are at least as frequent as this.
constexpr double kShortWordRate = 1e-7;

bool IsShortWord(ByteView literal) {
  return literal.size() < kSextet &&
         std::all_of(literal.begin(), literal.end(),
                     [](uint8_t c) { return c > ' ' && c < 0x7f; });
}

double RateAsIs(const Model& model, ByteView literal) {
  const double chain = std::max(ChainRate(model.kinds[0], literal),
                                ChainRate(model.kinds[1], literal));
  const double rate = std::max(chain, QuadRate(model, literal));
  return IsShortWord(literal) ? std::max(rate, kShortWordRate) : rate;
}

uint8_t Upper(uint8_t byte) {
  const bool is_lower = byte >= 'a' && byte <= 'z';
  return is_lower ? static_cast<uint8_t>(byte - ('a' - 'A')) : byte;
}

}  // namespace

LiteralRates LiteralRates::BuiltIn() {
  const ByteView data = LiteralRatesData();
  assert(data.size() ==
         2 * kBytes * kBytes + kQuadBuckets + kSextetBuckets / 2);
  const std::array<float, kBytes> frequencies = Frequencies();
  auto model = std::make_unique<Model>();
  size_t at = 0;
  for (PairModel& kind : model->kinds) {
    kind.pairs.reserve(kBytes * kBytes);
    for (size_t pair = 0; pair < kBytes * kBytes; ++pair) {
      kind.pairs.push_back(frequencies[data[at++]]);
      kind.singles.at(pair / kBytes) += kind.pairs.back();
    }
  }
  model->quads.reserve(kQuadBuckets);
  while (model->quads.size() < kQuadBuckets) {
    model->quads.push_back(frequencies[data[at++]]);
  }
  model->sextets = data.subspan(at);
  std::vector<float> sorted = model->quads;
  std::nth_element(sorted.begin(), sorted.begin() + kQuadBuckets / 2,
                   sorted.end());
  model->quad_noise =
      kNoiseFactor * static_cast<double>(sorted[kQuadBuckets / 2]);
  return LiteralRates(std::move(model));
}

LiteralRates::LiteralRates(std::unique_ptr<const Model> model)
    : model_(std::move(model)) {}
LiteralRates::LiteralRates(LiteralRates&&) noexcept = default;
LiteralRates::~LiteralRates() = default;

std::span<const float> LiteralRates::PairsOf(FileKind kind) const {
  return model_->kinds.at(static_cast<size_t>(kind)).pairs;
}

double LiteralRates::RateOf(ByteView literal, bool is_folded) const {
  assert(literal.size() >= 2);
  const double shared = SextetRate(*model_, literal, is_folded);
  if (!is_folded) return std::max(shared, RateAsIs(*model_, literal));
  std::array<uint8_t, 64> upper = {};
  const size_t length = std::min(literal.size(), upper.size());
  std::transform(literal.begin(),
                 literal.begin() + static_cast<ptrdiff_t>(length),
                 upper.begin(), Upper);
  return std::max(shared, RateAsIs(*model_, literal) +
                              RateAsIs(*model_, ByteView(upper).first(length)));
}

}  // namespace gatehouse
