#include "engine/section_hashes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/format/pe_facts.h"
#include "engine/scanner.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/format/executable_maker.h"
#include "tests/engine/signatures_for_tests.h"
#include "tests/temp_dir.h"

namespace gatehouse {

// What is expected here is what clamscan 1.4.6 was seen to do; see
// tests/system/section_hashes_test.py. The digests are those of md5sum and its
// family.

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Bytes = std::vector<uint8_t>;

constexpr uint64_t kPlenty = uint64_t{1} << 30;

// The text that MakeImports stands for.
constexpr std::string_view kImportText = "foo.bar";

// A file whose only section holds an import table of one function.
Bytes FileWithImports() {
  constexpr uint32_t kAddress = 0x1000;
  constexpr size_t kOffset = 0x400;
  MadePe pe;
  pe.import_address = kAddress;
  MadeFile file(0);
  file.PutText(0, AsText(MakePe(pe)));
  file.Zero(kOffset, 0x200);
  file.Put(kOffset, kAddress + 0x40, 4);  // Where the functions are listed.
  file.Put(kOffset + 12, kAddress + 0x60, 4);  // The library's name.
  file.Put(kOffset + 0x40, kAddress + 0x80, 4);
  file.PutText(kOffset + 0x60, "FOO.dll");
  file.PutText(kOffset + 0x82, "Bar");
  return file.Take();
}

class SectionHashesTest : public testing::Test {
 protected:
  // The digest of `bytes` bytes of `file` from `offset` on.
  HashSignature HashOf(const Bytes& file, size_t offset, size_t bytes,
                       DigestAlgorithm algorithm = DigestAlgorithm::kMd5) {
    const std::string_view part = AsText(file).substr(offset, bytes);
    return HashByProgram("H" + std::to_string(offset), algorithm,
                         folder_.Write("part", part), part.size());
  }
  HashSignature HashOfText(std::string_view text) {
    return HashByProgram("Imports", DigestAlgorithm::kMd5,
                         folder_.Write("part", text), text.size());
  }

  // What is found, with room for `work` bytes.
  std::vector<std::string_view> Find(const Bytes& file,
                                     uint64_t work = kPlenty) {
    Result<std::shared_ptr<const SignatureSet>> set =
        SignatureSet::Compile(signatures_);
    set_ = set.value();
    SectionHashes hashes = SectionHashes::Create(*set_).value();
    Content content{ByteView(file)};
    ExecutableFacts facts;
    ReadPeFacts(content, facts);
    EXPECT_TRUE(facts.is_valid);
    WorkBudget budget(work);
    std::vector<std::string_view> names;
    ended_ = hashes.Find(content, facts, limits_, budget, names);
    work_left_ = budget.left();
    return names;
  }
  Verdict Scan(const Bytes& file) {
    auto scanner = Scanner::Create(SignatureSet::Compile(signatures_).value());
    return scanner.value()->Scan(FileOf(AsText(file)).UnsafeFd(), {});
  }

