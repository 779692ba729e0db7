// Exemptions: files that an administrator restored. The very file with the
// very content is left alone; another file with that content is not, nor is
// that file once its content changes.
//
// Thread-safe. Owns its entries; remembering them for good is ThreatStore's.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/mutex.h"
#include "quarantine/file_operations.h"

namespace gatehouse {

class Exemptions {
 public:
  using Sha256 = std::array<uint8_t, 32>;

  // `files` must outlive this object.
  explicit Exemptions(FileOperations& files) : files_(files) {}

  // `key` is ExemptionKey().
  void Add(const std::string& key, const Sha256& sha256);
  void Remove(const std::string& key);

  // True if the file behind `fd` is exempt. Costs one load while there are no
  // exemptions, one statx for files that are not exempt, else reads the file,
  // which has the size that it had in the vault.
  // A file that cannot be read is not exempt.
  [[nodiscard]] bool Covers(int fd) const;

  [[nodiscard]] size_t size() const { return size_.load(); }

 private:
  FileOperations& files_;
  std::atomic<size_t> size_{0};
  mutable Mutex mutex_;
  std::map<std::string, Sha256> sha256_of_key_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
