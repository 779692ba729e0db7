#include "engine/event_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <future>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

#include "tests/becomes_true.h"
#include "tests/engine/counting_responder.h"
#include "tests/engine/tally.h"

namespace gatehouse {
namespace {

using testing::Each;
using testing::ElementsAre;

// Events are told apart by their pid.
FileEvent Event(int32_t number) {
  FileEvent event;
  event.pid = number;
  return event;
}

bool Push(EventQueue& queue, Lane lane, int32_t number) {
  FileEvent event = Event(number);
  return queue.TryPush(lane, event);
}

// -1 if the queue was closed and empty.
int32_t Pop(EventQueue& queue, bool exec_only = false) {
  const std::optional<FileEvent> event = queue.Pop(exec_only);
  return event ? event->pid : -1;
}

TEST(EventQueueTest, KeepsTheOrderOfEachLane) {
  EventQueue queue(4);
  for (const int32_t number : {1, 2, 3, 4}) {
    ASSERT_TRUE(Push(queue, Lane::kOpen, number));
  }
  EXPECT_EQ(queue.size(), 4U);
  for (const int32_t number : {1, 2, 3, 4}) EXPECT_EQ(Pop(queue), number);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(EventQueueTest, GivesProgramStartsBeforeOpens) {
  EventQueue queue(4);
  ASSERT_TRUE(Push(queue, Lane::kOpen, 1));
  ASSERT_TRUE(Push(queue, Lane::kExec, 2));
  ASSERT_TRUE(Push(queue, Lane::kOpen, 3));
  ASSERT_TRUE(Push(queue, Lane::kExec, 4));
  for (const int32_t number : {2, 4, 1, 3}) EXPECT_EQ(Pop(queue), number);
}

TEST(EventQueueTest, GivesAnExecOnlyConsumerNothingButProgramStarts) {
  EventQueue queue(4);
  ASSERT_TRUE(Push(queue, Lane::kOpen, 1));
  ASSERT_TRUE(Push(queue, Lane::kExec, 2));
  queue.Close();
  EXPECT_EQ(Pop(queue, true), 2);
  EXPECT_EQ(Pop(queue, true), -1);
  EXPECT_EQ(Pop(queue), 1);
}

TEST(EventQueueTest, LeavesTheEventUntouchedWhenTheLaneIsFull) {
  CountingResponder responder(1);
  EventQueue queue(2);
  ASSERT_TRUE(Push(queue, Lane::kOpen, 1));
  ASSERT_TRUE(Push(queue, Lane::kOpen, 2));
  FileEvent event = Event(3);
  event.ticket = responder.Issue(0);
  EXPECT_FALSE(queue.TryPush(Lane::kOpen, event));
  EXPECT_EQ(event.pid, 3);
  ASSERT_TRUE(event.ticket.pending());
  EXPECT_TRUE(event.ticket.Settle(Verdict()));
}

TEST(EventQueueTest, AFullLaneDoesNotFillTheOther) {
  EventQueue queue(2);
  for (const Lane lane : {Lane::kOpen, Lane::kExec}) {
    EXPECT_TRUE(Push(queue, lane, 1));
    EXPECT_TRUE(Push(queue, lane, 2));
    EXPECT_FALSE(Push(queue, lane, 3));
  }
  EXPECT_EQ(queue.size(), 4U);
}

TEST(EventQueueTest, TakesNothingOnceClosedButGivesWhatIsLeft) {
  EventQueue queue(4);
  ASSERT_TRUE(Push(queue, Lane::kOpen, 1));
  ASSERT_TRUE(Push(queue, Lane::kExec, 2));
  EXPECT_FALSE(queue.closed());
  queue.Close();
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(Push(queue, Lane::kOpen, 3));
  EXPECT_FALSE(Push(queue, Lane::kExec, 4));
  EXPECT_EQ(Pop(queue), 2);
  EXPECT_EQ(Pop(queue), 1);
  EXPECT_EQ(Pop(queue), -1);
}

TEST(EventQueueTest, ReportsTheTicketsItIsDestroyedWith) {
  CountingResponder responder(3);
  {
    EventQueue queue(4);
    for (const uint64_t number : {0U, 1U, 2U}) {
      FileEvent event = Event(0);
      event.ticket = responder.Issue(number);
      ASSERT_TRUE(queue.TryPush(Lane::kOpen, event));
      ASSERT_FALSE(event.ticket.pending());
    }
    std::optional<FileEvent> event = queue.Pop(false);
    ASSERT_TRUE(event.has_value());
    EXPECT_TRUE(event->ticket.Settle(Verdict()));
  }
  EXPECT_THAT(responder.Settled(), ElementsAre(1U, 0U, 0U));
  EXPECT_THAT(responder.Dropped(), ElementsAre(0U, 1U, 1U));
}

TEST(EventQueueTest, WakesEverySleeperWhenItIsClosed) {
  EventQueue queue(2);
  std::atomic<int> ended{0};
  std::vector<std::jthread> consumers;
  for (const bool exec_only : {false, false, true, true}) {
    consumers.emplace_back([&queue, &ended, exec_only] {
      EXPECT_EQ(Pop(queue, exec_only), -1);
      ended.fetch_add(1);
    });
  }
  queue.Close();
  EXPECT_TRUE(BecomesTrue([&ended] { return ended.load() == 4; }));
}

// Every hand-over may be the one that finds the other side half asleep.
void PlayPingPong(Lane lane, bool exec_only) {
  constexpr int32_t kRounds = 12'000;
  EventQueue there(2);
  EventQueue back(2);
  const std::jthread echo([&] {
    while (std::optional<FileEvent> event = there.Pop(exec_only)) {
      ASSERT_TRUE(back.TryPush(lane, *event));
    }
    back.Close();
  });
  std::atomic<int32_t> rounds_ended{0};
  std::promise<void> over;
  const std::jthread server([&] {
    for (int32_t round = 0; round < kRounds; ++round) {
      ASSERT_TRUE(Push(there, lane, round));
      ASSERT_EQ(Pop(back, exec_only), round);
      rounds_ended.fetch_add(1);
    }
    over.set_value();
  });
  // On a busy machine all rounds take longer than that, but some end. After a
  // lost wake-up, none does.
  const std::future<void> all_over = over.get_future();
  int32_t seen = -1;
  while (all_over.wait_for(kPatience) != std::future_status::ready) {
    const int32_t now = rounds_ended.load();
    EXPECT_NE(now, seen) << "a wake-up was lost";
    if (now == seen) break;
    seen = now;
  }
  there.Close();
}

TEST(EventQueueTest, LosesNoWakeUpOfAConsumerOfOpens) {
  PlayPingPong(Lane::kOpen, false);
}

TEST(EventQueueTest, LosesNoWakeUpOfAConsumerOfBothLanes) {
  PlayPingPong(Lane::kExec, false);
}

TEST(EventQueueTest, LosesNoWakeUpOfAConsumerOfProgramStartsAlone) {
  PlayPingPong(Lane::kExec, true);
}

// As many consumers as events, and none comes back before all are taken: one
// wake-up that reaches nobody, and the round does not end.
TEST(EventQueueTest, WakesAsManyConsumersAsThereAreEvents) {
  constexpr ptrdiff_t kThreads = 4;
  constexpr int kRounds = 500;
  EventQueue queue(kThreads);
  std::barrier round_begins(kThreads);
  std::barrier round_ends(2 * kThreads);
  std::latch over(kThreads);
  std::promise<void> all_over;
  std::vector<std::jthread> threads;
  for (int32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round) {
        round_begins.arrive_and_wait();
        (void)Push(queue, Lane::kOpen, i);
        round_ends.arrive_and_wait();
      }
    });
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        (void)Pop(queue);
        round_ends.arrive_and_wait();
      }
      over.count_down();
    });
  }
  threads.emplace_back([&] {
    over.wait();
    all_over.set_value();
  });
  EXPECT_EQ(all_over.get_future().wait_for(kPatience),
            std::future_status::ready)
      << "a consumer slept over an event";
  queue.Close();  // Whoever sleeps goes on with nothing.
}

