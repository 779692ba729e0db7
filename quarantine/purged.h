// Purged: how much of the history was forgotten.
//
// Plain value; thread-compatible.
#pragma once

#include <cstdint>

namespace gatehouse {

struct Purged {
  uint64_t threats = 0;
  uint64_t scans = 0;

  Purged& operator+=(const Purged& other) {
    threats += other.threats;
    scans += other.scans;
    return *this;
  }
};

}  // namespace gatehouse
