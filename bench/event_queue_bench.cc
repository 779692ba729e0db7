// What it costs to hand an event from the reader to a worker.
//
// BM_PushAndPop: both on one thread, so no sleeping and no other core: the
// queue alone. BM_HandOff: a round trip between two threads, each of which
// sleeps until the other has pushed: what a lone open waits for, twice.
#include <benchmark/benchmark.h>

#include <optional>
#include <thread>
#include <utility>

#include "engine/event_queue.h"

namespace gatehouse {
namespace {

constexpr size_t kEventsMax = 4096;

FileEvent NewEvent() {
  FileEvent event;
  event.kind = FileEventKind::kOpen;
  return event;
}

void BM_PushAndPop(benchmark::State& state) {
  EventQueue queue(kEventsMax);
  for (auto round : state) {
    (void)round;
    FileEvent event = NewEvent();
    benchmark::DoNotOptimize(queue.TryPush(Lane::kOpen, event));
    benchmark::DoNotOptimize(queue.Pop(false));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_PushAndPop);

void BM_HandOff(benchmark::State& state) {
  EventQueue there(kEventsMax);
  EventQueue back(kEventsMax);
  std::thread echo([&] {
    while (std::optional<FileEvent> event = there.Pop(false)) {
      (void)back.TryPush(Lane::kOpen, *event);
    }
  });
  for (auto round : state) {
    (void)round;
    FileEvent event = NewEvent();
    (void)there.TryPush(Lane::kOpen, event);
    benchmark::DoNotOptimize(back.Pop(false));
  }
  there.Close();
  echo.join();
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(BM_HandOff)->UseRealTime();

}  // namespace
}  // namespace gatehouse

BENCHMARK_MAIN();
