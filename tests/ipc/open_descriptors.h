// OpenDescriptors: how many descriptors this process has, to find those that
// were not closed.
//
// Thread-safe.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iterator>

namespace gatehouse {

[[nodiscard]] inline size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(
      std::distance(begin(all), std::filesystem::directory_iterator()));
}

}  // namespace gatehouse
