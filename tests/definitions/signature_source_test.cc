#include "definitions/signature_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "definitions/compile_program.h"
#include "definitions/self_test.h"
#include "signatures/definitions.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string HexOf(const std::string& text) { return HexText(AsBytes(text)); }

// In no file of the system, and not in this program either.
std::string Wanted() { return std::string(40, 'q'); }

class SignatureSourceTest : public testing::Test {
 protected:
  SignatureSourceTest() {
    request_.directory = folder_.MakeDirectory("definitions");
    request_.store_directory = folder_.Path("store");
    WriteDefinitions("Body.One:0:*:" + HexOf(Wanted()) + "\n");
  }

  void WriteDefinitions(const std::string& lines) const {
    (void)folder_.Write("definitions/a.ndb", lines);
  }
  ObtainedSignatures Obtain() const {
    Result<ObtainedSignatures> obtained = ObtainSignatures(request_);
    EXPECT_TRUE(obtained.has_value()) << obtained.error().message;
    return obtained.value();
  }
  Error Refusal() const {
    const Result<ObtainedSignatures> obtained = ObtainSignatures(request_);
    EXPECT_FALSE(obtained.has_value());
    return obtained ? Error() : obtained.error();
  }
  std::string OnlyArtefact() const {
    std::string found;
    for (const auto& entry :
         std::filesystem::directory_iterator(request_.store_directory)) {
      if (entry.path().extension() == ".set") {
        EXPECT_EQ(found, "");
        found = entry.path();
      }
    }
    EXPECT_NE(found, "");
    return found;
  }

  const TempDir folder_;
  SignatureRequest request_;
};

TEST_F(SignatureSourceTest, CompilesOnceAndThenFinds) {
  (void)folder_.Write("definitions/b.ndb", "Bad\n");
  const ObtainedSignatures first = Obtain();
  EXPECT_TRUE(first.was_compiled);
  const ObtainedSignatures second = Obtain();
  EXPECT_FALSE(second.was_compiled);
  for (const ObtainedSignatures& obtained : {first, second}) {
    EXPECT_THAT(obtained.store_problem, IsEmpty());
    EXPECT_EQ(obtained.set->body_name(0), "Body.One");
    EXPECT_EQ(obtained.report.Totals().loaded, 1U);
    EXPECT_EQ(obtained.report.problems.at(0).file, "b.ndb");
  }
  EXPECT_NE(first.set->generation(), second.set->generation());
}

TEST_F(SignatureSourceTest, AnyChangeOfFilesOrOptionsCompilesAnew) {
  const Sha256Digest first = Obtain().key;
  WriteDefinitions("Body.Two:0:*:" + HexOf(Wanted()) + "\n");
  const ObtainedSignatures changed = Obtain();
  EXPECT_TRUE(changed.was_compiled);
  EXPECT_NE(changed.key, first);
  EXPECT_EQ(changed.set->body_name(0), "Body.Two");
  request_.options.takes_any_size_hashes = false;
  EXPECT_TRUE(Obtain().was_compiled);
  request_.tests_system_files = true;
  EXPECT_TRUE(Obtain().was_compiled);
  (void)folder_.Write("definitions/notes.txt", "of no format of ours");
  EXPECT_FALSE(Obtain().was_compiled);
  ASSERT_EQ(::rename((request_.directory + "/a.ndb").c_str(),
                     (request_.directory + "/b.ndb").c_str()),
            0);
  EXPECT_TRUE(Obtain().was_compiled);
}

TEST_F(SignatureSourceTest, TheDigestIsThatOfWhatWasLoaded) {
  (void)folder_.Write("definitions/main.cvd", "a container");
  (void)folder_.Write("definitions/x.ign2", "Body.One\n");
  (void)folder_.MakeDirectory("definitions/not-a-file.ndb");
  EXPECT_EQ(DigestDefinitions(request_.directory).value(),
            LoadDefinitions(request_.directory)->digest);
}

TEST_F(SignatureSourceTest, ADamagedArtefactIsCompiledAnewAndTold) {
  (void)Obtain();
  ASSERT_EQ(::truncate(OnlyArtefact().c_str(), 200), 0);
  const ObtainedSignatures again = Obtain();
  EXPECT_TRUE(again.was_compiled);
  EXPECT_THAT(again.store_problem, HasSubstr("artefact"));
  EXPECT_FALSE(Obtain().was_compiled);
}

TEST_F(SignatureSourceTest, WithoutAStoreThereIsASetAllTheSame) {
  request_.store_directory = folder_.Write("a-file", "") + "/below";
  const ObtainedSignatures obtained = Obtain();
  EXPECT_TRUE(obtained.was_compiled);
  EXPECT_THAT(obtained.store_problem, HasSubstr("a-file"));
  request_.store_directory.clear();
  EXPECT_THAT(Obtain().store_problem, IsEmpty());
}

