// ServerLimits and ServerStatistics: how much the server takes on, and what it
// has met.
//
// ServerLimits is a plain value. ServerStatistics is thread-safe and may lie
// in memory that processes share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gatehouse {

// Descriptors that may come with the first frame of a connection: the
// destination of a restore.
inline constexpr size_t kRequestDescriptorsMax = 1;

struct ServerLimits {
  // Connections whose first frame is not complete.
  size_t half_open_max = 256;
  size_t half_open_per_user_max = 64;
  // Silent for this long, one may be dropped in favour of a new one.
  std::chrono::milliseconds half_open_evictable_after{100};
  // Not complete this long after it was accepted, one is dropped in any case.
  std::chrono::milliseconds half_open_lifetime_max{10000};

  // Connections whose request is being answered.
  size_t sessions_max = 32;
  size_t sessions_per_user_max = 8;
  size_t sessions_for_root = 8;  // Of sessions_max, kept for user 0.
  std::chrono::milliseconds send_timeout{5000};

  size_t request_descriptors_max = kRequestDescriptorsMax;
};

// Counters only; nothing is ordered by them.
struct ServerStatistics {
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> refused{0};    // Told "busy".
  std::atomic<uint64_t> evicted{0};    // Half-open, dropped for a new one.
  std::atomic<uint64_t> expired{0};    // Half-open, dropped for its age.
  std::atomic<uint64_t> malformed{0};  // Sent what is no request.
  std::atomic<uint64_t> sessions_now{0};
};

}  // namespace gatehouse
