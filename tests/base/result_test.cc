#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace gatehouse {
namespace {

Result<int> Half(int number) {
  if (number % 2 != 0) {
    return Fail(ErrorCode::kInvalidInput, "halve " + std::to_string(number));
  }
  return number / 2;
}

Result<std::string> HalfInWords(int number) {
  const Result<int> half = Half(number);
  if (!half) return Unexpected(half.error());
  return std::to_string(*half);
}

Result<void> CheckEven(int number) {
  if (const Result<int> half = Half(number); !half) {
    return Unexpected(half.error());
  }
  return {};
}

TEST(ResultTest, HoldsAValue) {
  const Result<int> half = Half(8);
  ASSERT_TRUE(half.has_value());
  EXPECT_EQ(*half, 4);
}

TEST(ResultTest, HoldsWhyThereIsNoValue) {
  const Result<int> half = Half(7);
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(half.error().message, "halve 7");
}

TEST(ResultTest, PassesAnErrorOnUnchanged) {
  EXPECT_EQ(HalfInWords(6).value(), "3");
  EXPECT_EQ(HalfInWords(7).error().message, "halve 7");
  EXPECT_EQ(HalfInWords(7).error().code, ErrorCode::kInvalidInput);
}

TEST(ResultTest, MayHoldNothingButSuccess) {
  EXPECT_TRUE(CheckEven(2));
  EXPECT_FALSE(CheckEven(3));
}

TEST(ResultTest, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
  ASSERT_TRUE(made);
  const Result<std::unique_ptr<int>> moved = std::move(made);
  ASSERT_TRUE(moved);
  EXPECT_EQ(**moved, 5);
  static_assert(!std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);
}

TEST(ResultTest, AnErrorIsOperationalUnlessSaidOtherwise) {
  EXPECT_EQ(Error{}.code, ErrorCode::kOperational);
}

TEST(SystemErrorTest, SaysWhatWasAttemptedOnWhatAndWhy) {
  const Error error = SystemError("open '/x/y'", EACCES);
  EXPECT_EQ(error.message, "open '/x/y': Permission denied");
}

struct CodeCase {
  int error_number = 0;
  ErrorCode code = ErrorCode::kOperational;
};

constexpr CodeCase kCodeCases[] = {
    {ENOENT, ErrorCode::kNotFound},      {ENOTDIR, ErrorCode::kNotFound},
    {EPERM, ErrorCode::kNotPermitted},   {EACCES, ErrorCode::kNotPermitted},
    {ENOSYS, ErrorCode::kNotSupported},  {EOPNOTSUPP, ErrorCode::kNotSupported},
    {EMFILE, ErrorCode::kLimitExceeded}, {ENFILE, ErrorCode::kLimitExceeded},
    {EIO, ErrorCode::kOperational},      {ENOSPC, ErrorCode::kOperational},
    {EINVAL, ErrorCode::kOperational},
};

TEST(SystemErrorTest, TellsApartWhatCallersActUpon) {
  for (const CodeCase& c : kCodeCases) {
    EXPECT_EQ(SystemError("x", c.error_number).code, c.code) << c.error_number;
  }
}

TEST(SystemErrorTest, BecomesAFailedResult) {
  const Result<int> result = FailSystem("read 'f'", EIO);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "read 'f': Input/output error");
}

TEST(SystemErrorTest, SurvivesANumberThatIsNone) {
  EXPECT_EQ(SystemError("x", 987654).message, "x: Unknown error 987654");
}

}  // namespace
}  // namespace gatehouse
