// EventCosts: what the events of real time cost, by their kind and by what the
// time was spent on.
//
// Thread-safe and process-safe, as CostHistogram.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/cost_histogram.h"
#include "engine/file_event.h"

namespace gatehouse {

enum class CostPhase : uint8_t {
  kQueueWait,  // From when the adapter saw it until a worker took it.
  kScan,       // Until there was a verdict.
  kAnswer,     // Until the answer was given; of who does not wait: nothing.
  kTotal,
};
inline constexpr size_t kCostPhaseCount = 4;

struct EventCosts {
  // By FileEventKind and CostPhase.
  std::array<std::array<CostHistogram, kCostPhaseCount>, kFileEventKindCount>
      by_kind;

  // `event` has been judged and, if somebody waited, answered at `done_at`.
  void Add(const FileEvent& event, MonotonicTime done_at) {
    auto& costs = by_kind[static_cast<size_t>(event.kind)];
    const EventTimes& times = event.times;
    const auto add = [&costs](CostPhase phase, std::chrono::nanoseconds cost) {
      costs[static_cast<size_t>(phase)].Add(cost);
    };
    add(CostPhase::kScan, times.judged - times.taken);
    if (event.kind == FileEventKind::kRescan) return;  // It waited before.
    add(CostPhase::kQueueWait, times.taken - times.arrived);
    add(CostPhase::kAnswer, done_at - times.judged);
    add(CostPhase::kTotal, done_at - times.arrived);
  }
};

}  // namespace gatehouse