  TempDir folder_;
  Signatures signatures_;
  ScanLimits limits_;
  std::shared_ptr<const SignatureSet> set_;  // Owns the names.
  NotScannedReason ended_ = NotScannedReason::kNone;
  uint64_t work_left_ = 0;
};

TEST_F(SectionHashesTest, FindsASectionByEachAlgorithmWithItsSizeOrAny) {
  const Bytes file = MakePe({});
  for (const auto algorithm : {DigestAlgorithm::kMd5, DigestAlgorithm::kSha1,
                               DigestAlgorithm::kSha256}) {
    for (const uint64_t size : {uint64_t{0x200}, kAnySize}) {
      HashSignature hash = HashOf(file, 0x400, 0x200, algorithm);
      hash.size = size;
      signatures_.section_hashes = {hash};
      EXPECT_THAT(Find(file), ElementsAre("H1024"));
      EXPECT_EQ(work_left_, kPlenty - 0x200);
    }
  }
}

TEST_F(SectionHashesTest, DoesNotReadASectionOfAnotherSize) {
  const Bytes file = MakePe({});
  HashSignature hash = HashOf(file, 0x400, 0x200);
  hash.size = 0x201;
  signatures_.section_hashes = {hash};
  EXPECT_THAT(Find(file, 0), IsEmpty());
  EXPECT_EQ(ended_, NotScannedReason::kNone);
}

TEST_F(SectionHashesTest, ASectionWithOneOtherByteIsAnother) {
  Bytes file = MakePe({});
  signatures_.section_hashes = {HashOf(file, 0x400, 0x200)};
  file[0x5ff] ^= 1U;
  EXPECT_THAT(Find(file), IsEmpty());
  file[0x5ff] ^= 1U;
  file[0x600] ^= 1U;  // Behind it.
  EXPECT_THAT(Find(file), ElementsAre("H1024"));
}

TEST_F(SectionHashesTest, MeansTheRoundedSection) {
  MadePe pe;
  pe.sections = {{0x1000, 0x1000, 0x3ff, 0x201}};
  const Bytes file = MakePe(pe);
  signatures_.section_hashes = {HashOf(file, 0x200, 0x400),
                                HashOf(file, 0x3ff, 0x201),
                                HashOf(file, 0x400, 0x200)};
  EXPECT_THAT(Find(file), ElementsAre("H512"));
}

TEST_F(SectionHashesTest, CutsTheSectionAtTheEndOfTheFile) {
  MadePe pe;
  pe.sections = {{0x1000, 0x1000, 0xe00, 0x400}};
  const Bytes file = MakePe(pe);
  signatures_.section_hashes = {HashOf(file, 0xe00, 0x200)};
  EXPECT_THAT(Find(file), ElementsAre("H3584"));
}

TEST_F(SectionHashesTest, AnEmptySectionHasNoDigest) {
  MadePe pe;
  pe.sections.push_back({0x2000, 0x1000, 0x600, 0});
  const Bytes file = MakePe(pe);
  HashSignature empty = HashOf(file, 0x600, 0);
  empty.size = kAnySize;
  signatures_.section_hashes = {empty};
  EXPECT_THAT(Find(file), IsEmpty());
}

TEST_F(SectionHashesTest, DigestsTheSameSectionOnceAndNamesItOnce) {
  MadePe pe;
  pe.sections.assign(kPeSectionsMax, MadeSection());
  pe.file_bytes = 0x2000;
  pe.header_bytes = 0x1200;
  const Bytes file = MakePe(pe);
  signatures_.section_hashes = {HashOf(file, 0x400, 0x200)};
  EXPECT_THAT(Find(file), ElementsAre("H1024"));
  EXPECT_EQ(work_left_, kPlenty - 0x200);
}

TEST_F(SectionHashesTest, StopsAtItsBudgetAndSaysSo) {
  MadePe pe;
  pe.sections.push_back({0x2000, 0x1000, 0x600, 0x200});
  const Bytes file = MakePe(pe);
  signatures_.section_hashes = {HashOf(file, 0x600, 0x200),
                                HashOf(file, 0x400, 0x200)};
  EXPECT_THAT(Find(file, 0x400), ElementsAre("H1024", "H1536"));
  EXPECT_EQ(ended_, NotScannedReason::kNone);
  EXPECT_THAT(Find(file, 0x3ff), ElementsAre("H1024"));
  EXPECT_EQ(ended_, NotScannedReason::kWorkLimit);
  EXPECT_THAT(Find(file, 0x1ff), IsEmpty());
  EXPECT_EQ(ended_, NotScannedReason::kWorkLimit);
}

TEST_F(SectionHashesTest, EveryAlgorithmCosts) {
  const Bytes file = MakePe({});
  signatures_.section_hashes = {
      HashOf(file, 0x400, 0x200, DigestAlgorithm::kMd5),
      HashOf(file, 0x400, 0x200, DigestAlgorithm::kSha256)};
  EXPECT_THAT(Find(file), ElementsAre("H1024"));
  EXPECT_EQ(work_left_, kPlenty - 0x400);
}

TEST_F(SectionHashesTest, StopsInALongSectionWhenTheScanIsCancelled) {
  constexpr uint64_t kLong = uint64_t{3} << 20;
  MadePe pe;
  pe.sections = {{0x1000, 0x1000, 0x400, kLong}};
  pe.file_bytes = kLong + 0x400;
  const Bytes file = MakePe(pe);
  signatures_.section_hashes = {HashOf(file, 0x400, kLong)};
  EXPECT_THAT(Find(file), ElementsAre("H1024"));
  std::stop_source cancel;
  cancel.request_stop();
  limits_.cancel = cancel.get_token();
  EXPECT_THAT(Find(file), IsEmpty());
  EXPECT_EQ(ended_, NotScannedReason::kCancelled);
}

TEST_F(SectionHashesTest, FindsImportsByTheirText) {
  const Bytes file = FileWithImports();
  signatures_.import_hashes = {HashOfText(kImportText)};
  EXPECT_THAT(Find(file, 0), ElementsAre("Imports"));
  signatures_.import_hashes[0].size = kAnySize;
  EXPECT_THAT(Find(file, 0), ElementsAre("Imports"));
  signatures_.import_hashes[0].size = kImportText.size() + 1;
  EXPECT_THAT(Find(file), IsEmpty());
  signatures_.import_hashes = {HashOfText("foo.baz")};
  EXPECT_THAT(Find(file), IsEmpty());
}

TEST_F(SectionHashesTest, AFileWithoutImportsHasNoImportHash) {
  signatures_.import_hashes = {HashOfText("")};
  signatures_.import_hashes[0].size = kAnySize;
  EXPECT_THAT(Find(MakePe({})), IsEmpty());
}

TEST_F(SectionHashesTest, AScanNamesThemBeforeBodies) {
  const Bytes file = FileWithImports();
  signatures_.bodies = {SignatureOf(Body("A.Body", "FOO.dll"))};
  signatures_.section_hashes = {HashOf(file, 0x400, 0x200)};
  signatures_.import_hashes = {HashOfText(kImportText)};
  const Verdict verdict = Scan(file);
  EXPECT_EQ(verdict.kind, VerdictKind::kInfected);
  EXPECT_EQ(verdict.threat_name, "H1024");
  EXPECT_THAT(verdict.other_names, ElementsAre("Imports", "A.Body"));
  EXPECT_TRUE(verdict.knows_all_names);
}

TEST_F(SectionHashesTest, AScanFindsThemInFilesOfManyBlocks) {
  constexpr size_t kLong = 700'001;
  MadePe pe;
  pe.sections = {{0x1000, 0x1000, 0x400, kLong}};
  pe.file_bytes = kLong + 0x400;
  Bytes file = MakePe(pe);
  signatures_.section_hashes = {HashOf(file, 0x400, kLong)};
  EXPECT_EQ(Scan(file).threat_name, "H1024");
  file.back() ^= 1U;
  EXPECT_EQ(Scan(file).kind, VerdictKind::kClean);
}

TEST_F(SectionHashesTest, AScanLooksOnlyIntoValidPeFiles) {
  MadePe pe;
  pe.entry_address = 0x9000;
  const Bytes broken = MakePe(pe);
  signatures_.section_hashes = {HashOf(broken, 0x400, 0x200)};
  EXPECT_EQ(Scan(broken).kind, VerdictKind::kClean);
  EXPECT_EQ(Scan(MakeElf({})).kind, VerdictKind::kClean);
  EXPECT_EQ(Scan(MakePe({})).kind, VerdictKind::kInfected);
}

// 96 sections that are nearly the whole file, each of another size.
TEST_F(SectionHashesTest, AScanIsNotMadeToDigestAHundredTimesTheFile) {
  constexpr size_t kFileBytes = size_t{3} << 20;
  MadePe pe;
  pe.file_bytes = kFileBytes;
  pe.header_bytes = 0x1200;
  pe.sections.clear();
  for (uint64_t i = 0; i < kPeSectionsMax; ++i) {
    pe.sections.push_back(
        {0x1000 * (i + 1), 0x1000, 0x1200, kFileBytes - 0x2000 - 0x200 * i});
  }
  const Bytes file = MakePe(pe);
  HashSignature any = HashOf(file, 0, 1);  // Of no section.
  any.size = kAnySize;
  signatures_.section_hashes = {any};
  const Verdict verdict = Scan(file);
  EXPECT_EQ(verdict.kind, VerdictKind::kNotScanned);
  EXPECT_EQ(verdict.reason, NotScannedReason::kWorkLimit);
  signatures_.hashes = {HashOf(file, 0, kFileBytes)};
  EXPECT_EQ(Scan(file).threat_name, "H0");  // It was read all the same.
}

}  // namespace
}  // namespace gatehouse
