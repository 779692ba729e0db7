#include "engine/scanner.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/matching/regex_matcher.h"
#include "tests/eicar_text.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/signatures_for_tests.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;

Verdict ScanBytes(Scanner& scanner, std::string_view content,
                  const ScanLimits& limits = {}) {
  return scanner.Scan(FileOf(content).UnsafeFd(), limits);
}

TEST(ScannerTest, AnEmptyFileIsClean) {
  const auto scanner = MakeScanner({Body("A", "abc")});
  const Verdict verdict = ScanBytes(*scanner, "");
  EXPECT_EQ(verdict.kind, VerdictKind::kClean);
  EXPECT_EQ(verdict.bytes_scanned, 0U);
  EXPECT_GT(verdict.generation, 0U);
}

TEST(ScannerTest, AFileWithoutSignaturesIsClean) {
  const auto scanner = MakeScanner({Body("A", "abc")});
  const Verdict verdict = ScanBytes(*scanner, std::string(600000, 'a'));
  EXPECT_EQ(verdict.kind, VerdictKind::kClean);
  EXPECT_EQ(verdict.bytes_scanned, 600000U);
}

TEST(ScannerTest, FindsALiteralAndSaysWhich) {
  const auto scanner = MakeScanner({Body("A", "abc"), Body("B", "xyz")});
  const Verdict verdict = ScanBytes(*scanner, "..xyz..");
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_EQ(verdict.threat_name, "B");
}

TEST(ScannerTest, ForgetsTheLastFile) {
  const auto scanner = MakeScanner({Body("A", "abcd"), Body("B", "cdef", 4)});
  EXPECT_EQ(ScanBytes(*scanner, "..ab").kind, VerdictKind::kClean);
  EXPECT_EQ(ScanBytes(*scanner, "cd..").kind, VerdictKind::kClean);
  EXPECT_EQ(ScanBytes(*scanner, "abcd").kind, VerdictKind::kInfected);
  EXPECT_EQ(ScanBytes(*scanner, "..").kind, VerdictKind::kClean);
}

TEST(ScannerTest, LeavesTheFileOffsetAlone) {
  const auto scanner = MakeScanner({Body("A", "abcd")});
  const UniqueFd file = FileOf("..abcd..");
  ASSERT_EQ(::lseek(file.UnsafeFd(), 5, SEEK_SET), 5);
  EXPECT_EQ(scanner->Scan(file.UnsafeFd(), {}).kind, VerdictKind::kInfected);
  EXPECT_EQ(::lseek(file.UnsafeFd(), 0, SEEK_CUR), 5);
}

TEST(ScannerTest, FindsEicarWithoutAnySignature) {
  const auto scanner = MakeScanner({});
  const Verdict verdict = ScanBytes(*scanner, EicarText() + "\r\n");
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_EQ(verdict.threat_name, "Virus:DOS/EICAR_Test_File");
  EXPECT_EQ(ScanBytes(*scanner, EicarText() + "A").kind, VerdictKind::kClean);
  EXPECT_EQ(ScanBytes(*scanner, " " + EicarText()).kind, VerdictKind::kClean);
}

TEST(ScannerTest, NamesBuiltInRulesBeforeHashesBeforeBodies) {
  const TempDir folder;
  const std::string path = folder.Write("eicar", EicarText());
  const BodySignature body = Body("A.Body", "EICAR");
  const HashSignature hash =
      HashByProgram("B.Hash", DigestAlgorithm::kSha256, path, 68);
  const HashSignature padded_hash =
      HashByProgram("B.Hash", DigestAlgorithm::kSha1,
                    folder.Write("other", EicarText() + "A"), 69);
  const auto scanner = MakeScanner({body}, {hash, padded_hash});
  EXPECT_EQ(ScanBytes(*scanner, EicarText()).threat_name,
            "Virus:DOS/EICAR_Test_File");
  EXPECT_EQ(ScanBytes(*scanner, EicarText() + "A").threat_name, "B.Hash");
  EXPECT_EQ(ScanBytes(*scanner, EicarText() + "BC").threat_name, "A.Body");
}

