// Files in which something is found and which a hash allows.
//
// The pread of this program asks the test first.
#include "engine/allowed_hashes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "engine/scanner.h"
#include "tests/eicar_text.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/format/executable_maker.h"
#include "tests/engine/intercepted_pread.h"
#include "tests/engine/signatures_for_tests.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

constexpr off_t kBlockBytes = off_t{256} << 10;
// No body is confirmed there; whoever reads it then does so for a digest.
constexpr off_t kFarOffset = 2 * kBlockBytes;

class AllowedHashesTest : public testing::Test {
 protected:
  AllowedHashesTest() {
    signatures_.bodies = {SignatureOf(Body("A.Body", "malicious"))};
  }
  ~AllowedHashesTest() override { before_read = nullptr; }

  HashSignature HashOf(std::string name, std::string_view content,
                       DigestAlgorithm algorithm = DigestAlgorithm::kMd5) {
    return HashByProgram(std::move(name), algorithm,
                         folder_.Write("content", content), content.size());
  }
  static std::string ContentOf(size_t bytes) {
    std::string content = "malicious";
    content.resize(bytes, '\1');  // No text, which has more than one view.
    return content;
  }
  Verdict Scan(std::string_view content, const ScanLimits& limits = {}) {
    auto scanner = Scanner::Create(SignatureSet::Compile(signatures_).value());
    return scanner.value()->Scan(FileOf(content).UnsafeFd(), limits);
  }
  Verdict ScanForDigest(std::string_view content) {
    ScanLimits limits;
    limits.wants_sha256 = true;
    return Scan(content, limits);
  }

  TempDir folder_;
  Signatures signatures_;
};

TEST_F(AllowedHashesTest, AFileIsAllowedByEachAlgorithmWithItsSizeOrAny) {
  for (const size_t bytes :
       {size_t{9}, size_t{kBlockBytes}, size_t{3 * kBlockBytes + 1}}) {
    const std::string content = ContentOf(bytes);
    for (const auto algorithm : {DigestAlgorithm::kMd5, DigestAlgorithm::kSha1,
                                 DigestAlgorithm::kSha256}) {
      for (const uint64_t size : {uint64_t{bytes}, kAnySize}) {
        HashSignature hash = HashOf("ok", content, algorithm);
        hash.size = size;
        signatures_.allowed_hashes = {hash};
        const Verdict verdict = Scan(content);
        EXPECT_EQ(verdict.kind, VerdictKind::kClean);
        EXPECT_EQ(verdict.allowed_by, "ok");
        EXPECT_EQ(verdict.threat_name, "A.Body");
        EXPECT_EQ(verdict.bytes_scanned, bytes);
      }
    }
  }
}

TEST_F(AllowedHashesTest, AFileWithOneOtherByteOrAnotherSizeIsNotAllowed) {
  const std::string content = ContentOf(1000);
  signatures_.allowed_hashes = {HashOf("ok", content)};
  std::string twin = content;
  twin.back() = '_';
  EXPECT_EQ(Scan(twin).kind, VerdictKind::kInfected);
  EXPECT_EQ(Scan(content + '.').kind, VerdictKind::kInfected);
  EXPECT_EQ(Scan(twin).allowed_by, "");
  signatures_.allowed_hashes[0].size = 1001;
  EXPECT_EQ(Scan(content).kind, VerdictKind::kInfected);
}

TEST_F(AllowedHashesTest, ItIsAboveEveryKindOfHash) {
  const std::vector<uint8_t> file = MakePe({});
  const std::string content(AsText(file));
  signatures_.hashes = {HashOf("whole", content)};
  signatures_.section_hashes = {
      HashOf("section", std::string_view(content).substr(0x400, 0x200))};
  EXPECT_EQ(Scan(content).kind, VerdictKind::kInfected);
  signatures_.allowed_hashes = {HashOf("ok", content)};
  const Verdict verdict = Scan(content);
  EXPECT_EQ(verdict.kind, VerdictKind::kClean);
  EXPECT_EQ(verdict.allowed_by, "ok");
  EXPECT_EQ(verdict.threat_name, "section");
}

TEST_F(AllowedHashesTest, TheBuiltInRuleIsAboveIt) {
  signatures_.bodies = {SignatureOf(Body("A.Body", "EICAR"))};
  signatures_.allowed_hashes = {HashOf("ok", EicarText())};
  const Verdict verdict = Scan(EicarText());
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_EQ(verdict.threat_name, "Virus:DOS/EICAR_Test_File");
}

TEST_F(AllowedHashesTest, ACleanFileIsCleanByItself) {
  const std::string content(1000, '.');
  signatures_.allowed_hashes = {HashOf("ok", content)};
  EXPECT_EQ(Scan(content).kind, VerdictKind::kClean);
  EXPECT_EQ(Scan(content).allowed_by, "");
}