constexpr uint32_t kProducers = 4;
constexpr uint32_t kEventsEach = 4000;
constexpr uint32_t kEvents = kProducers * kEventsEach;

void Produce(EventQueue& queue, CountingResponder& responder, uint32_t first) {
  for (uint32_t i = 0; i < kEventsEach; ++i) {
    FileEvent event = Event(static_cast<int32_t>(first + i));
    event.ticket = responder.Issue(first + i);
    const Lane lane = i % 3 == 0 ? Lane::kExec : Lane::kOpen;
    while (!queue.TryPush(lane, event)) std::this_thread::yield();
  }
}

TEST(EventQueueTest, LosesAndDoublesNothingBetweenManyThreads) {
  CountingResponder responder(kEvents);
  EventQueue queue(8);
  Tally taken(kEvents);
  std::vector<std::jthread> consumers;
  for (const bool exec_only : {false, false, false, true}) {
    consumers.emplace_back([&queue, &taken, exec_only] {
      while (std::optional<FileEvent> event = queue.Pop(exec_only)) {
        taken.Add(static_cast<size_t>(event->pid));
        (void)event->ticket.Settle(Verdict());
      }
    });
  }
  {
    std::vector<std::jthread> producers;
    for (uint32_t i = 0; i < kProducers; ++i) {
      producers.emplace_back(
          [&, i] { Produce(queue, responder, i * kEventsEach); });
    }
  }
  queue.Close();
  consumers.clear();  // Joins.
  EXPECT_THAT(taken.Counts(), Each(1U));
  EXPECT_THAT(responder.Settled(), Each(1U));
  EXPECT_THAT(responder.Dropped(), Each(0U));
}

}  // namespace
}  // namespace gatehouse
