#include "tests/system/small_ring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace gatehouse {
namespace {

constexpr size_t kRingBytes = 65536;

template <typename T>
T* At(std::byte* base, uint32_t offset) {
  return reinterpret_cast<T*>(base + offset);
}

std::byte* MapRing(int fd, size_t bytes, off_t offset) {
  void* mapped =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  return mapped == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapped);
}

}  // namespace

int SmallRing::Open() {
  ring_.Reset(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters_)));
  if (!ring_.valid()) return errno;
  submissions_ = MapRing(ring_.UnsafeFd(), kRingBytes, IORING_OFF_SQ_RING);
  completions_ = MapRing(ring_.UnsafeFd(), kRingBytes, IORING_OFF_CQ_RING);
  entries_ = reinterpret_cast<io_uring_sqe*>(
      MapRing(ring_.UnsafeFd(), sizeof(io_uring_sqe), IORING_OFF_SQES));
  const bool mapped =
      submissions_ != nullptr && completions_ != nullptr && entries_ != nullptr;
  return mapped ? 0 : errno;
}

int SmallRing::Run(const io_uring_sqe& request) {
  *entries_ = request;
  *At<uint32_t>(submissions_, parameters_.sq_off.array) = 0;
  std::atomic_ref(*At<uint32_t>(submissions_, parameters_.sq_off.tail))
      .fetch_add(1);
  if (::syscall(SYS_io_uring_enter, ring_.UnsafeFd(), 1, 1,
                IORING_ENTER_GETEVENTS, nullptr, 0) < 0) {
    return -errno;
  }
  const uint32_t head =
      std::atomic_ref(*At<uint32_t>(completions_, parameters_.cq_off.head))
          .fetch_add(1);
  const uint32_t index = head & (parameters_.cq_entries - 1);
  return At<io_uring_cqe>(completions_, parameters_.cq_off.cqes)[index].res;
}

int SmallRing::Register(void* memory, size_t bytes) {
  const iovec buffer = {memory, bytes};
  return ::syscall(SYS_io_uring_register, ring_.UnsafeFd(),
                   IORING_REGISTER_BUFFERS, &buffer, 1) == 0
             ? 0
             : errno;
}

int WriteByRing(int fd, const char* bytes, size_t count, off_t offset) {
  SmallRing ring;
  const int error = ring.Open();
  if (error != 0) return error;
  io_uring_sqe request = {};
  request.opcode = IORING_OP_WRITE;
  request.fd = fd;
  request.addr = reinterpret_cast<uint64_t>(bytes);
  request.len = static_cast<uint32_t>(count);
  request.off = static_cast<uint64_t>(offset);
  const int written = ring.Run(request);
  return written < 0 ? -written : 0;
}

int PinnedPages::Add(const std::string& name, char* memory, size_t bytes) {
  auto pinned = std::make_unique<Pinned>();
  int error = pinned->ring.Open();
  if (error == 0) error = pinned->ring.Register(memory, bytes);
  if (error != 0) return error;
  pinned->address = reinterpret_cast<uint64_t>(memory);
  pinned_[name] = std::move(pinned);
  return 0;
}

int PinnedPages::ReadInto(const std::string& name, int fd, size_t count,
                          off_t offset) {
  Pinned& pinned = *pinned_.at(name);
  io_uring_sqe request = {};
  request.opcode = IORING_OP_READ_FIXED;
  request.fd = fd;
  request.addr = pinned.address + static_cast<uint64_t>(offset);
  request.len = static_cast<uint32_t>(count);
  request.buf_index = 0;
  const int done = pinned.ring.Run(request);
  return done < 0 ? -done : 0;
}

}  // namespace gatehouse