TEST(ScannerTest, NamesTheSmallestOfSeveralBodies) {
  const auto scanner =
      MakeScanner({Body("C", "late"), Body("B", "early", 0), Body("D", "mid")});
  EXPECT_EQ(ScanBytes(*scanner, "late mid").threat_name, "C");
  EXPECT_EQ(ScanBytes(*scanner, "mid " + std::string(kBlockBytes, '.') + "late")
                .threat_name,
            "C");
  EXPECT_EQ(ScanBytes(*scanner, "early late mid").threat_name, "B");
}

TEST(ScannerTest, NamesTheSmallestOfSeveralHashes) {
  const TempDir folder;
  const std::string path = folder.Write("file", "content");
  const auto scanner = MakeScanner(
      {}, {HashByProgram("C", DigestAlgorithm::kMd5, path, 7),
           HashByProgram("B", DigestAlgorithm::kSha1, path, 7),
           HashByProgram("A", DigestAlgorithm::kSha256, path, kAnySize)});
  EXPECT_EQ(ScanBytes(*scanner, "content").threat_name, "A");
}

TEST(ScannerTest, ReportsEveryNameThatMatches) {
  const TempDir folder;
  const std::string path = folder.Write("eicar", EicarText());
  const HashSignature sized =
      HashByProgram("B.Hash", DigestAlgorithm::kSha256, path, 68);
  HashSignature any = sized;
  any.name = "A.Hash";
  any.size = kAnySize;
  HashSignature twin = sized;
  twin.name = "C.Hash";
  const auto scanner = MakeScanner(
      {Body("D.Body", "EICAR"), Body("E.Body", "X5O", 0), Body("D.Body", "5O")},
      {sized, any, twin});
  const Verdict verdict = ScanBytes(*scanner, EicarText());
  EXPECT_EQ(verdict.threat_name, "Virus:DOS/EICAR_Test_File");
  EXPECT_THAT(
      verdict.other_names,
      testing::ElementsAre("A.Hash", "B.Hash", "C.Hash", "D.Body", "E.Body"));
  EXPECT_TRUE(verdict.knows_all_names);
}

TEST(ScannerTest, SaysThatAnUnfinishedScanMayHaveMissedNames) {
  const auto scanner = MakeScanner({Body("A", "abc"), Body("B", "xyz")});
  ScanLimits limits;
  limits.bytes_max = 4;
  const Verdict verdict = ScanBytes(*scanner, "abc.xyz", limits);
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_FALSE(verdict.knows_all_names);
  EXPECT_EQ(verdict.unfinished, NotScannedReason::kSizeLimit);
}

TEST(ScannerTest, SaysThatMoreMatchedThanItCanName) {
  std::vector<BodySignature> bodies;
  for (char c = 'A'; c <= 'z'; ++c) bodies.push_back(Body({c, '.'}, "many"));
  const auto scanner = MakeScanner(std::move(bodies));
  const Verdict verdict = ScanBytes(*scanner, "many");
  EXPECT_EQ(verdict.threat_name, "A.");
  EXPECT_FALSE(verdict.knows_all_names);
  EXPECT_EQ(verdict.unfinished, NotScannedReason::kNone);
}

TEST(ScannerTest, FindsEachKindOfDigestInFilesOfOneAndOfManyBlocks) {
  const TempDir folder;
  for (const size_t size : {size_t{1}, kBlockBytes - 1, kBlockBytes,
                            kBlockBytes + 1, 3 * kBlockBytes + 17}) {
    const std::string content(size, 'x');
    const std::string path = folder.Write("file", content);
    for (const auto algorithm : {DigestAlgorithm::kMd5, DigestAlgorithm::kSha1,
                                 DigestAlgorithm::kSha256}) {
      for (const uint64_t listed_size : {uint64_t{size}, kAnySize}) {
        const auto scanner =
            MakeScanner({}, {HashByProgram("H", algorithm, path, listed_size)});
        EXPECT_EQ(ScanBytes(*scanner, content).threat_name, "H") << size;
        std::string twin = content;
        twin.back() = 'y';
        EXPECT_EQ(ScanBytes(*scanner, twin).kind, VerdictKind::kClean) << size;
      }
    }
  }
}

TEST(ScannerTest, FindsAnAnchoredLiteralThatAlsoOccursEarlier) {
  const auto scanner = MakeScanner({Body("A", "abcd", 300000)});
  std::string content(300010, 'a');
  for (size_t i = 0; i + 4 <= 299990; i += 4) content.replace(i, 4, "abcd");
  EXPECT_EQ(ScanBytes(*scanner, content).kind, VerdictKind::kClean);
  content.replace(300000, 4, "abcd");
  EXPECT_EQ(ScanBytes(*scanner, content).kind, VerdictKind::kInfected);
}

