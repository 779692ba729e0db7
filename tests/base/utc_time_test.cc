#include "base/utc_time.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse {
namespace {

TEST(UtcTimeTest, ReadsWhatItWrites) {
  for (const int64_t time_ms :
       {int64_t{0}, int64_t{951782400000}, int64_t{1798761599000},
        int64_t{253402300799000}}) {
    const Result<int64_t> read = ParseUtcTime(UtcTimeText(time_ms));
    ASSERT_TRUE(read.has_value()) << UtcTimeText(time_ms);
    EXPECT_EQ(*read, time_ms);
  }
  EXPECT_EQ(UtcTimeText(951782400999), "2000-02-29T00:00:00Z");
}

TEST(UtcTimeTest, KnowsThreeForms) {
  EXPECT_EQ(ParseUtcTime("2026-12-31").value(), 1798675200000);
  EXPECT_EQ(ParseUtcTime("2026-12-31T23:59Z").value(), 1798761540000);
  EXPECT_EQ(ParseUtcTime("2026-12-31T23:59:59Z").value(), 1798761599000);
}

TEST(UtcTimeTest, RefusesWhatIsNoMomentOfUtc) {
  for (const std::string_view text : {"",
                                      "2026",
                                      "2026-12",
                                      "2026-12-32",
                                      "2026-13-01",
                                      "2026-02-29",
                                      "2026-00-10",
                                      "2026-01-00",
                                      "1969-12-31",
                                      "26-12-31",
                                      "2026-12-31Z",
                                      "2026-12-31T",
                                      "2026-12-31T23:59:59",
                                      "2026-12-31T24:00Z",
                                      "2026-12-31T23:60Z",
                                      "2026-12-31T23:59:60Z",
                                      "2026-12-31 23:59:59Z",
                                      "2026-12-31T23:59:59+01:00",
                                      "2026-12-31T23:59:59Z ",
                                      "2026-12-31T23:59:5Z",
                                      "+026-12-31",
                                      "tomorrow",
                                      "1798761599"}) {
    const Result<int64_t> read = ParseUtcTime(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidInput);
  }
}

TEST(UtcTimeTest, WhatHasNoDateIsAMark) {
  EXPECT_EQ(UtcTimeText(-1), "?");
  EXPECT_EQ(UtcTimeText(INT64_MAX), "?");
}

}  // namespace
}  // namespace gatehouse
