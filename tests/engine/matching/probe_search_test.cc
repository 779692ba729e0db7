// Places that the probes of a part fit, against a look at each.
#include "engine/matching/probe_search.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace gatehouse {
namespace {

PatternPart PartOf(const std::string& word) {
  PatternPart part;
  part.runs.push_back({AsBytes(word), true, 0, 0});
  return part;
}

// Whether a byte of a text is what a lower-case word has there.
bool Fits(char wanted, uint8_t byte, bool is_any) {
  if (wanted == ' ' && is_any) return byte <= ' ' || byte >= 0x80;
  if (wanted >= 'a' && wanted <= 'z') return (byte | 0x20) == wanted;
  return static_cast<uint8_t>(wanted) == byte;
}

bool FitsAt(const std::string& word, ByteView text, size_t place, bool is_any) {
  for (size_t i = 0; i < word.size(); ++i) {
    if (!Fits(word[i], text[place + i], is_any)) return false;
  }
  return true;
}

std::vector<size_t> Found(const std::string& word, ByteView text,
                          ProbeSearch::Space space) {
  const ProbeSearch search(PartOf(word), space);
  std::vector<size_t> places;
  size_t at = search.Find(text, search.distance_min());
  while (at != ProbeSearch::kNone) {
    places.push_back(at - search.distance_min());
    at = search.Find(text, at + 1);
  }
  return places;
}

// Words of up to four bytes, all of which are probes.
TEST(ProbeSearchTest, FindsAllPlacesOfShortWords) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  const std::string letters = "aA+( \t\n\x1f!\xff";
  size_t found = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint8_t> text(random() % 300);
    for (uint8_t& byte : text) {
      byte = static_cast<uint8_t>(letters[random() % letters.size()]);
    }
    for (const std::string word : {"+", " + ", "a+", " a", "+ ", "(a + "}) {
      if (word.size() > text.size() || word.size() > Probes::kMax) continue;
      for (const bool is_any : {false, true}) {
        std::vector<size_t> expected;
        for (size_t at = 0; at + word.size() <= text.size(); ++at) {
          if (FitsAt(word, text, at, is_any)) expected.push_back(at);
        }
        found += expected.size();
        ASSERT_EQ(Found(word, text,
                        is_any ? ProbeSearch::Space::kWhiteOrDropped
                               : ProbeSearch::Space::kItself),
                  expected)
            << "'" << word << "' in " << HexText(text);
      }
    }
  }
  EXPECT_GT(found, 10'000U);
}

}  // namespace
}  // namespace gatehouse