TEST_F(AllowedHashesTest, OfSeveralTheSmallestNameIsTold) {
  const std::string content = ContentOf(100);
  signatures_.allowed_hashes = {HashOf("c", content), HashOf("b", content),
                                HashOf("a", content, DigestAlgorithm::kSha256)};
  EXPECT_EQ(Scan(content).allowed_by, "a");
}

TEST_F(AllowedHashesTest, WhatWasNotReadToItsEndIsNotAllowed) {
  const std::string content = ContentOf(1000);
  signatures_.allowed_hashes = {HashOf("ok", content),
                                HashOf("start", content.substr(0, 500))};
  ScanLimits limits;
  limits.bytes_max = 500;
  const Verdict verdict = Scan(content, limits);
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_EQ(verdict.unfinished, NotScannedReason::kSizeLimit);
}

TEST_F(AllowedHashesTest, ALargeFileIsReadAgainOnlyIfAHashHasItsSize) {
  const std::string content = ContentOf(4 * kBlockBytes);
  int reads = 0;
  before_read = [&reads](Read& read) {
    if (read.offset == 0) ++reads;
    return true;
  };
  signatures_.allowed_hashes = {HashOf("ok", content + '.')};
  EXPECT_EQ(Scan(content).kind, VerdictKind::kInfected);
  const int without = reads;
  signatures_.allowed_hashes = {HashOf("ok", content)};
  EXPECT_EQ(Scan(content).kind, VerdictKind::kClean);
  EXPECT_EQ(reads - without, without + 1);
}

TEST_F(AllowedHashesTest, AnErrorWhenItIsReadAgainAllowsNothing) {
  const std::string content = ContentOf(4 * kBlockBytes);
  signatures_.allowed_hashes = {HashOf("ok", content)};
  before_read = [has_ended = false](Read& read) mutable {
    has_ended = has_ended || read.offset == 4 * kBlockBytes;
    if (!has_ended || read.offset < kFarOffset) return true;
    errno = EIO;
    return false;
  };
  const Verdict verdict = Scan(content);
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_EQ(verdict.error_number, EIO);
}

TEST_F(AllowedHashesTest, AFileThatShrinksMeanwhileIsNotAllowed) {
  const std::string content = ContentOf(4 * kBlockBytes);
  signatures_.allowed_hashes = {HashOf("ok", content)};
  before_read = [has_ended = false](Read& read) mutable {
    has_ended = has_ended || read.offset == 4 * kBlockBytes;
    return !has_ended || ::ftruncate(read.fd, 3 * kBlockBytes) == 0;
  };
  const Verdict verdict = Scan(content);
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_EQ(verdict.unfinished, NotScannedReason::kChangedWhileScanning);
}

TEST_F(AllowedHashesTest, AFileThatIsCancelledMeanwhileIsNotAllowed) {
  const std::string content = ContentOf(12 * kBlockBytes);
  signatures_.allowed_hashes = {HashOf("ok", content)};
  std::stop_source cancel;
  before_read = [&cancel](Read& read) {
    // The scan is about to learn that this is the end.
    if (read.offset == 12 * kBlockBytes) cancel.request_stop();
    return true;
  };
  ScanLimits limits;
  limits.cancel = cancel.get_token();
  const Verdict verdict = Scan(content, limits);
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_EQ(verdict.unfinished, NotScannedReason::kCancelled);
}

// --- Of administrators -------------------------------------------------------

TEST_F(AllowedHashesTest, TheDigestOfAHitIsToldWhenItIsWanted) {
  for (const size_t bytes :
       {size_t{9}, size_t{kBlockBytes}, size_t{3 * kBlockBytes + 1}}) {
    const std::string content = ContentOf(bytes);
    const Verdict verdict = ScanForDigest(content);
    EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
    EXPECT_EQ(verdict.sha256, HexText(DigestByProgram(
                                  "sha256sum", folder_.Write("f", content))));
  }
  EXPECT_EQ(ScanForDigest(EicarText()).sha256.size(), 64U);
  EXPECT_EQ(ScanForDigest("harmless").sha256, "");
  EXPECT_EQ(Scan(ContentOf(9)).sha256, "");
}

TEST_F(AllowedHashesTest, ThereIsNoDigestOfWhatCannotBeReadAgain) {
  const std::string content = ContentOf(4 * kBlockBytes);
  before_read = [has_ended = false](Read& read) mutable {
    has_ended = has_ended || read.offset == 4 * kBlockBytes;
    if (!has_ended || read.offset < kFarOffset) return true;
    errno = EIO;
    return false;
  };
  const Verdict verdict = ScanForDigest(content);
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_EQ(verdict.sha256, "");
}

}  // namespace
}  // namespace gatehouse
