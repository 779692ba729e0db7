// How the scanner meets reads that go wrong, and files that change meanwhile.
// The pread of this program asks the test first, so that nothing depends on
// timing.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "engine/scanner.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/intercepted_pread.h"
#include "tests/engine/signatures_for_tests.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;

class ScannerReadTest : public testing::Test {
 protected:
  ~ScannerReadTest() override { before_read = nullptr; }

  HashSignature HashOfSize(std::string name, DigestAlgorithm algorithm,
                           size_t size) const {
    return HashByProgram(std::move(name), algorithm,
                         folder_.Write("sample", std::string(size, 'x')), size);
  }
  // For files of one block that never match: only their size is listed.
  static HashSignature SizeOnly(DigestAlgorithm algorithm, size_t size) {
    HashSignature signature;
    signature.name = "Never";
    signature.algorithm = algorithm;
    signature.size = size;
    return signature;
  }
  static void SetSize(int fd, size_t size) {
    struct stat status = {};
    ASSERT_EQ(::fstat(fd, &status), 0);
    const size_t old_size = static_cast<size_t>(status.st_size);
    if (size > old_size) {
      const std::string more(size - old_size, 'x');
      ASSERT_EQ(::pwrite(fd, more.data(), more.size(), status.st_size),
                static_cast<ssize_t>(more.size()));
    } else {
      ASSERT_EQ(::ftruncate(fd, static_cast<off_t>(size)), 0);
    }
  }
  // The file has these sizes at the beginning of each pass.
  static void ChangeSizeInEachPass(std::vector<size_t> sizes) {
    before_read = [sizes, pass = size_t{0}](Read& read) mutable {
      if (read.offset == 0 && pass < sizes.size()) {
        SetSize(read.fd, sizes[pass++]);
      }
      return true;
    };
  }

  TempDir folder_;
};

TEST_F(ScannerReadTest, ReadsASmallFileOnce) {
  int reads = 0;
  before_read = [&reads](Read&) { return ++reads > 0; };
  const auto scanner = MakeScanner({Body("A", "abc")});
  EXPECT_EQ(scanner->Scan(FileOf("..abc").UnsafeFd(), {}).threat_name, "A");
  EXPECT_EQ(reads, 1);
}

TEST_F(ScannerReadTest, PutsShortReadsTogether) {
  before_read = [](Read& read) { return (read.bytes = 1) != 0; };
  const auto scanner = MakeScanner({Body("A", "abc"), Body("B", "bcd", 3)});
  EXPECT_EQ(scanner->Scan(FileOf("..abc").UnsafeFd(), {}).threat_name, "A");
  EXPECT_EQ(scanner->Scan(FileOf("...bcd").UnsafeFd(), {}).threat_name, "B");
  EXPECT_EQ(scanner->Scan(FileOf("..abd").UnsafeFd(), {}).kind,
            VerdictKind::kClean);
}

TEST_F(ScannerReadTest, RepeatsAnInterruptedRead) {
  bool is_interrupted = false;
  before_read = [&is_interrupted](Read&) {
    is_interrupted = !is_interrupted;
    errno = EINTR;
    return !is_interrupted;
  };
  const auto scanner = MakeScanner({Body("A", "abc")});
  EXPECT_EQ(scanner->Scan(FileOf("..abc").UnsafeFd(), {}).threat_name, "A");
}

TEST_F(ScannerReadTest, AReadErrorIsAnErrorAndNeverClean) {
  before_read = [](Read& read) {
    read.bytes = 100;  // The rest of the file is unreadable.
    errno = EIO;
    return read.offset < 100;
  };
  const auto scanner = MakeScanner({Body("A", "abc")});
  const Verdict verdict =
      scanner->Scan(FileOf(std::string(1000, '.')).UnsafeFd(), {});
  EXPECT_EQ(verdict.kind, VerdictKind::kError);
  EXPECT_EQ(verdict.error_number, EIO);
  EXPECT_EQ(verdict.bytes_scanned, 100U);
}

TEST_F(ScannerReadTest, AHitInFrontOfAReadErrorIsReported) {
  before_read = [](Read& read) {
    read.bytes = 100;
    errno = EIO;
    return read.offset < 100;
  };
  const auto scanner = MakeScanner({Body("A", "abc")});
  EXPECT_EQ(scanner->Scan(FileOf("abc" + std::string(1000, '.')).UnsafeFd(), {})
                .threat_name,
            "A");
}

