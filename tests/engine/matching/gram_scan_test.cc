// Against a naive search, with each way that this processor can go.
#include "engine/matching/gram_scan.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse {
namespace {

struct Literal {
  std::string text;
  bool is_folded = false;
  bool is_by_pair = false;
};

using Found = std::vector<std::pair<uint32_t, size_t>>;  // Trigger and end.

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool IsAt(const Literal& literal, std::string_view content, size_t at) {
  if (literal.text.size() > content.size() - at) return false;
  for (size_t i = 0; i < literal.text.size(); ++i) {
    const char c = content[at + i];
    if ((literal.is_folded ? Lower(c) : c) != literal.text[i]) return false;
  }
  return true;
}

Found SearchNaively(const std::vector<Literal>& literals,
                    std::string_view content) {
  Found found;
  for (uint32_t i = 0; i < literals.size(); ++i) {
    for (size_t at = 0; at < content.size(); ++at) {
      if (!IsAt(literals[i], content, at)) continue;
      found.emplace_back(i, at + literals[i].text.size());
    }
  }
  return found;
}

// So that literals are found by any of their bytes, not by the first ones.
const std::vector<float>& SomeRates() {
  static const std::vector<float> rates = [] {
    std::vector<float> some;
    std::mt19937 random(4);
    for (size_t i = 0; i < kPairs; ++i) {
      some.push_back(static_cast<float>(random() % 100) / (50 * kPairs));
    }
    return some;
  }();
  return rates;
}

std::vector<uint64_t> Packed(const std::vector<Literal>& literals) {
  std::vector<GramText> texts;
  for (uint32_t i = 0; i < literals.size(); ++i) {
    GramText text{AsBytes(literals[i].text), literals[i].is_folded, i};
    text.is_by_pair = literals[i].is_by_pair;
    texts.push_back(text);
  }
  return PackGramFilter(texts, SomeRates());
}

Found SearchWith(const GramBlocks& blocks, const std::vector<Literal>& literals,
                 std::string_view content) {
  const std::vector<uint64_t> buffer = Packed(literals);
  const auto filter = GramFilter::Open(buffer, literals.size());
  Found found;
  EXPECT_TRUE(filter.has_value());
  if (!filter) return found;
  GramScan scan(blocks);
  scan.Scan(*filter, AsBytes(content),
            [&found](uint32_t trigger, size_t /*begin*/, size_t end) {
              found.emplace_back(trigger, end);
            });
  std::sort(found.begin(), found.end());
  return found;
}

// Of few different bytes, so that there is much to find; letters of both cases,
// what differs from them in the same bit, and bytes beyond ASCII.
constexpr std::string_view kAlphabet("aAbB@`[{\0\x20\xe4\xc4", 12);

std::string Text(size_t bytes, std::mt19937& random) {
  std::string text;
  const size_t different = 1 + random() % kAlphabet.size();
  while (text.size() < bytes) text += kAlphabet[random() % different];
  return text;
}

std::vector<Literal> Literals(size_t count, std::mt19937& random) {
  std::vector<Literal> literals;
  while (literals.size() < count) {
    Literal literal{Text(2 + random() % 7, random), random() % 2 == 0};
    const bool is_short = literal.text.size() < kGramLiteralBytesMin;
    if (is_short || random() % 3 == 0) {
      literal.is_by_pair = true;
    }
    if (literal.is_folded) {
      std::transform(literal.text.begin(), literal.text.end(),
                     literal.text.begin(), Lower);
    }
    literals.push_back(std::move(literal));
  }
  return literals;
}

class GramScanTest : public testing::TestWithParam<GramBlocks> {};

TEST_P(GramScanTest, FindsWhatANaiveSearchFinds) {
  std::mt19937 random(20);
  size_t found = 0;
  for (int round = 0; round < 300; ++round) {
    const std::vector<Literal> literals = Literals(1 + random() % 40, random);
    // Around the size of a vector, and across the border of a block.
    const size_t bytes =
        round % 10 == 0 ? kGramBlockBytes - 20 + random() % 40 : random() % 150;
    const std::string content = Text(bytes, random);
    const Found expected = SearchNaively(literals, content);
    ASSERT_EQ(SearchWith(GetParam(), literals, content), expected) << round;
    found += expected.size();
  }
  EXPECT_GT(found, 1000U);
}

TEST_P(GramScanTest, FindsALiteralAtEveryPlace) {
  const std::vector<Literal> literals = {
      {"no", true, true},        {"nee", true, true}, {"n-eed", true},
      {"n-eedl", true},          {"n-eedle", true},   {"n-eedles", true},
      {"n-eedless", true, true}, {"no", false, true}, {"nee", false, true}};
  for (size_t at = 0; at < 1000; ++at) {
    Literal literal = literals[at % literals.size()];
    literal.text.resize(std::min<size_t>(literal.text.size(), 8));
    const std::string content =
        std::string(at / 10, '.') + literal.text + std::string(at % 9, '.');
    const Found expected = {{0, at / 10 + literal.text.size()}};
    EXPECT_EQ(SearchWith(GetParam(), {literal}, content), expected)
        << literal.text << at;
  }
}

// Of five bytes, with every byte in front: found once, whatever its hash.
TEST_P(GramScanTest, FindsEveryPlaceOnceBehindAnyByte) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    Literal literal;
    for (size_t i = 0; i < kGramLiteralBytesMin; ++i) {
      literal.text += static_cast<char>(random() % 256);
    }
    std::string content;
    for (unsigned byte = 0; byte < 256; ++byte) {
      content += static_cast<char>(byte);
      content += literal.text;
      // So that each stands at each place, counted from what is looked at.
      if (byte % 3 == 0) content += '-';
    }
    EXPECT_EQ(SearchWith(GetParam(), {literal}, content),
              SearchNaively({literal}, content))
        << round;
  }
}

