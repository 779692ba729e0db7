#include "quarantine/sealed_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/file_digest.h"
#include "quarantine/content_digest.h"
#include "tests/eicar_text.h"
#include "tests/quarantine/object_fixture.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;

constexpr size_t kChunk = kObjectChunkBytes;

// Repeatable content that compresses badly and is nowhere zero for long.
std::string Content(size_t bytes) {
  std::mt19937_64 random(bytes);
  std::string content(bytes, '\0');
  for (char& c : content) c = static_cast<char>(random());
  return content;
}

std::array<uint8_t, 32> Sha256(const std::string& content) {
  const DigestNeeds needs = {false, false, true};
  Result<FileDigests> digests = FileDigests::Create(needs);
  EXPECT_TRUE(digests.has_value());
  digests->Start(needs);
  digests->Update(AsBytes(content));
  return digests->Finish(DigestAlgorithm::kSha256).bytes;
}

// Extents of data in a file of `size` bytes, the rest is holes.
struct Extent {
  off_t offset = 0;
  size_t bytes = 0;
};
UniqueFd SparseFile(off_t size, const std::vector<Extent>& extents) {
  UniqueFd file = EmptyFile();
  EXPECT_EQ(::ftruncate(file.UnsafeFd(), size), 0);
  for (const Extent& extent : extents) {
    const std::string content = Content(extent.bytes);
    EXPECT_EQ(::pwrite(file.UnsafeFd(), content.data(), content.size(),
                       extent.offset),
              static_cast<ssize_t>(content.size()));
  }
  return file;
}

