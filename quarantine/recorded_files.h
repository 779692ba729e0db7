// RecordedFiles: files that were recorded a moment ago and left alone, so that
// opening one of them again and again writes the history once.
//
// Thread-safe. Bounded: what does not fit is recorded again, which changes
// nothing.
#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "base/mutex.h"

namespace gatehouse {

class RecordedFiles {
 public:
  static constexpr size_t kFilesMax = 4096;

  // True if `key` was not there; from now on it is.
  bool Add(const std::string& key) {
    const MutexLock lock(mutex_);
    if (keys_.size() >= kFilesMax && !keys_.contains(key)) keys_.clear();
    return keys_.insert(key).second;
  }
  // It could not be recorded after all.
  void Remove(const std::string& key) {
    const MutexLock lock(mutex_);
    keys_.erase(key);
  }
  // What was recorded may have been forgotten.
  void Clear() {
    const MutexLock lock(mutex_);
    keys_.clear();
  }

 private:
  Mutex mutex_;
  std::set<std::string> keys_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
