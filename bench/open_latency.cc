// gatehouse_bench_open_latency: how long open() takes, file by file.
//
// open_latency DIRECTORY FILES ROUNDS: opens DIRECTORY/0 … FILES-1 in turn,
// ROUNDS times, and prints one JSON object: median, p99 and p99.9 in
// nanoseconds, and opens per second. One thread; nothing but open() is timed.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

int64_t Percentile(const std::vector<int64_t>& sorted, double fraction) {
  const auto index =
      static_cast<size_t>(fraction * static_cast<double>(sorted.size() - 1));
  return sorted.at(index);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: open_latency DIRECTORY FILES ROUNDS\n";
    return 2;
  }
  const std::string directory = argv[1];
  const int files = std::atoi(argv[2]);
  const int rounds = std::atoi(argv[3]);
  std::vector<std::string> paths;
  for (int i = 0; i < files; ++i) {
    paths.push_back(directory + "/" + std::to_string(i));
  }
  std::vector<int64_t> times;
  times.reserve(static_cast<size_t>(files) * static_cast<size_t>(rounds));
  const auto begin = Clock::now();
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& path : paths) {
      const auto before = Clock::now();
      const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      const auto after = Clock::now();
      if (fd < 0) {
        std::cerr << "cannot open " << path << "\n";
        return 1;
      }
      (void)::close(fd);
      times.push_back((after - before).count());
    }
  }
  const std::chrono::duration<double> all = Clock::now() - begin;
  std::sort(times.begin(), times.end());
  std::cout << "{\"median_ns\":" << Percentile(times, 0.5)
            << ",\"p99_ns\":" << Percentile(times, 0.99)
            << ",\"p999_ns\":" << Percentile(times, 0.999)
            << ",\"opens_per_s\":"
            << static_cast<int64_t>(static_cast<double>(times.size()) /
                                    all.count())
            << "}" << std::endl;
  return 0;
}
