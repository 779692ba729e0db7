// What Seal says of a file that changes while it is being read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "quarantine/sealed_object.h"
#include "tests/engine/intercepted_pread.h"
#include "tests/quarantine/object_fixture.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;

constexpr size_t kFileBytes = 4 * kObjectChunkBytes;

class SealingRaceTest : public testing::Test {
 protected:
  void TearDown() override { before_read = nullptr; }

  // Calls `change` before the third chunk is read.
  template <class Change>
  void BeforeTheThirdRead(Change change) {
    before_read = [this, change](Read& read) {
      if (read.fd != source_.UnsafeFd()) return true;
      return ++reads_ != 3 || change(read);
    };
  }
  Result<ObjectHeader> SealIt() {
    return Seal(TestFiles(), KeyOf(1), HeaderFor(kFileBytes),
                source_.UnsafeFd(), object_.UnsafeFd());
  }

  const UniqueFd source_ = FileOf(std::string(kFileBytes, 'x'));
  const UniqueFd object_ = EmptyFile();
  int reads_ = 0;
};

TEST_F(SealingRaceTest, AFileThatShrinksHasChanged) {
  BeforeTheThirdRead([this](Read& /*read*/) {
    return ::ftruncate(source_.UnsafeFd(), kFileBytes / 2 + 1) == 0;
  });
  const auto sealed = SealIt();
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error().code, ErrorCode::kOperational);
  EXPECT_THAT(sealed.error().message, HasSubstr("changed while sealing"));
}

TEST_F(SealingRaceTest, AFileThatGrowsHasChanged) {
  BeforeTheThirdRead([this](Read& /*read*/) {
    return ::ftruncate(source_.UnsafeFd(), kFileBytes + 1) == 0;
  });
  const auto sealed = SealIt();
  ASSERT_FALSE(sealed.has_value());
  EXPECT_THAT(sealed.error().message, HasSubstr("changed while sealing"));
}

TEST_F(SealingRaceTest, WhatIsNotSealedIsNoObject) {
  BeforeTheThirdRead([](Read& /*read*/) {
    errno = EIO;
    return false;
  });
  const auto sealed = SealIt();
  ASSERT_FALSE(sealed.has_value());
  EXPECT_THAT(sealed.error().message, HasSubstr("read the file to seal"));
  before_read = nullptr;
  EXPECT_FALSE(
      ReadHeader(TestFiles(), KeyOf(1), object_.UnsafeFd()).has_value());
}

TEST_F(SealingRaceTest, ShortAndInterruptedReadsDoNotMatter) {
  before_read = [this](Read& read) {
    read.bytes = std::min<size_t>(read.bytes, 1000);
    errno = EINTR;
    return ++reads_ % 7 != 0;
  };
  const auto sealed = SealIt();
  ASSERT_TRUE(sealed.has_value()) << sealed.error().message;
  const auto verified = Verify(TestFiles(), KeyOf(1), object_.UnsafeFd());
  EXPECT_TRUE(verified.has_value()) << verified.error().message;
}

}  // namespace
}  // namespace gatehouse
