// Threads that begin at the same moment, so that they meet in what is tested.
#pragma once

#include <barrier>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace gatehouse {

// Runs each of `bodies` on a thread of its own, `rounds` times with the number
// of the round, and returns when all have ended.
inline void RunTogether(const std::vector<std::function<void(size_t)>>& bodies,
                        size_t rounds) {
  std::barrier start(static_cast<std::ptrdiff_t>(bodies.size()));
  std::vector<std::jthread> threads;
  threads.reserve(bodies.size());
  for (const auto& body : bodies) {
    threads.emplace_back([&body, &start, rounds] {
      start.arrive_and_wait();
      for (size_t round = 0; round < rounds; ++round) body(round);
    });
  }
}

}  // namespace gatehouse