TEST(ScannerTest, FindsAnAnchoredLiteralAcrossABlockBorder) {
  const std::string literal = "0123456789abcdef";
  for (size_t before = 0; before <= literal.size(); ++before) {
    const uint64_t offset = kBlockBytes - before;
    const auto scanner =
        MakeScanner({Body("A", literal, offset), Body("B", "zz", 5)});
    std::string content(kBlockBytes + 100, '.');
    content.replace(offset, literal.size(), literal);
    EXPECT_EQ(ScanBytes(*scanner, content).threat_name, "A") << before;
    content[offset] = '_';
    EXPECT_EQ(ScanBytes(*scanner, content).kind, VerdictKind::kClean) << before;
  }
}

TEST(ScannerTest, FindsALiteralBeyondFourGigabytesAndNotItsDecoys) {
  const uint64_t offset = (uint64_t{4} << 30) + 4093;
  const auto scanner =
      MakeScanner({Body("A", "needle", offset), Body("B", "other")});
  const UniqueFd file = FileOf("needle");
  const int fd = file.UnsafeFd();
  const std::string decoy = "needle";
  for (const uint64_t place :
       {uint64_t{4093}, uint64_t{1} << 31, offset - 1000, offset + 1000}) {
    ASSERT_EQ(::pwrite(fd, decoy.data(), 6, static_cast<off_t>(place)), 6);
  }
  EXPECT_EQ(scanner->Scan(fd, {}).kind, VerdictKind::kClean);
  ASSERT_EQ(::pwrite(fd, decoy.data(), 6, static_cast<off_t>(offset)), 6);
  EXPECT_EQ(scanner->Scan(fd, {}).threat_name, "A");
}

TEST(ScannerTest, FindsAFloatingLiteralBeyondFourGigabytes) {
  const auto scanner = MakeScanner({Body("A", "needle")});
  const UniqueFd file = FileOf("");
  const off_t offset = (off_t{4} << 30) - 3;
  ASSERT_EQ(::pwrite(file.UnsafeFd(), "needle", 6, offset), 6);
  EXPECT_EQ(scanner->Scan(file.UnsafeFd(), {}).threat_name, "A");
}

TEST(ScannerTest, DoesNotScanAPipe) {
  const auto scanner = MakeScanner({});
  std::array<int, 2> ends = {-1, -1};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  const Verdict verdict = scanner->Scan(read_end.UnsafeFd(), {});
  EXPECT_EQ(verdict.kind, VerdictKind::kNotScanned);
  EXPECT_EQ(verdict.reason, NotScannedReason::kNotRegularFile);
}