TEST_F(ScannerReadTest, StopsBetweenBlocksWhenItIsCancelled) {
  std::stop_source cancel;
  before_read = [&cancel](Read& read) {
    return read.offset < 300000 || cancel.request_stop() || true;
  };
  ScanLimits limits;
  limits.cancel = cancel.get_token();
  const auto scanner = MakeScanner({Body("A", "abc")});
  const Verdict verdict = scanner->Scan(
      FileOf(std::string(4 * kBlockBytes, '.')).UnsafeFd(), limits);
  EXPECT_EQ(verdict.reason, NotScannedReason::kCancelled);
  EXPECT_EQ(verdict.bytes_scanned, 3 * kBlockBytes);
}

TEST_F(ScannerReadTest, JudgesASmallFileByItsTrueSize) {
  const auto scanner =
      MakeScanner({}, {HashOfSize("H", DigestAlgorithm::kMd5, 500)});
  ChangeSizeInEachPass({500});
  EXPECT_EQ(scanner->Scan(FileOf("xxxxx").UnsafeFd(), {}).threat_name, "H");
}

TEST_F(ScannerReadTest, ReadsAGrownFileAgainForItsDigest) {
  const auto scanner =
      MakeScanner({}, {HashOfSize("H", DigestAlgorithm::kMd5, 400000)});
  ChangeSizeInEachPass({400000});
  const Verdict verdict =
      scanner->Scan(FileOf(std::string(300000, 'x')).UnsafeFd(), {});
  EXPECT_EQ(verdict.threat_name, "H");
  EXPECT_EQ(verdict.bytes_scanned, 400000U);
}

TEST_F(ScannerReadTest, ReadsAFileThatOutgrowsItsBlockAgain) {
  const auto scanner =
      MakeScanner({}, {HashOfSize("H", DigestAlgorithm::kSha256, 300000)});
  ChangeSizeInEachPass({300000});
  EXPECT_EQ(scanner->Scan(FileOf("x").UnsafeFd(), {}).threat_name, "H");
}

TEST_F(ScannerReadTest, JudgesAShrunkFileByItsTrueSize) {
  const auto scanner =
      MakeScanner({}, {HashOfSize("H", DigestAlgorithm::kMd5, 500)});
  ChangeSizeInEachPass({500});
  EXPECT_EQ(scanner->Scan(FileOf(std::string(300000, 'x')).UnsafeFd(), {})
                .threat_name,
            "H");
}

TEST_F(ScannerReadTest, AChangedSizeThatNoHashKnowsCostsNothing) {
  int passes = 0;
  const auto scanner =
      MakeScanner({}, {SizeOnly(DigestAlgorithm::kMd5, 700000)});
  before_read = [&passes](Read& read) {
    if (read.offset == 0 && ++passes == 1) SetSize(read.fd, 400000);
    return true;
  };
  EXPECT_EQ(scanner->Scan(FileOf(std::string(300000, 'x')).UnsafeFd(), {}).kind,
            VerdictKind::kClean);
  EXPECT_EQ(passes, 1);
}

TEST_F(ScannerReadTest, GivesUpOnAFileThatNeverHoldsStill) {
  const auto scanner =
      MakeScanner({}, {SizeOnly(DigestAlgorithm::kMd5, 400000),
                       SizeOnly(DigestAlgorithm::kSha1, 500000),
                       SizeOnly(DigestAlgorithm::kSha256, 600000)});
  ChangeSizeInEachPass({400000, 500000, 600000});
  const Verdict verdict =
      scanner->Scan(FileOf(std::string(300000, 'x')).UnsafeFd(), {});
  EXPECT_EQ(verdict.kind, VerdictKind::kNotScanned);
  EXPECT_EQ(verdict.reason, NotScannedReason::kChangedWhileScanning);
}

TEST_F(ScannerReadTest, ReportsAHitInAFileThatNeverHoldsStill) {
  const auto scanner = MakeScanner(
      {Body("A", "abc")}, {SizeOnly(DigestAlgorithm::kMd5, 400000),
                           SizeOnly(DigestAlgorithm::kSha1, 500000),
                           SizeOnly(DigestAlgorithm::kSha256, 600000)});
  ChangeSizeInEachPass({400000, 500000, 600000});
  EXPECT_EQ(
      scanner->Scan(FileOf("abc" + std::string(300000, 'x')).UnsafeFd(), {})
          .threat_name,
      "A");
}

}  // namespace
}  // namespace gatehouse
