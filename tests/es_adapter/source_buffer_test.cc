#include "es_adapter/linux/source_buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace gatehouse {
namespace {

// A record of `bytes` bytes at `at`.
void Put(std::span<std::byte> room, size_t at, uint32_t bytes) {
  std::memcpy(room.data() + at, &bytes, sizeof(bytes));
}

class SourceBufferTest : public testing::Test {
 protected:
  std::unique_ptr<SourceBuffer> buffer_ = std::make_unique<SourceBuffer>();
};

TEST_F(SourceBufferTest, IsEmptyAtFirst) {
  EXPECT_TRUE(buffer_->rest().empty());
  EXPECT_EQ(buffer_->Recover(), 0U);
}

TEST_F(SourceBufferTest, GivesRecordAfterRecord) {
  const std::span<std::byte> room = buffer_->BeginRead();
  ASSERT_EQ(room.size(), SourceBuffer::kBytes);
  Put(room, 0, 40);
  Put(room, 40, 24);
  buffer_->EndRead(64);
  EXPECT_EQ(buffer_->rest().size(), 64U);
  buffer_->CountDelivered();
  EXPECT_EQ(buffer_->events_delivered(), 1U);
  buffer_->Advance(40);
  EXPECT_EQ(buffer_->events_delivered(), 0U);
  EXPECT_EQ(buffer_->rest().size(), 24U);
  buffer_->Advance(24);
  EXPECT_TRUE(buffer_->rest().empty());
}

TEST_F(SourceBufferTest, ASuccessorGoesOnWhereItsPredecessorDied) {
  const std::span<std::byte> room = buffer_->BeginRead();
  Put(room, 0, 40);
  Put(room, 40, 24);
  Put(room, 64, 24);
  buffer_->EndRead(88);
  buffer_->Advance(40);
  buffer_->CountDelivered();
  EXPECT_EQ(buffer_->Recover(), 2U);
  EXPECT_EQ(buffer_->rest().size(), 48U);
  EXPECT_EQ(buffer_->events_delivered(), 1U);
}

TEST_F(SourceBufferTest, ADeathWithinAReadLosesNothingThatWasRead) {
  const std::span<std::byte> room = buffer_->BeginRead();
  Put(room, 0, 40);
  Put(room, 40, 26);  // Padded to a multiple of 4.
  Put(room, 68, 24);
  EXPECT_EQ(buffer_->Recover(), 3U);
  EXPECT_EQ(buffer_->rest().size(), 92U);
}

TEST_F(SourceBufferTest, ADeathBeforeAReadLeavesNothing) {
  const std::span<std::byte> room = buffer_->BeginRead();
  Put(room, 0, 40);
  buffer_->EndRead(40);
  buffer_->Advance(40);
  (void)buffer_->BeginRead();
  EXPECT_EQ(buffer_->Recover(), 0U);
  EXPECT_TRUE(buffer_->rest().empty());
}

TEST_F(SourceBufferTest, NeverGoesBeyondItsEnd) {
  const std::span<std::byte> room = buffer_->BeginRead();
  Put(room, 0, SourceBuffer::kBytes - 8);
  Put(room, SourceBuffer::kBytes - 8, 9);
  EXPECT_EQ(buffer_->Recover(), 1U);
  EXPECT_EQ(buffer_->rest().size(), SourceBuffer::kBytes - 8);
}

}  // namespace
}  // namespace gatehouse
