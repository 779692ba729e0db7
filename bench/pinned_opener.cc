// gatehouse_bench_pinned_opener: how long open() takes, on one processor, file
// by file; several of them begin at the same moment.
//
// pinned_opener CPU DIRECTORY FIRST COUNT WARM-UP ROUNDS: pins itself to CPU
// (-1: to none), says "ready", and when a line arrives opens DIRECTORY/FIRST to
// FIRST+COUNT-1 in turn, WARM-UP times unmeasured and then ROUNDS times. Prints
// one JSON object: p50 and p99 in nanoseconds, the number of opens, and when on
// CLOCK_MONOTONIC it began and ended. Nothing but open() is timed.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

bool PinTo(int cpu) {
  if (cpu < 0) return true;
  cpu_set_t set = {};
  CPU_SET(static_cast<size_t>(cpu), &set);
  return ::sched_setaffinity(0, sizeof(set), &set) == 0;
}

// How long the open took; -1 if it failed.
int64_t TimeToOpen(const std::string& path) {
  const auto before = Clock::now();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto after = Clock::now();
  if (fd < 0) return -1;
  (void)::close(fd);
  return (after - before).count();
}

int64_t Percentile(const std::vector<int64_t>& sorted, double fraction) {
  return sorted.at(
      static_cast<size_t>(fraction * static_cast<double>(sorted.size() - 1)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7 || !PinTo(std::stoi(argv[1]))) {
    std::cerr << "usage: pinned_opener CPU DIRECTORY FIRST COUNT WARM-UP "
                 "ROUNDS\n";
    return 2;
  }
  std::vector<std::string> paths;
  const int first = std::stoi(argv[3]);
  for (int i = 0; i < std::stoi(argv[4]); ++i) {
    paths.push_back(std::string(argv[2]) + "/" + std::to_string(first + i));
  }
  const int warm_up = std::stoi(argv[5]);
  const int rounds = std::stoi(argv[6]);
  std::vector<int64_t> times;
  times.reserve(paths.size() * static_cast<size_t>(rounds));
  std::cout << "ready" << std::endl;
  std::string line;
  if (!std::getline(std::cin, line)) return 1;
  Clock::time_point begin = Clock::now();
  for (int round = 0; round < warm_up + rounds; ++round) {
    if (round == warm_up) begin = Clock::now();
    for (const std::string& path : paths) {
      const int64_t time = TimeToOpen(path);
      if (time < 0) {
        std::cerr << "cannot open " << path << "\n";
        return 1;
      }
      if (round >= warm_up) times.push_back(time);
    }
  }
  const Clock::time_point end = Clock::now();
  std::sort(times.begin(), times.end());
  std::cout << "{\"p50_ns\":" << Percentile(times, 0.5)
            << ",\"p99_ns\":" << Percentile(times, 0.99)
            << ",\"opens\":" << times.size()
            << ",\"begin_ns\":" << begin.time_since_epoch().count()
            << ",\"end_ns\":" << end.time_since_epoch().count() << "}"
            << std::endl;
  return 0;
}
