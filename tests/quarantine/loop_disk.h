// LoopDisk: a file system in a file of its own, whose power can be cut.
//
// Thread-compatible. Needs root. Mounts in the mount namespace of whoever makes
// it, and takes away what it made.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace gatehouse {

class LoopDisk {
 public:
  // What is left of what was not flushed when the power is cut.
  enum class Cut : uint8_t {
    kKeepNames = 1,    // The journal is: names and sizes, but no content.
    kKeepNothing = 2,  // Nothing is.
  };

  // Makes the file FOLDER/NAME.img, a file system of that kind ("ext4", "xfs")
  // in it, and mounts that at FOLDER/NAME.
  static Result<LoopDisk> Make(const std::string& folder,
                               const std::string& name,
                               const std::string& kind);
  LoopDisk(LoopDisk&&) noexcept = default;
  LoopDisk& operator=(LoopDisk&&) = delete;
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;
  ~LoopDisk();

  const std::string& path() const { return path_; }
  uint64_t device() const { return device_; }

  // The kernel forgets what it had not flushed; whoever still uses the file
  // system gets errors from then on.
  Result<bool> CutPower(Cut cut) const;
  // The same for the file system that `path` lies on. Refuses, and does
  // nothing, unless that is on a loop device whose backing file is the one this
  // disk made.
  Result<bool> CutPowerAt(const std::string& path, Cut cut) const;
  // Unmounts it, and mounts what the disk still knows. Waits for whoever is
  // just closing his last file.
  Result<bool> MountAgain();
  Result<bool> SyncAll() const;

 private:
  LoopDisk() = default;
  Result<bool> AttachDevice();
  Result<bool> Mount();

  std::string image_path_;
  std::string path_;
  std::string kind_;
  std::string device_path_;
  UniqueFd image_;
  UniqueFd loop_;  // Keeps the device while nothing is mounted.
  uint64_t device_ = 0;
};

}  // namespace gatehouse