TEST_F(SignatureSourceTest, WhatFindsTheSystemItselfIsRefused) {
  // The first bytes of every program and library.
  WriteDefinitions("Too.Much:0:0:7f454c46\n");
  request_.tests_system_files = true;
  const Error error = Refusal();
  EXPECT_EQ(error.code, ErrorCode::kInvalidInput);
  EXPECT_THAT(error.message, HasSubstr("Too.Much"));
  // The control: for who only looks, they may be what is looked for.
  request_.tests_system_files = false;
  EXPECT_EQ(Obtain().set->body_name(0), "Too.Much");
}

TEST_F(SignatureSourceTest, FindsByKeyWhatIsNoLongerTheSource) {
  const ObtainedSignatures old = Obtain();
  WriteDefinitions("Body.Two:0:*:" + HexOf("something else, longer") + "\n");
  const Result<ObtainedSignatures> found =
      FindSignaturesByKey(request_.store_directory, old.key);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->set->body_name(0), "Body.One");
  EXPECT_FALSE(FindSignaturesByKey(request_.store_directory, {}).has_value());
}

TEST_F(SignatureSourceTest, TheSetInUseIsNoted) {
  const std::string& store = request_.store_directory;
  EXPECT_EQ(ActiveSet(store).error().code, ErrorCode::kNotFound);
  const Sha256Digest key = Obtain().key;
  ASSERT_TRUE(NoteActiveSet(store, key));
  EXPECT_EQ(ActiveSet(store).value(), key);
  ASSERT_TRUE(NoteActiveSet(store, {1}));
  EXPECT_EQ(ActiveSet(store).value(), (Sha256Digest{1}));
}

TEST_F(SignatureSourceTest, AMissingFolderIsNamed) {
  request_.directory = folder_.Path("nowhere");
  const Error error = Refusal();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("nowhere"));
}

// --- The process that compiles -----------------------------------------------

TEST_F(SignatureSourceTest, CompilingEndsAtItsLimits) {
  std::mt19937_64 chance(20261127);
  std::string lines;
  for (int i = 0; i < 300'000; ++i) {
    std::string bytes(24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(chance());
    lines += "B" + std::to_string(i) + ":0:*:" + HexOf(bytes) + "\n";
  }
  WriteDefinitions(lines);
  CompileRequest request;
  request.directory = request_.directory;
  request.limits.cpu_seconds = 1;
  const Result<CompiledSet> late = CompileInProcess(request);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kLimitExceeded)
      << late.error().message;
  // Without a limit it would only be compiled twice, slowly.
  if (LimitsCompileMemory()) {
    request.limits = {};
    request.limits.memory_bytes = uint64_t{100} << 20;
    const Result<CompiledSet> large = CompileInProcess(request);
    ASSERT_FALSE(large.has_value());
    EXPECT_EQ(large.error().code, ErrorCode::kLimitExceeded)
        << large.error().message;
  }
  // The control: it is the limits that end it.
  request.limits = {};
  EXPECT_TRUE(CompileInProcess(request).has_value());
}

TEST_F(SignatureSourceTest, CompilingStopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  CompileRequest request;
  request.directory = request_.directory;
  request.stop = stop.get_token();
  const Result<CompiledSet> compiled = CompileInProcess(request);
  ASSERT_FALSE(compiled.has_value());
  EXPECT_EQ(compiled.error().code, ErrorCode::kBusy);
}

// --- The self-test -----------------------------------------------------------

TEST(SelfTestTest, TheBuiltInSetPasses) {
  const auto set = SignatureSet::Compile({}).value();
  EXPECT_TRUE(TestVerdicts(set).has_value());
  EXPECT_THAT(FindInSystemFiles(set).value(), IsEmpty());
}

TEST(SelfTestTest, ASetThatCallsNothingAThreatFails) {
  Signatures signatures;
  HashSignature hash;  // SHA-256 of nothing.
  hash.name = "Empty";
  hash.size = 0;
  hash.algorithm = DigestAlgorithm::kSha256;
  const std::vector<uint8_t> digest =
      ParseHex(
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
          .value();
  std::copy(digest.begin(), digest.end(), hash.digest.begin());
  signatures.hashes.push_back(hash);
  const auto set = SignatureSet::Compile(std::move(signatures)).value();
  const Result<bool> tested = TestVerdicts(set);
  ASSERT_FALSE(tested.has_value());
  EXPECT_THAT(tested.error().message, HasSubstr("Empty"));
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  if (const auto code = gatehouse::RunIfCompileProgram(argc, argv))
    return *code;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
