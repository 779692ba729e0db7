// OtherNames: files that were isolated by one of their names and have others
// left. Whoever opens one of those is denied without a scan, and it is isolated
// as well: hard links are no way around, whatever is written meanwhile.
//
// Nobody keeps these files open, so that file systems can be unmounted: a file
// is told by its handle. Thread-safe; the deny list and the file operations
// must outlive it.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "base/mutex.h"
#include "engine/deny_list.h"
#include "quarantine/file_operations.h"

namespace gatehouse {

class OtherNames {
 public:
  // Above this one is forgotten for another: its names are scanned when they
  // are opened, as everybody's are.
  static constexpr size_t kFilesMax = 4096;

  OtherNames(FileOperations& files, DenyList& deny_list)
      : files_(files), deny_list_(deny_list) {}

  // Looks whether the file behind `fd`, which was just isolated or looked at,
  // has names left; denies it if so, and forgets it if not. Blocks for two
  // system calls.
  void Look(int fd, const std::string& threat_name);
  // It is not malicious any more.
  void Forget(const FileFacts& facts);
  // Forgets who has no name left, a few at a time; call it now and then.
  void Sweep();

  [[nodiscard]] size_t size() const;

 private:
  struct File {
    FileFacts facts;
    DenyList::Entry denied;
  };

  FileOperations& files_;
  DenyList& deny_list_;
  mutable Mutex mutex_;
  std::map<std::string, File> file_of_key_ GATEHOUSE_GUARDED_BY(mutex_);
  std::string swept_to_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
