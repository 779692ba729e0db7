// Compares the scanner with the obvious thing: look for every literal in the
// whole file. The oracle shares no code with the scanner.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "engine/scanner.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/signatures_for_tests.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;
constexpr size_t kFileBytesMax = size_t{4} << 20;

class ScannerOracleTest : public testing::Test {
 protected:
  ScannerOracleTest() {
    RecordProperty("seed", std::to_string(seed_));
    random_.seed(seed_);
  }

  std::string RandomBytes(size_t count) {
    std::uniform_int_distribution<int> byte(0, 255);
    std::string bytes(count, '\0');
    for (char& c : bytes) c = static_cast<char>(byte(random_));
    return bytes;
  }

  size_t Below(size_t end) {
    return std::uniform_int_distribution<size_t>(0, end - 1)(random_);
  }

  // The name that must be reported, or nothing.
  static std::string Expected(const std::vector<BodySignature>& signatures,
                              std::string_view file) {
    std::string smallest;
    for (const BodySignature& signature : signatures) {
      const std::string_view literal = AsText(signature.literal);
      const bool matches =
          signature.offset == kAnyOffset
              ? file.find(literal) != std::string_view::npos
              : signature.offset <= file.size() &&
                    file.substr(signature.offset).starts_with(literal);
      if (matches && (smallest.empty() || signature.name < smallest)) {
        smallest = signature.name;
      }
    }
    return smallest;
  }

  void ExpectAgreement(const std::vector<BodySignature>& signatures,
                       Scanner& scanner, const std::string& file,
                       const std::string& what) const {
    const Verdict verdict = scanner.Scan(FileOf(file).UnsafeFd(), {});
    EXPECT_EQ(verdict.threat_name, Expected(signatures, file))
        << what << ", seed " << seed_;
    EXPECT_EQ(verdict.kind == VerdictKind::kInfected,
              !verdict.threat_name.empty());
    EXPECT_EQ(verdict.bytes_scanned, file.size());
  }

  const unsigned seed_ = std::random_device()();
  std::mt19937 random_;
};

// Every place where something of the machinery changes hands.
std::vector<size_t> Borders() {
  std::vector<size_t> borders;
  for (size_t at = 64; at <= kFileBytesMax; at *= 2) borders.push_back(at);
  for (size_t at = kBlockBytes; at <= kFileBytesMax; at += kBlockBytes) {
    borders.push_back(at);
  }
  std::sort(borders.begin(), borders.end());
  borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
  return borders;
}

TEST_F(ScannerOracleTest, FindsLongLiteralsAcrossEveryBorder) {
  std::vector<BodySignature> signatures;
  for (int i = 0; i < 24; ++i) {
    const size_t length =
        i < 2 ? kLiteralBytesMax : 8 + Below(i < 8 ? 400U : 24U);
    signatures.push_back(Body("S" + std::to_string(i), RandomBytes(length)));
  }
  const auto scanner = MakeScanner(signatures);
  const std::string background = RandomBytes(kFileBytesMax + 8192);
  for (const size_t border : Borders()) {
    const BodySignature& planted = signatures[Below(signatures.size())];
    const std::string_view literal = AsText(planted.literal);
    const size_t before = std::min(border, 1 + Below(literal.size() - 1));
    std::string file = background.substr(0, border + literal.size());
    file.replace(border - before, literal.size(), literal);
    ExpectAgreement(signatures, *scanner, file,
                    planted.name + " across " + std::to_string(border));
    char& flipped = file[border - before + Below(literal.size())];
    flipped = static_cast<char>(flipped ^ (1 << Below(8)));
    ExpectAgreement(signatures, *scanner, file,
                    "twin across " + std::to_string(border));
  }
}

TEST_F(ScannerOracleTest, FindsLiteralsAtTheStartAndAtTheEnd) {
  std::vector<BodySignature> signatures;
  for (int i = 0; i < 50; ++i) {
    signatures.push_back(
        Body("S" + std::to_string(i), RandomBytes(8 + Below(60))));
  }
  const auto scanner = MakeScanner(signatures);
  for (const BodySignature& planted : signatures) {
    const std::string literal(AsText(planted.literal));
    const std::string filling = RandomBytes(Below(3 * kBlockBytes));
    ExpectAgreement(signatures, *scanner, literal + filling, "start");
    ExpectAgreement(signatures, *scanner, filling + literal, "end");
    ExpectAgreement(signatures, *scanner, literal, "alone");
    ExpectAgreement(signatures, *scanner,
                    filling + literal.substr(0, literal.size() - 1), "cut off");
    ExpectAgreement(signatures, *scanner, literal.substr(1) + filling,
                    "beheaded");
  }
}

TEST_F(ScannerOracleTest, NamesTheSmallestOfManyShortLiterals) {
  for (int round = 0; round < 30; ++round) {
    std::vector<BodySignature> signatures;
    for (int i = 0; i < 100; ++i) {
      const bool is_anchored = Below(3) == 0;
      signatures.push_back(Body("S" + std::to_string(Below(1000)),
                                RandomBytes(2 + Below(2)),
                                is_anchored ? Below(70000) : kAnyOffset));
    }
    const auto scanner = MakeScanner(signatures);
    for (int file = 0; file < 10; ++file) {
      // No text, which has a second form to be found in.
      ExpectAgreement(signatures, *scanner,
                      "\x7f"
                      "ELF" +
                          RandomBytes(Below(70000)),
                      "short literals");
    }
  }
}

TEST_F(ScannerOracleTest, FindsAnchoredLiteralsAcrossEveryBorder) {
  const std::string background = RandomBytes(kFileBytesMax + 8192);
  for (const size_t border : Borders()) {
    const std::string literal =
        RandomBytes(Below(4) == 0 ? kLiteralBytesMax : 2 + Below(64));
    const size_t offset =
        border - std::min(border, 1 + Below(literal.size() - 1));
    const std::vector<BodySignature> signatures = {
        Body("A", literal, offset), Body("B", literal, offset + 1),
        Body("C", RandomBytes(kLiteralBytesMax), border)};
    const auto scanner = MakeScanner(signatures);
    std::string file = background.substr(0, border + literal.size());
    file.replace(offset, literal.size(), literal);
    ExpectAgreement(signatures, *scanner, file,
                    "anchored across " + std::to_string(border));
    char& flipped = file[offset + Below(literal.size())];
    flipped = static_cast<char>(flipped ^ (1 << Below(8)));
    ExpectAgreement(signatures, *scanner, file,
                    "anchored twin across " + std::to_string(border));
  }
}

TEST_F(ScannerOracleTest, FindsLiteralsOfFewDifferentBytes) {
  // Overlaps and repetitions: the hard food of literal matchers.
  const auto few = [this](size_t count) {
    std::string bytes(count, '\0');
    for (char& c : bytes) c = Below(8) == 0 ? 'a' : '\0';
    return bytes;
  };
  for (int round = 0; round < 20; ++round) {
    std::vector<BodySignature> signatures;
    for (int i = 0; i < 40; ++i) {
      signatures.push_back(Body("S" + std::to_string(i), few(10 + Below(60))));
    }
    const auto scanner = MakeScanner(signatures);
    for (int file = 0; file < 10; ++file) {
      ExpectAgreement(signatures, *scanner, few(Below(5000)), "few bytes");
    }
  }
}

}  // namespace
}  // namespace gatehouse
