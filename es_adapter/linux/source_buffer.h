// SourceBuffer: what an event source has read from the kernel and not yet
// delivered. Lives in the journal, so that a successor delivers the rest.
//
// Written by the reader thread only; read by a successor after a death.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gatehouse {

// Records follow each other; each begins with its length in 32 bits and a
// multiple of 4, as fanotify and netlink have it.
class SourceBuffer {
 public:
  static constexpr size_t kBytes = 8192;

  // Room for what is read next; blank, so that after a death the records in it
  // can be told. REQUIRES: everything was delivered.
  std::span<std::byte> BeginRead();
  // `bytes` of that room hold records now.
  void EndRead(size_t bytes);

  // What begins with the record that is to be delivered next; empty if
  // everything was delivered.
  [[nodiscard]] std::span<const std::byte> rest() const;
  // How many events of that record were delivered.
  [[nodiscard]] uint32_t events_delivered() const { return delivered_.load(); }
  // One more. A death before this repeats the event, one after it does not.
  void CountDelivered() { delivered_.fetch_add(1); }
  // The record of `bytes` is done with.
  void Advance(size_t bytes);

  // After a death: finds what was read. Returns the number of records to be
  // delivered.
  size_t Recover();

 private:
  std::atomic<bool> is_reading_{false};
  std::atomic<uint32_t> end_{0};
  std::atomic<uint32_t> next_{0};
  std::atomic<uint32_t> delivered_{0};
  alignas(8) std::array<std::byte, kBytes> bytes_ = {};
};

}  // namespace gatehouse