// With one set of masks and with two, of two bytes and of three, and without.
TEST_P(GramScanTest, FindsAnyNumberOfPairs) {
  std::mt19937 random(2);
  std::string content = Text(2000, random);
  for (int i = 0; i < 20000; ++i) content += static_cast<char>(random() % 256);
  std::set<std::pair<size_t, size_t>> masks;  // Sets, bytes.
  constexpr std::array<size_t, 10> kCounts = {1,  2,  10, 20,  30,
                                              40, 50, 80, 300, 2000};
  for (const size_t count : kCounts) {
    for (const size_t shortest : {size_t{2}, size_t{3}}) {
      std::vector<Literal> literals;
      for (size_t i = 0; i < count; ++i) {
        Literal& literal = literals.emplace_back();
        const size_t length = shortest + random() % (2 * shortest - 3);
        literal.text = content.substr(random() % 20000, length);
        literal.is_by_pair = true;
      }
      EXPECT_EQ(SearchWith(GetParam(), literals, content),
                SearchNaively(literals, content))
          << count;
      const std::vector<uint64_t> buffer = Packed(literals);
      const auto filter = GramFilter::Open(buffer, literals.size());
      ASSERT_TRUE(filter.has_value());
      const PairLane& lane = filter->pairs;
      masks.emplace(lane.masks.size() / PairSetBytes(lane.masked_bytes),
                    lane.masks.empty() ? 0 : lane.masked_bytes);
    }
  }
  EXPECT_EQ(masks, (std::set<std::pair<size_t, size_t>>{
                       {0, 0}, {1, 2}, {1, 3}, {2, 2}, {2, 3}}));
}

TEST_P(GramScanTest, FindsNothingInWhatIsTooShort) {
  for (const std::string_view content : {"", "n", "need", "needl"}) {
    EXPECT_EQ(SearchWith(GetParam(), {{"needle", false}}, content), Found());
  }
}

// A page with nothing to be read in front of it, or behind it.
class LonePage {
 public:
  LonePage()
      : bytes_(static_cast<size_t>(::sysconf(_SC_PAGESIZE))),
        pages_(::mmap(nullptr, 3 * bytes_, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    EXPECT_NE(pages_, MAP_FAILED);
    EXPECT_EQ(::mprotect(begin(), bytes_, PROT_READ | PROT_WRITE), 0);
  }
  LonePage(const LonePage&) = delete;
  LonePage& operator=(const LonePage&) = delete;
  ~LonePage() { (void)::munmap(pages_, 3 * bytes_); }

  // The text, so that it begins where the page begins.
  std::string_view PutFirst(std::string_view text) { return Put(text, 0); }
  // The text, so that it ends where the page ends.
  std::string_view PutLast(std::string_view text) {
    return Put(text, bytes_ - text.size());
  }

 private:
  char* begin() { return static_cast<char*>(pages_) + bytes_; }
  std::string_view Put(std::string_view text, size_t offset) {
    std::memcpy(begin() + offset, text.data(), text.size());
    return {begin() + offset, text.size()};
  }

  size_t bytes_;
  void* pages_;
};

TEST_P(GramScanTest, ReadsNothingOutsideTheContent) {
  const std::vector<Literal> literals = {{"aaaaaaaa", false},
                                         {"aaaaa", false},
                                         {"aaaaaaaa", true, true},
                                         {"aaa", false, true}};
  LonePage page;
  for (size_t bytes = 0; bytes < 200; ++bytes) {
    const std::string content(bytes, 'a');
    const Found expected = SearchNaively(literals, content);
    EXPECT_EQ(SearchWith(GetParam(), literals, page.PutFirst(content)),
              expected);
    EXPECT_EQ(SearchWith(GetParam(), literals, page.PutLast(content)),
              expected);
  }
}

// More of them than are looked at at once, each of them a match of many.
TEST_P(GramScanTest, FindsAllWaysToWriteAWord) {
  std::vector<Literal> literals;
  for (unsigned cases = 0; cases < 256; ++cases) {
    std::string& text = literals.emplace_back().text;
    for (unsigned i = 0; i < 8; ++i) text += (cases >> i & 1) != 0 ? 'A' : 'a';
  }
  const std::string content = std::string(3000, 'a') + std::string(3000, 'A');
  EXPECT_EQ(SearchWith(GetParam(), literals, content),
            SearchNaively(literals, content));
}

TEST(GramBlocksTest, TheFastestIsOneOfThoseThatThereAre) {
  const GramBlocks& fastest = FastestGramBlocks();
  EXPECT_EQ(&fastest, &FastestGramBlocks());
  const auto all = AvailableGramBlocks();
  EXPECT_EQ(std::count_if(all.begin(), all.end(),
                          [&fastest](const GramBlocks& blocks) {
                            return &blocks == &fastest;
                          }),
            1);
}

INSTANTIATE_TEST_SUITE_P(, GramScanTest,
                         testing::ValuesIn(AvailableGramBlocks().begin(),
                                           AvailableGramBlocks().end()),
                         [](const testing::TestParamInfo<GramBlocks>& blocks) {
                           return std::string(blocks.param.name);
                         });

}  // namespace
}  // namespace gatehouse
