// io_uring without liburing, as far as the mutations need it.
//
// One thread.
#pragma once

#include <linux/io_uring.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/unique_fd.h"

namespace gatehouse {

// A ring with room for one request at a time.
class SmallRing {
 public:
  // 0 or an errno.
  int Open();
  // Runs one request to its end: its result, negative for an errno.
  int Run(const io_uring_sqe& request);
  // Pins the pages of `memory` until the ring is gone. 0 or an errno.
  int Register(void* memory, size_t bytes);

 private:
  UniqueFd ring_;
  io_uring_params parameters_ = {};
  std::byte* submissions_ = nullptr;
  std::byte* completions_ = nullptr;
  io_uring_sqe* entries_ = nullptr;
};

// Writes to `fd`; 0 or an errno.
int WriteByRing(int fd, const char* bytes, size_t count, off_t offset);

// Pages of files that stay pinned when nobody has them mapped any more.
class PinnedPages {
 public:
  // 0 or an errno, as below.
  int Add(const std::string& name, char* memory, size_t bytes);
  // Lets the kernel read from `fd` into the pages, `offset` from their start.
  int ReadInto(const std::string& name, int fd, size_t count, off_t offset);

 private:
  struct Pinned {
    SmallRing ring;
    uint64_t address = 0;
  };
  std::map<std::string, std::unique_ptr<Pinned>> pinned_;
};

}  // namespace gatehouse
