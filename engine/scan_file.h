// ScanFile: the open descriptor that *is* the identity of a file to judge.
//
// Thread-compatible; move-only. Either owns the descriptor, or borrows it from
// an owner (an ES message) that it releases when it is destroyed.
#pragma once

#include <utility>

#include "base/unique_fd.h"

namespace gatehouse {

class ScanFile {
 public:
  // Called once, from whatever thread drops the file. Must not throw.
  using ReleaseFunction = void (*)(void* owner) noexcept;

  ScanFile() = default;
  explicit ScanFile(UniqueFd fd)
      : fd_(fd.UnsafeFd()), owned_fd_(std::move(fd)) {}
  // `fd` stays open until `release(owner)` is called.
  ScanFile(int unsafe_fd, void* owner, ReleaseFunction release)
      : fd_(unsafe_fd), owner_(owner), release_(release) {}

  ScanFile(ScanFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        owned_fd_(std::move(other.owned_fd_)),
        owner_(std::exchange(other.owner_, nullptr)),
        release_(std::exchange(other.release_, nullptr)) {}
  ScanFile& operator=(ScanFile&& other) noexcept {
    if (this != &other) {
      Drop();
      fd_ = std::exchange(other.fd_, -1);
      owned_fd_ = std::move(other.owned_fd_);
      owner_ = std::exchange(other.owner_, nullptr);
      release_ = std::exchange(other.release_, nullptr);
    }
    return *this;
  }
  ScanFile(const ScanFile&) = delete;
  ScanFile& operator=(const ScanFile&) = delete;
  ~ScanFile() { Drop(); }

  bool valid() const { return fd_ >= 0; }
  // What the descriptor is borrowed from, if `release` gives it back: then it
  // is of the kind that belongs to `release`. Else null.
  void* UnsafeOwner(ReleaseFunction release) const {
    return release_ == release ? owner_ : nullptr;
  }
  // Borrowed: open for as long as this object lives.
  int UnsafeFd() const { return fd_; }

 private:
  void Drop() {
    if (release_ != nullptr) std::exchange(release_, nullptr)(owner_);
    owned_fd_.Reset();
    fd_ = -1;
  }

  int fd_ = -1;
  UniqueFd owned_fd_;
  void* owner_ = nullptr;
  ReleaseFunction release_ = nullptr;
};

}  // namespace gatehouse