// What an attacker without the key can do: move bytes around.
// A terabyte, and three islands in it.
UniqueFd MostlyHoles() {
  constexpr off_t kSize = off_t{1} << 40;
  UniqueFd file = EmptyFile();
  EXPECT_EQ(::ftruncate(file.UnsafeFd(), kSize), 0);
  for (const off_t at : {off_t{0}, off_t{123'456'789'012}, kSize - 3}) {
    EXPECT_EQ(::pwrite(file.UnsafeFd(), "abc", 3, at), 3);
  }
  return file;
}

TEST(LongObjectTest, HolesAreFree) {
  const UniqueFd source = MostlyHoles();
  const UniqueFd object = ObjectOf(source);
  EXPECT_LT(StatusOf(object).st_size, 200'000);
  const UniqueFd target = EmptyFile();
  const auto header =
      Unseal(TestFiles(), KeyOf(1), object.UnsafeFd(), target.UnsafeFd());
  ASSERT_TRUE(header.has_value()) << header.error().message;
  EXPECT_EQ(StatusOf(target).st_size, StatusOf(source).st_size);
  EXPECT_EQ(StatusOf(target).st_blocks, StatusOf(source).st_blocks);
  std::array<char, 3> bytes = {};
  EXPECT_EQ(::pread(target.UnsafeFd(), bytes.data(), 3, 123'456'789'012), 3);
  EXPECT_EQ(std::string_view(bytes.data(), 3), "abc");
  const auto digest = DigestOf(TestFiles(), target.UnsafeFd());
  ASSERT_TRUE(digest.has_value());
  EXPECT_EQ(*digest, header->sha256);
}

// By docs/vault-format.md: the blocks that are not zeros, and the size.
TEST(LongObjectTest, TheDigestIsThatOfItsBlocks) {
  const UniqueFd source = MostlyHoles();
  std::string blocks;
  const auto add = [&blocks](uint64_t number) {
    for (int i = 0; i < 8; ++i) {
      blocks += static_cast<char>(number >> (8 * i) & 0xffU);
    }
  };
  const std::array<uint64_t, 3> numbers = {0, 123'456'789'012 / 4096,
                                           (uint64_t{1} << 40) / 4096 - 1};
  for (const uint64_t number : numbers) {
    std::string block(4096, '\0');
    ASSERT_EQ(::pread(source.UnsafeFd(), block.data(), block.size(),
                      static_cast<off_t>(number * 4096)),
              4096);
    add(number);
    blocks += block;
  }
  add(uint64_t{1} << 40);
  const UniqueFd all = FileOf(blocks);
  EXPECT_EQ(DigestOf(TestFiles(), source.UnsafeFd()).value(),
            DigestOf(TestFiles(), all.UnsafeFd()).value());
}

class ForgedObjectTest : public testing::Test {
 protected:
  static testing::AssertionResult IsRefused(const std::string& object) {
    const UniqueFd file = FileOf(object);
    const Result<bool> verified =
        Verify(TestFiles(), KeyOf(1), file.UnsafeFd());
    if (verified) return testing::AssertionFailure() << "it was believed";
    if (verified.error().message.empty()) {
      return testing::AssertionFailure() << "without a message";
    }
    return testing::AssertionSuccess() << verified.error().message;
  }

  // The front, then each chunk with its length.
  static std::vector<std::string> Parts(const std::string& object) {
    std::vector<std::string> parts;
    size_t at = 136 + LittleEndian(object, 12);
    parts.push_back(object.substr(0, at));
    while (at < object.size()) {
      const size_t bytes = 4 + LittleEndian(object, at);
      parts.push_back(object.substr(at, bytes));
      at += bytes;
    }
    return parts;
  }

  static std::string Joined(const std::vector<std::string>& parts) {
    std::string object;
    for (const std::string& part : parts) object += part;
    return object;
  }

 private:
  static size_t LittleEndian(const std::string& bytes, size_t at) {
    size_t number = 0;
    for (size_t i = 4; i > 0; --i) {
      number = number << 8 | static_cast<uint8_t>(bytes.at(at + i - 1));
    }
    return number;
  }
};

class RoundTripTest : public testing::TestWithParam<size_t> {};

TEST_P(RoundTripTest, GivesBackContentAndHeader) {
  const std::string content = Content(GetParam());
  const UniqueFd source = FileOf(content);
  const UniqueFd object = EmptyFile();
  ObjectHeader expected = HeaderFor(content.size());

  const auto sealed = Seal(TestFiles(), KeyOf(1), expected, source.UnsafeFd(),
                           object.UnsafeFd());
  ASSERT_TRUE(sealed.has_value()) << sealed.error().message;
  expected.sha256 = Sha256(content);
  expected.data_bytes = content.size();
  EXPECT_EQ(*sealed, expected);

  const auto read = ReadHeader(TestFiles(), KeyOf(1), object.UnsafeFd());
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(*read, expected);

  const UniqueFd target = EmptyFile();
  const auto unsealed =
      Unseal(TestFiles(), KeyOf(1), object.UnsafeFd(), target.UnsafeFd());
  ASSERT_TRUE(unsealed.has_value()) << unsealed.error().message;
  EXPECT_EQ(*unsealed, expected);
  EXPECT_TRUE(ContentOf(target) == content);
  EXPECT_TRUE(Verify(TestFiles(), KeyOf(1), object.UnsafeFd()).has_value());
}

INSTANTIATE_TEST_SUITE_P(Sizes, RoundTripTest,
                         testing::Values(0, 1, kChunk - 1, kChunk, kChunk + 1,
                                         5 * kChunk + 12345, 4 << 20));

class SparseRoundTripTest
    : public testing::TestWithParam<std::pair<off_t, std::vector<Extent>>> {};

TEST_P(SparseRoundTripTest, KeepsHolesAndHashesTheirZeros) {
  const auto& [size, extents] = GetParam();
  const UniqueFd source = SparseFile(size, extents);
  const UniqueFd object = ObjectOf(source);
  const UniqueFd target = EmptyFile();
  const auto header =
      Unseal(TestFiles(), KeyOf(1), object.UnsafeFd(), target.UnsafeFd());
  ASSERT_TRUE(header.has_value()) << header.error().message;
  EXPECT_TRUE(ContentOf(target) == ContentOf(source));
  EXPECT_EQ(StatusOf(target).st_blocks, StatusOf(source).st_blocks);
  EXPECT_EQ(header->sha256, Sha256(ContentOf(source)));
  EXPECT_EQ(header->data_bytes,
            static_cast<uint64_t>(StatusOf(source).st_blocks) * 512);
  EXPECT_LT(StatusOf(object).st_size, size);
}

constexpr off_t kMiB = 1 << 20;
constexpr size_t kPage = 4096;
INSTANTIATE_TEST_SUITE_P(
    Holes, SparseRoundTripTest,
    testing::Values(
        std::pair(kMiB, std::vector<Extent>{}),  // All of it.
        std::pair(kMiB, std::vector<Extent>{{kMiB / 2, kMiB / 2}}),  // Start.
        std::pair(kMiB, std::vector<Extent>{{0, kPage}}),            // End.
        std::pair(kMiB, std::vector<Extent>{{0, kPage},              // Middle.
                                            {kMiB - kPage, kPage}}),
        std::pair(kMiB, std::vector<Extent>{{kPage, kPage},  // Everywhere.
                                            {4 * kPage, 30 * kPage},
                                            {200 * kPage, kPage}})));

TEST(SealTest, LeavesTheFileOffsetOfTheSourceAlone) {
  const UniqueFd source = FileOf(Content(1000));
  ASSERT_EQ(::lseek(source.UnsafeFd(), 123, SEEK_SET), 123);
  (void)ObjectOf(source);
  EXPECT_EQ(::lseek(source.UnsafeFd(), 0, SEEK_CUR), 123);
}

TEST(SealTest, RefusesAFileThatIsNotOfTheSizeInTheHeader) {
  const UniqueFd source = FileOf(Content(1000));
  for (const uint64_t size : {999U, 1001U}) {
    const UniqueFd object = EmptyFile();
    const auto sealed = Seal(TestFiles(), KeyOf(1), HeaderFor(size),
                             source.UnsafeFd(), object.UnsafeFd());
    ASSERT_FALSE(sealed.has_value());
    EXPECT_EQ(sealed.error().code, ErrorCode::kOperational);
    EXPECT_THAT(sealed.error().message, HasSubstr("changed while sealing"));
  }
}

TEST(SealTest, RefusesAnObjectThatIsNotEmpty) {
  const UniqueFd source = FileOf("x");
  const UniqueFd object = FileOf("y");
  const auto sealed = Seal(TestFiles(), KeyOf(1), HeaderFor(1),
                           source.UnsafeFd(), object.UnsafeFd());
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error().code, ErrorCode::kInvalidInput);
}

TEST(SealTest, RefusesAHeaderThatIsTooLong) {
  const UniqueFd source = FileOf("x");
  const UniqueFd object = EmptyFile();
  ObjectHeader header = HeaderFor(1);
  header.file.xattrs.assign(17, {"user.x", std::string(64 << 10, 'x')});
  const auto sealed =
      Seal(TestFiles(), KeyOf(1), header, source.UnsafeFd(), object.UnsafeFd());
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error().code, ErrorCode::kLimitExceeded);
}

TEST(SealTest, TakesTheLongestHeader) {
  const UniqueFd source = FileOf("x");
  ObjectHeader header = HeaderFor(1);
  header.file.xattrs = {{"user.x", ""}};
  const auto encoded = EncodeObjectHeader(header);
  ASSERT_TRUE(encoded.has_value());
  // Above 64 KiB a CBOR length takes four bytes more than an empty one's.
  header.file.xattrs[0].second.assign(
      kObjectHeaderBytesMax - encoded->size() - 4, 'x');
  const UniqueFd object = EmptyFile();
  ASSERT_TRUE(
      Seal(TestFiles(), KeyOf(1), header, source.UnsafeFd(), object.UnsafeFd())
          .has_value());
  const auto read = ReadHeader(TestFiles(), KeyOf(1), object.UnsafeFd());
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->file.xattrs, header.file.xattrs);
}

TEST(SealTest, HidesWhatTheFileSays) {
  const std::string eicar = EicarText();
  const std::string object = ContentOf(ObjectOf(FileOf(eicar)));
  for (size_t i = 0; i + 8 <= eicar.size(); ++i) {
    EXPECT_EQ(object.find(eicar.substr(i, 8)), std::string::npos) << i;
  }
  EXPECT_EQ(object.find("EICAR"), std::string::npos);
  EXPECT_EQ(object.find("/tmp"), std::string::npos);
}

TEST(SealTest, NeverSealsTheSameWayTwice) {
  const UniqueFd source = FileOf(Content(1000));
  const std::string first = ContentOf(ObjectOf(source));
  const std::string second = ContentOf(ObjectOf(source));
  ASSERT_EQ(first.size(), second.size());
  EXPECT_NE(first.substr(16, 120), second.substr(16, 120));
  EXPECT_NE(first.substr(first.size() - 1000),
            second.substr(second.size() - 1000));
}

// Made by another implementation of docs/vault-format.md.
TEST(UnsealTest, OpensTheGoldenObject) {
  const UniqueFd object(::open(GATEHOUSE_GOLDEN "/object_v1.q", O_RDONLY));
  ASSERT_TRUE(object.valid());
  std::string content;
  for (int i = 0; i < 10; ++i) content += "begin\n";
  content.resize(12288);  // Stored as zeros up to 4096, a hole from there.
  content += "end\n";
  ObjectHeader expected = HeaderFor(content.size());
  expected.sha256 = Sha256(content);
  expected.data_bytes = 4096 + 4;

  const UniqueFd target = EmptyFile();
  const auto header =
      Unseal(TestFiles(), KeyOf(1), object.UnsafeFd(), target.UnsafeFd());
  ASSERT_TRUE(header.has_value()) << header.error().message;
  EXPECT_EQ(*header, expected);
  EXPECT_TRUE(ContentOf(target) == content);
}

TEST(UnsealTest, RefusesATargetThatIsNotEmpty) {
  const UniqueFd object = ObjectOf(FileOf("x"));
  const UniqueFd target = FileOf("precious");
  const auto unsealed =
      Unseal(TestFiles(), KeyOf(1), object.UnsafeFd(), target.UnsafeFd());
  ASSERT_FALSE(unsealed.has_value());
  EXPECT_EQ(ContentOf(target), "precious");
}

TEST_F(ForgedObjectTest, AnotherKeyOpensNothing) {
  const UniqueFd object = ObjectOf(FileOf("x"));
  const auto header = ReadHeader(TestFiles(), KeyOf(2), object.UnsafeFd());
  ASSERT_FALSE(header.has_value());
  EXPECT_EQ(header.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(header.error().message, HasSubstr("another key"));
}

TEST_F(ForgedObjectTest, EveryFlippedBitIsDetected) {
  std::string object = ContentOf(ObjectOf(FileOf(Content(340))));
  ASSERT_GT(object.size(), 1000U);
  for (size_t bit = 0; bit < object.size() * 8; ++bit) {
    char& byte = object.at(bit / 8);
    byte = static_cast<char>(byte ^ (1 << bit % 8));
    EXPECT_TRUE(IsRefused(object)) << "bit " << bit;
    byte = static_cast<char>(byte ^ (1 << bit % 8));
  }
  EXPECT_FALSE(IsRefused(object));
}

TEST_F(ForgedObjectTest, EveryTruncationIsDetected) {
  const std::string object = ContentOf(ObjectOf(FileOf(Content(340))));
  for (size_t bytes = 0; bytes < object.size(); ++bytes) {
    EXPECT_TRUE(IsRefused(object.substr(0, bytes))) << bytes << " bytes";
  }
}

TEST_F(ForgedObjectTest, ANewerVersionIsNotSupported) {
  std::string object = ContentOf(ObjectOf(FileOf("x")));
  object.at(8) = 3;
  const auto header =
      ReadHeader(TestFiles(), KeyOf(1), FileOf(object).UnsafeFd());
  ASSERT_FALSE(header.has_value());
  EXPECT_EQ(header.error().code, ErrorCode::kNotSupported);
}

TEST_F(ForgedObjectTest, TheVersionFitsTheSize) {
  std::string object = ContentOf(ObjectOf(FileOf("x")));
  object.at(8) = 2;
  EXPECT_TRUE(IsRefused(object));
}

TEST_F(ForgedObjectTest, ChunksKeepTheirOrder) {
  auto parts = Parts(ContentOf(ObjectOf(FileOf(Content(3 * kChunk)))));
  ASSERT_EQ(parts.size(), 5U);  // Front, three chunks, the last one.
  std::swap(parts[2], parts[3]);
  const UniqueFd object = FileOf(Joined(parts));
  const auto verified = Verify(TestFiles(), KeyOf(1), object.UnsafeFd());
  ASSERT_FALSE(verified.has_value());
  EXPECT_THAT(verified.error().message,
              HasSubstr("authentication of chunk 1 failed"));
}

TEST_F(ForgedObjectTest, NoChunkIsMissingOrThereTwice) {
  const auto parts = Parts(ContentOf(ObjectOf(FileOf(Content(3 * kChunk)))));
  for (size_t i = 1; i < parts.size(); ++i) {
    auto less = parts;
    less.erase(less.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_TRUE(IsRefused(Joined(less))) << i;
    auto more = parts;
    more.insert(more.begin() + static_cast<ptrdiff_t>(i), parts[i]);
    EXPECT_TRUE(IsRefused(Joined(more))) << i;
  }
}

TEST_F(ForgedObjectTest, NothingFollowsTheLastChunk) {
  const std::string object = ContentOf(ObjectOf(FileOf(Content(340))));
  EXPECT_TRUE(IsRefused(object + '\0'));
  EXPECT_TRUE(IsRefused(object + object));
}

TEST_F(ForgedObjectTest, HeaderAndContentBelongTogether) {
  const auto one = Parts(ContentOf(ObjectOf(FileOf("one"))));
  const auto two = Parts(ContentOf(ObjectOf(FileOf("two"))));
  EXPECT_TRUE(IsRefused(Joined({one[0], two[1], two[2]})));
  EXPECT_TRUE(IsRefused(Joined({one[0], one[1], two[2]})));
}

TEST_F(ForgedObjectTest, OtherFilesAreNoObjects) {
  for (const std::string content :
       {"", "x", "\x89GHQ", "#!/bin/sh\nexit 0\n"}) {
    const auto header =
        ReadHeader(TestFiles(), KeyOf(1), FileOf(content).UnsafeFd());
    ASSERT_FALSE(header.has_value());
    EXPECT_EQ(header.error().code, ErrorCode::kInvalidInput);
    EXPECT_THAT(header.error().message, HasSubstr("no sealed object"));
  }
}

TEST_F(ForgedObjectTest, AnUnfinishedObjectIsNone) {
  std::string object = ContentOf(ObjectOf(FileOf(Content(340))));
  std::fill_n(object.begin(), Parts(object)[0].size(), '\0');
  EXPECT_TRUE(IsRefused(object));
}

}  // namespace
}  // namespace gatehouse
