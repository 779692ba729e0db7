#include "ipc/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace gatehouse {
namespace {

constexpr ErrorCode kInvalid = ErrorCode::kInvalidInput;
constexpr ErrorCode kLimit = ErrorCode::kLimitExceeded;

std::string HeaderText(const FrameHeader& header) {
  return std::string(AsText(EncodeFrameHeader(header)));
}

// Feeds `bytes` in pieces of at most `piece`.
Result<bool> FeedAll(FrameDecoder& decoder, std::string_view bytes,
                     size_t piece) {
  Result<bool> is_complete = false;
  while (!bytes.empty() && is_complete && !*is_complete) {
    const size_t count = std::min({piece, bytes.size(), decoder.BytesWanted()});
    is_complete = decoder.Feed(AsBytes(bytes.substr(0, count)));
    bytes.remove_prefix(count);
  }
  return is_complete;
}

ErrorCode CodeFor(std::string_view bytes) {
  FrameDecoder decoder;
  const Result<bool> outcome = FeedAll(decoder, bytes, bytes.size());
  EXPECT_FALSE(outcome) << bytes;
  return outcome ? ErrorCode::kOperational : outcome.error().code;
}

TEST(FrameTest, HeaderIsEightKnownBytes) {
  EXPECT_EQ(HeaderText({3, 0x10000}), std::string("GH\x01\x03\0\0\1\0", 8));
  EXPECT_EQ(HeaderText({0, 0x1234}), std::string("GH\x01\0\x34\x12\0\0", 8));
}

TEST(FrameTest, SameFrameHoweverItIsCut) {
  const std::string payload = "{\"a\":1}";
  const std::string bytes =
      HeaderText({2, static_cast<uint32_t>(payload.size())}) + payload;
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    FrameDecoder decoder;
    const Result<bool> is_complete = FeedAll(decoder, bytes, piece);
    ASSERT_TRUE(is_complete);
    EXPECT_TRUE(*is_complete);
    EXPECT_EQ(decoder.header().descriptors, 2);
    EXPECT_EQ(decoder.TakePayload(), payload);
    EXPECT_TRUE(decoder.is_empty());
  }
}

TEST(FrameTest, NeverWantsWhatBelongsToTheNextFrame) {
  FrameDecoder decoder;
  EXPECT_EQ(decoder.BytesWanted(), kFrameHeaderBytes);
  ASSERT_TRUE(decoder.Feed(AsBytes(HeaderText({0, 5}))));
  EXPECT_EQ(decoder.BytesWanted(), 5U);
  ASSERT_TRUE(decoder.Feed(AsBytes("{}")));
  EXPECT_EQ(decoder.BytesWanted(), 3U);
}

TEST(FrameTest, EmptyPayloadIsCompleteWithItsHeader) {
  FrameDecoder decoder;
  const Result<bool> is_complete = decoder.Feed(AsBytes(HeaderText({0, 0})));
  ASSERT_TRUE(is_complete);
  EXPECT_TRUE(*is_complete);
  EXPECT_EQ(decoder.TakePayload(), "");
}

TEST(FrameTest, AnotherProtocolIsRefusedWithItsFirstByte) {
  EXPECT_EQ(CodeFor("H"), kInvalid);
  EXPECT_EQ(CodeFor("GE"), kInvalid);
  EXPECT_EQ(CodeFor("GET / HTTP"), kInvalid);
}

TEST(FrameTest, AnotherVersionIsRefused) {
  EXPECT_EQ(CodeFor(std::string_view("GH\0", 3)), kInvalid);
  EXPECT_EQ(CodeFor("GH\x02"), kInvalid);
}

TEST(FrameTest, LimitsAreExact) {
  std::string header =
      HeaderText({kFrameDescriptorsMax, kFramePayloadBytesMax});
  FrameDecoder decoder;
  EXPECT_TRUE(decoder.Feed(AsBytes(header)));
  ++header[4];  // 64 KiB and 1.
  EXPECT_EQ(CodeFor(header), kLimit);
  header = HeaderText({kFrameDescriptorsMax, 0});
  ++header[3];
  EXPECT_EQ(CodeFor(header), kLimit);
}

}  // namespace
}  // namespace gatehouse
