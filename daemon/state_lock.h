// StateLock: one daemon per state directory, and how the last one ended.
//
// One thread. Owns the lock file's descriptor; the lock ends with the last
// process that has it.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace gatehouse {

class StateLock {
 public:
  // Creates `directory` (0700) and its file `lock` if need be, and locks it;
  // waits a second for a daemon that is just going away.
  // Errors: kOperational "… is in use by another daemon".
  static Result<StateLock> Take(const std::string& directory);

  // The last daemon on this directory ended without MarkCleanEnd.
  bool previous_run_unclean() const { return previous_run_unclean_; }
  // Borrowed: open for as long as this object lives.
  int UnsafeFd() const { return fd_.UnsafeFd(); }

  // Notes that this run ended in an orderly way.
  void MarkCleanEnd();

 private:
  UniqueFd fd_;
  bool previous_run_unclean_ = false;
};

// Creates a directory with `mode` if it does not exist. Errors: kOperational;
// kNotPermitted if it is not ours or others may write to it.
Result<bool> EnsureDirectory(const std::string& path, unsigned int mode);

}  // namespace gatehouse
