// Which files the statistics of clean files are made from, and which are left
// for measurements.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse {

[[nodiscard]] inline uint32_t PathHash(std::string_view path, uint32_t seed) {
  uint32_t hash = seed;
  for (const char c : path) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
  }
  return hash;
}

// Every second file, by its path.
[[nodiscard]] inline bool IsCounted(std::string_view path) {
  return (PathHash(path, 2166136261U) >> 16 & 1U) == 1;
}

}  // namespace gatehouse
