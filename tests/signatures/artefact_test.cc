#include "signatures/artefact.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "signatures/signature_set.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

constexpr SecretKey kSecret = {1, 2, 3};

std::vector<uint64_t> SomeImage() {
  Signatures signatures;
  const ByteView literal = AsBytes("a literal to look for");
  signatures.bodies.push_back(LiteralSignature(
      "Body.One", {literal.begin(), literal.end()}, PatternOffset()));
  HashSignature hash;
  hash.name = "Hash.One";
  hash.size = 17;
  signatures.hashes.push_back(hash);
  return SignatureSet::CompileImage(std::move(signatures), "notes").value();
}

class ArtefactTest : public testing::Test {
 protected:
  ArtefactTest() : path_(folder_.Write("a.set", "")) {
    const UniqueFd file(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_TRUE(WriteArtefact(file.UnsafeFd(), kSecret, key_, image_));
    std::ifstream stream(path_, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(stream), {});
  }

  Result<WordBuffer> Read(const SecretKey& secret, const Sha256Digest& key) {
    const UniqueFd file = folder_.Open("a.set");
    return ReadArtefact(file.UnsafeFd(), secret, key);
  }
  Result<WordBuffer> ReadChanged(const std::string& bytes) {
    (void)folder_.Write("a.set", bytes);
    return Read(kSecret, key_);
  }

  const TempDir folder_;
  const Sha256Digest key_ = {7};
  const std::vector<uint64_t> image_ = SomeImage();
  const std::string path_;
  std::string bytes_;
};

TEST_F(ArtefactTest, IsTheSetThatWasCompiled) {
  Result<WordBuffer> read = Read(kSecret, key_);
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(std::ranges::equal(read->words(), image_));
  const auto set = SignatureSet::Open(std::move(*read));
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ((*set)->body_count(), 1U);
  EXPECT_EQ((*set)->body_name(0), "Body.One");
  EXPECT_EQ((*set)->hash_count(), 1U);
  EXPECT_EQ((*set)->notes(), "notes");
  EXPECT_NE((*set)->triggers(0).others(), nullptr);
}

TEST_F(ArtefactTest, IsForOneKeyAndOneSecret) {
  const Result<WordBuffer> other_key = Read(kSecret, {8});
  ASSERT_FALSE(other_key.has_value());
  EXPECT_THAT(other_key.error().message, HasSubstr("another set"));
  const Result<WordBuffer> other_secret = Read({1, 2, 4}, key_);
  ASSERT_FALSE(other_secret.has_value());
  EXPECT_THAT(other_secret.error().message, HasSubstr("not authentic"));
}

TEST_F(ArtefactTest, TwoOfOneSetDiffer) {
  // The salt: a tag is made with a key that is used once.
  const std::string again = folder_.Write("b.set", "");
  const UniqueFd file(::open(again.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(WriteArtefact(file.UnsafeFd(), kSecret, key_, image_));
  std::ifstream stream(again, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(stream), {});
  EXPECT_EQ(bytes.size(), bytes_.size());
  EXPECT_NE(bytes.substr(88, 32), bytes_.substr(88, 32));
  EXPECT_NE(bytes.substr(120, 16), bytes_.substr(120, 16));
}

TEST_F(ArtefactTest, IsReadByWhatHasMadeItAlone) {
  std::string other = bytes_;
  other[60] = static_cast<char>(other[60] ^ 1);
  const Result<WordBuffer> read = ReadChanged(other);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kNotSupported);
}

TEST_F(ArtefactTest, AnyChangeAtAllIsNoticed) {
  std::mt19937_64 chance(20261127);
  for (int i = 0; i < 10'000; ++i) {
    std::string changed = bytes_;
    const size_t at =
        i < 300 ? static_cast<size_t>(i) % 136 : chance() % changed.size();
    changed[at] = static_cast<char>(changed[at] ^ (1 << chance() % 8));
    EXPECT_FALSE(ReadChanged(changed).has_value()) << at;
  }
  // The control: it is the change that is refused.
  EXPECT_TRUE(ReadChanged(bytes_).has_value());
}

TEST_F(ArtefactTest, RefusesWhatIsCutOffOrTooLong) {
  for (const size_t size : {size_t{0}, size_t{7}, size_t{135}, size_t{136},
                            bytes_.size() - 8, bytes_.size() - 1}) {
    EXPECT_FALSE(ReadChanged(bytes_.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(ReadChanged(bytes_ + "x").has_value());
}

TEST(ArtefactKeyTest, DependsOnTheSources) {
  const Result<Sha256Digest> a = ArtefactKey({1});
  const Result<Sha256Digest> b = ArtefactKey({2});
  ASSERT_TRUE(a && b);
  EXPECT_NE(*a, *b);
  EXPECT_EQ(*a, *ArtefactKey({1}));
}

}  // namespace
}  // namespace gatehouse
