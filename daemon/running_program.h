// RunningProgram: a process and the file of the program that it runs, so that
// the one who is ended is the one whose program was judged.
//
// Thread-compatible. Nothing here asks a file system for anything that it might
// have to ask a server for.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace gatehouse {

struct RunningProgram {
  pid_t pid = 0;
  UniqueFd process;  // The process itself: a pid may mean another one soon.
  UniqueFd file;     // O_PATH.
  dev_t device = 0;
  ino_t inode = 0;
  std::string path;  // As the kernel names it; whoever starts it chose that.
};

// What `pid` runs now. Empty if it is over, or has no program (the kernel's
// own); errors are those of the system, of descriptors most of all.
Result<std::optional<RunningProgram>> FindProgram(pid_t pid);

// Kills the process, whatever has its number now. Returns 0 or an errno value:
// ESRCH if it is gone.
int Kill(const RunningProgram& program);

// True if the name of its program is one of a file in memory; it need not be
// one. A look at a link: for a first choice among many.
[[nodiscard]] bool IsNamedAsInMemory(pid_t pid);

// Every process of this pid namespace, of which /proc tells.
[[nodiscard]] std::vector<pid_t> AllProcesses();

// The file systems of the kernel's own that files in memory (memfd_create) are
// on. Nobody can mount them, so that nothing else is on them, and no mark
// covers them.
class MemoryFileSystems {
 public:
  static MemoryFileSystems Find();
  [[nodiscard]] bool Contains(dev_t device) const;

 private:
  std::vector<dev_t> devices_;
};

}  // namespace gatehouse
