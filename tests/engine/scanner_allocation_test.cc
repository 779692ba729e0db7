// Proves that scanning a clean file allocates nothing.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/scanner.h"
#include "tests/engine/counted_allocations.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/format/executable_maker.h"
#include "tests/engine/signatures_for_tests.h"

namespace gatehouse {
namespace {

constexpr int kScans = 10;

HashSignature Never(DigestAlgorithm algorithm, uint64_t size) {
  HashSignature signature;
  signature.name = "Never";
  signature.algorithm = algorithm;
  signature.size = size;
  return signature;
}

// Of all scans but the first, after which the views of a text have room.
int AllocationsOf(Scanner& scanner, int fd) {
  (void)scanner.Scan(fd, {});
  const int before = counted_allocations;
  for (int i = 0; i < kScans; ++i) {
    const Verdict verdict = scanner.Scan(fd, {});
    if (verdict.kind != VerdictKind::kClean) return -1;
  }
  return counted_allocations - before;
}

TEST(ScannerAllocationTest, CountsAllocations) {
  const int before = counted_allocations;
  EXPECT_EQ(std::string(100, 'x').size(), 100U);
  EXPECT_GT(counted_allocations, before);
}

TEST(ScannerAllocationTest, ACleanFileOfAnySizeAllocatesNothing) {
  const auto scanner = MakeScanner({Body("A", "abcdef"), Body("B", "xyz", 9)});
  for (const size_t size : {size_t{0}, size_t{1}, size_t{4096},
                            size_t{256} << 10, size_t{1} << 20}) {
    const UniqueFd file = FileOf(std::string(size, '.'));
    EXPECT_EQ(AllocationsOf(*scanner, file.UnsafeFd()), 0) << size;
  }
}

TEST(ScannerAllocationTest, OnlyOpenSslAllocatesAndOncePerDigest) {
  const auto scanner =
      MakeScanner({}, {Never(DigestAlgorithm::kMd5, kAnySize),
                       Never(DigestAlgorithm::kSha1, kAnySize),
                       Never(DigestAlgorithm::kSha256, kAnySize)});
  for (const size_t size : {size_t{1}, size_t{1} << 20}) {
    const UniqueFd file = FileOf(std::string(size, '.'));
    const int before = counted_new;
    EXPECT_LE(AllocationsOf(*scanner, file.UnsafeFd()), kScans * 3) << size;
    EXPECT_EQ(counted_new, before) << size;
  }
}

TEST(ScannerAllocationTest, APeFileWithoutAListedSectionAllocatesNothing) {
  Signatures signatures;
  signatures.section_hashes = {Never(DigestAlgorithm::kMd5, 0x201)};
  signatures.allowed_hashes = {Never(DigestAlgorithm::kMd5, kAnySize)};
  const auto scanner =
      Scanner::Create(SignatureSet::Compile(std::move(signatures)).value());
  for (const size_t size : {size_t{0x1000}, size_t{1} << 20}) {
    MadePe pe;
    pe.file_bytes = size;
    const std::vector<uint8_t> content = MakePe(pe);
    const UniqueFd file = FileOf(AsText(content));
    (void)AllocationsOf(**scanner, file.UnsafeFd());  // Lists grow once.
    EXPECT_EQ(AllocationsOf(**scanner, file.UnsafeFd()), 0) << size;
  }
}

}  // namespace
}  // namespace gatehouse