TEST(ScannerTest, DoesNotScanDirectoriesDevicesAndSockets) {
  const auto scanner = MakeScanner({});
  const UniqueFd sockets[] = {
      UniqueFd(::open("/", O_RDONLY | O_CLOEXEC)),
      UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      UniqueFd(::open("/dev/zero", O_RDONLY | O_CLOEXEC)),
      UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  for (const UniqueFd& fd : sockets) {
    ASSERT_TRUE(fd.valid());
    EXPECT_EQ(scanner->Scan(fd.UnsafeFd(), {}).reason,
              NotScannedReason::kNotRegularFile);
  }
}

TEST(ScannerTest, ReportsTheErrorOfABadDescriptor) {
  const auto scanner = MakeScanner({});
  const Verdict verdict = scanner->Scan(-1, {});
  EXPECT_EQ(verdict.kind, VerdictKind::kError);
  EXPECT_EQ(verdict.error_number, EBADF);
}

TEST(ScannerTest, AFileLongerThanTheLimitIsNotScanned) {
  const auto scanner = MakeScanner({Body("A", "abc")});
  ScanLimits limits;
  for (const uint64_t max : {uint64_t{0}, uint64_t{9}, uint64_t{kBlockBytes}}) {
    limits.bytes_max = max;
    EXPECT_EQ(ScanBytes(*scanner, std::string(max, '.'), limits).kind,
              VerdictKind::kClean)
        << max;
    const Verdict verdict =
        ScanBytes(*scanner, std::string(max + 1, '.'), limits);
    EXPECT_EQ(verdict.kind, VerdictKind::kNotScanned) << max;
    EXPECT_EQ(verdict.reason, NotScannedReason::kSizeLimit) << max;
    EXPECT_EQ(verdict.bytes_scanned, max);
  }
}

TEST(ScannerTest, AHitInFrontOfTheLimitIsReported) {
  const auto scanner = MakeScanner({Body("A", "abc")});
  ScanLimits limits;
  limits.bytes_max = 5;
  EXPECT_EQ(ScanBytes(*scanner, "..abc...", limits).threat_name, "A");
  EXPECT_EQ(ScanBytes(*scanner, "...abc..", limits).kind,
            VerdictKind::kNotScanned);
}

TEST(ScannerTest, GivesUpWhenItsTimeIsOver) {
  const auto scanner = MakeScanner({Body("A", "abc")});
  ScanLimits limits;
  limits.give_up_at = MonotonicTime::min();
  const Verdict verdict = ScanBytes(*scanner, "..", limits);
  EXPECT_EQ(verdict.kind, VerdictKind::kNotScanned);
  EXPECT_EQ(verdict.reason, NotScannedReason::kTimeLimit);
}

TEST(ScannerTest, StopsWhenItIsCancelled) {
  const auto scanner = MakeScanner({Body("A", "abc")});
  std::stop_source cancel;
  ScanLimits limits;
  limits.cancel = cancel.get_token();
  EXPECT_EQ(ScanBytes(*scanner, "..", limits).kind, VerdictKind::kClean);
  cancel.request_stop();
  EXPECT_EQ(ScanBytes(*scanner, "..", limits).reason,
            NotScannedReason::kCancelled);
}

// "trigger", and then an expression.
std::unique_ptr<Scanner> ScannerWithExpression() {
  Signature signature = LiteralSignature("A", AsBytes("trigger"));
  RegexAtom regex;
  regex.expression = "x?";
  regex.trigger = 0;
  signature.atoms.emplace_back(regex);
  LogicNode node;
  node.left = 1;
  signature.logic.push_back(node);
  Signatures signatures;
  signatures.bodies.push_back(std::move(signature));
  auto set = SignatureSet::Compile(std::move(signatures));
  EXPECT_TRUE(set.has_value());
  auto scanner = Scanner::Create(std::move(*set));
  EXPECT_TRUE(scanner.has_value());
  return std::move(*scanner);
}

TEST(ScannerTest, AFileTooLargeForAnExpressionIsNotCalledClean) {
  const auto scanner = ScannerWithExpression();
  const UniqueFd file =
      FileOf(std::string_view("\x7f"
                              "ELF trigger"));
  for (const uint64_t bytes : {kRegexBytesMax, kRegexBytesMax + 1}) {
    ASSERT_EQ(::ftruncate(file.UnsafeFd(), static_cast<off_t>(bytes)), 0);
    const Verdict verdict = scanner->Scan(file.UnsafeFd(), {});
    if (bytes == kRegexBytesMax) {
      EXPECT_EQ(verdict.threat_name, "A");
    } else {
      EXPECT_EQ(verdict.kind, VerdictKind::kNotScanned);
      EXPECT_EQ(verdict.reason, NotScannedReason::kWorkLimit);
    }
  }
}

TEST(ScannerTest, KeepsItsSignaturesAlive) {
  auto set = MakeSet({Body("A", "abc")});
  const std::weak_ptr<const SignatureSet> watched = set;
  auto scanner = Scanner::Create(std::move(set));
  ASSERT_TRUE(scanner.has_value());
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(ScanBytes(**scanner, "abc").threat_name, "A");
  scanner->reset();
  EXPECT_TRUE(watched.expired());
}

TEST(ScannerTest, SeveralScannersShareOneSet) {
  const auto set = MakeSet({Body("A", "abc"), Body("B", "xyz", 1)});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&set] {
      const auto scanner = Scanner::Create(set);
      ASSERT_TRUE(scanner.has_value());
      for (int round = 0; round < 200; ++round) {
        EXPECT_EQ(ScanBytes(**scanner, "..abc").threat_name, "A");
        EXPECT_EQ(ScanBytes(**scanner, ".xyz").threat_name, "B");
        EXPECT_EQ(ScanBytes(**scanner, "..xyz").kind, VerdictKind::kClean);
      }
    });
  }
}

}  // namespace
}  // namespace gatehouse
