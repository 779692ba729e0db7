// UniqueFd owns one file descriptor and closes it.
//
// Thread-compatible. Movable, not copyable; -1 means "owns nothing".
#pragma once

#include <utility>

namespace gatehouse {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  bool valid() const { return fd_ >= 0; }

  // Borrowed: valid until this object closes it. Never close it yourself.
  int UnsafeFd() const { return fd_; }

  // Gives up ownership; the caller closes.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }

  // Closes what it owns and takes `fd`. errno is preserved.
  void Reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace gatehouse
