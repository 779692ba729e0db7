// Fuzzes filters of grams: packing, opening and scanning.
//
// Three bytes first: how many texts, how many changes, whether the content is
// repeated until it is about as long as a block, and rates of pairs are given.
// Then the texts, a byte of kind and up to eight of text each; then the changes
// of five bytes each: which table, two of place, what is done, a value. The
// rest is the content.
//
// Asserts that a filter of the texts finds what a naive search finds, each
// place once; and that what still opens after the changes reports nothing that
// is not there, and the same in every way that this processor can go.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/matching/gram_blocks.h"
#include "engine/matching/gram_scan.h"
#include "signatures/gram_filter.h"

namespace {

using gatehouse::ByteView;
using gatehouse::GramFilter;
using gatehouse::GramText;

constexpr size_t kHeadBytes = 3;
constexpr size_t kTextsMax = 31;
constexpr size_t kChangesMax = 7;
constexpr size_t kChangeBytes = 5;
constexpr size_t kContentBytesMax = 4096;
constexpr uint8_t kRepeats = 0xe0;  // Rarely: it is slow.

using Found = std::vector<std::array<size_t, 3>>;  // Trigger, begin, end.

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

ByteView Take(size_t count, ByteView& input) {
  const ByteView taken = input.first(std::min(count, input.size()));
  input = input.subspan(taken.size());
  return taken;
}

// Kinds: three bits of length, one of folding, one of a pair instead of grams.
std::vector<GramText> TakeTexts(size_t count, ByteView& input) {
  std::vector<GramText> texts;
  while (texts.size() < count && !input.empty()) {
    const uint8_t kind = Take(1, input)[0];
    GramText text;
    text.bytes =
        Take(std::min<size_t>(2 + (kind & 7), gatehouse::kGramLiteralBytesMax),
             input);
    if (text.bytes.size() < gatehouse::kPairLiteralBytesMin) break;
    text.is_folded = (kind & 8) != 0;
    text.trigger = static_cast<uint32_t>(texts.size());
    if ((kind & 16) != 0 ||
        text.bytes.size() < gatehouse::kGramLiteralBytesMin) {
      text.is_by_pair = true;
    }
    texts.push_back(text);
  }
  return texts;
}

// Some rates of pairs, which choose by which bytes literals are found; even
// choices: none.
gatehouse::PairRates RatesBy(uint8_t choice) {
  static const std::vector<float> rates = [] {
    std::vector<float> some;
    for (size_t i = 0; i < gatehouse::kPairs; ++i) {
      some.push_back(static_cast<float>(1 + i * 7919 % 101));
    }
    return some;
  }();
  return choice % 2 == 0 ? gatehouse::PairRates() : rates;
}

// In memory of its own, so that sanitizers see what is behind it.
std::vector<uint8_t> ContentOf(ByteView bytes, uint8_t repeats) {
  std::vector<uint8_t> content;
  if (bytes.empty()) return content;
  size_t all = std::min(bytes.size(), kContentBytesMax);
  // A little less than a block, or a little more.
  if (repeats >= kRepeats) {
    all = gatehouse::kGramBlockBytes - 100 + size_t{10} * (repeats - kRepeats);
  }
  content.reserve(all);
  for (size_t i = 0; i < all; ++i) content.push_back(bytes[i % bytes.size()]);
  return content;
}

bool IsAt(const GramText& text, const uint8_t* place) {
  if (!text.is_folded) {
    return std::memcmp(place, text.bytes.data(), text.bytes.size()) == 0;
  }
  for (size_t i = 0; i < text.bytes.size(); ++i) {
    const uint8_t byte = text.bytes[i];
    const bool is_letter = byte >= 'a' && byte <= 'z';
    const bool is_upper = is_letter && place[i] == byte - 'a' + 'A';
    if (place[i] != byte && !is_upper) return false;
  }
  return true;
}

Found SearchNaively(const std::vector<GramText>& texts, ByteView content) {
  Found found;
  for (const GramText& text : texts) {
    const size_t length = text.bytes.size();
    for (size_t end = length; end <= content.size(); ++end) {
      if (IsAt(text, content.data() + (end - length))) {
        found.push_back({text.trigger, end - length, end});
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

Found SearchWith(const gatehouse::GramBlocks& blocks, const GramFilter& filter,
                 ByteView content) {
  Found found;
  gatehouse::GramScan scan(blocks);
  scan.Scan(filter, content, [&](uint32_t trigger, size_t begin, size_t end) {
    Require(begin < end && end <= content.size(), "it is in the content");
    found.push_back({trigger, begin, end});
  });
  std::sort(found.begin(), found.end());
  return found;
}

template <class Record>
std::span<uint8_t> BytesOf(std::span<const Record> view,
                           const std::vector<uint64_t>& from,
                           std::vector<uint8_t>& bytes) {
  if (view.empty()) return {};
  const auto begin =
      static_cast<const uint8_t*>(static_cast<const void*>(view.data())) -
      static_cast<const uint8_t*>(static_cast<const void*>(from.data()));
  return std::span(bytes).subspan(static_cast<size_t>(begin),
                                  view.size_bytes());
}

// Chooses a table of the right filter, or the head and what follows it.
std::span<uint8_t> TableOf(uint8_t choice, const GramFilter& filter,
                           const std::vector<uint64_t>& right,
                           std::vector<uint8_t>& bytes) {
  const gatehouse::GramLane& lane = filter.grams;
  switch (choice & 7) {
    case 0:
      return BytesOf(filter.literals, right, bytes);
    case 1:
      return BytesOf(lane.buckets, right, bytes);
    case 2:
      return BytesOf(lane.entries, right, bytes);
    case 3:
      return BytesOf(lane.bitmap, right, bytes);
    case 4:
      return BytesOf(filter.pairs.buckets, right, bytes);
    case 5:
      return BytesOf(filter.pairs.entries, right, bytes);
    case 6:
      return BytesOf(filter.pairs.map, right, bytes);
    case 7:
      // Also the head, and what follows it.
      if ((choice & 8) != 0) return BytesOf(filter.pairs.masks, right, bytes);
      break;
  }
  return std::span(bytes).first(std::min<size_t>(bytes.size(), 256));
}

// Flips bits of a byte, or sets four or eight bytes to a small or a huge
// number.
void Change(ByteView change, const GramFilter& filter,
            const std::vector<uint64_t>& right, std::vector<uint8_t>& bytes) {
  const std::span<uint8_t> table = TableOf(change[0], filter, right, bytes);
  if (table.empty()) return;
  const size_t at = (size_t{change[1]} | size_t{change[2]} << 8) % table.size();
  // The high bit: counted from the end.
  const bool is_from_end = (change[0] & 0x80) != 0;
  const std::span<uint8_t> rest =
      table.subspan(is_from_end ? table.size() - 1 - at : at);
  const uint8_t how = change[3];
  if ((how & 3) == 0) {
    rest[0] ^= change[4];
    return;
  }
  const size_t width = std::min<size_t>((how & 3) == 1 ? 4 : 8, rest.size());
  const bool is_huge = (how & 0x80) != 0;
  std::fill_n(rest.begin(), width, is_huge ? uint8_t{0xff} : uint8_t{0});
  rest[0] = change[4];
}

// As the changes say. Some of them cut words off the end.
std::vector<uint64_t> Damaged(const std::vector<uint64_t>& right,
                              const GramFilter& filter, size_t changes,
                              ByteView& input) {
  const size_t all = right.size() * sizeof(uint64_t);
  std::vector<uint8_t> bytes(all);
  std::memcpy(bytes.data(), right.data(), all);
  size_t words = right.size();
  for (size_t i = 0; i < changes && input.size() >= kChangeBytes; ++i) {
    const ByteView change = Take(kChangeBytes, input);
    if ((change[3] & 3) == 3) {
      words -= change[4] % words;
    } else {
      Change(change, filter, right, bytes);
    }
  }
  std::vector<uint64_t> damaged(words);
  std::memcpy(damaged.data(), bytes.data(), words * sizeof(uint64_t));
  return damaged;
}

// A damaged filter may find less or something else, but only what its literals
// say of the content.
void RequireSound(const GramFilter& filter, size_t triggers, const Found& found,
                  ByteView content) {
  for (const auto& [trigger, begin, end] : found) {
    Require(trigger < triggers, "what is found is a trigger");
    bool is_there = false;
    for (const gatehouse::GramLiteral& literal : filter.literals) {
      if (literal.trigger != trigger || literal.length != end - begin) continue;
      const uint64_t word = gatehouse::GramWord(content.subspan(begin));
      is_there = is_there || (word & literal.mask) == literal.value;
    }
    Require(is_there, "what is found is there");
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kHeadBytes) return 0;
  ByteView input = ByteView(data, size).subspan(kHeadBytes);
  const std::vector<GramText> texts =
      TakeTexts(data[0] % (kTextsMax + 1), input);
  const std::vector<uint64_t> right =
      gatehouse::PackGramFilter(texts, RatesBy(data[2]));
  const auto filter = GramFilter::Open(right, texts.size());
  Require(filter.has_value(), "what was packed opens");

  const std::vector<uint64_t> buffer =
      Damaged(right, *filter, data[1] % (kChangesMax + 1), input);
  const auto opened = GramFilter::Open(buffer, texts.size());
  const std::vector<uint8_t> content = ContentOf(input, data[2]);

  const Found expected = SearchNaively(texts, content);
  Found of_damaged;
  bool is_first = true;
  for (const gatehouse::GramBlocks& blocks : gatehouse::AvailableGramBlocks()) {
    Require(SearchWith(blocks, *filter, content) == expected,
            "what a naive search finds is found");
    if (!opened) continue;
    Found found = SearchWith(blocks, *opened, content);
    RequireSound(*opened, texts.size(), found, content);
    Require(is_first || found == of_damaged, "every way finds the same");
    of_damaged = std::move(found);
    is_first = false;
  }
  return 0;
}
