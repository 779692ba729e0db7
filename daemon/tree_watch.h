// TreeWatch: what was written below some directories, by inotify: for a daemon
// that may not use fanotify. After the fact, and only there: nobody is held.
//
// One watch for each directory, so that there is a limit. When it is reached,
// or the kernel has no more, the watch ends and failure() says so: half a tree
// would be no protection. When the kernel loses events the whole tree is
// visited anew.
//
// Thread-safe. Owns its thread. Pins no file system: paths are opened anew, and
// believed only on the file system that was there at the start.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "daemon/tree_walk.h"

struct inotify_event;

namespace gatehouse {

// May live in shared memory.
struct TreeStatistics {
  std::atomic<uint64_t> events{0};       // Read from inotify.
  std::atomic<uint64_t> overflows{0};    // The kernel lost some.
  std::atomic<uint64_t> walks{0};        // Of a whole tree, to their end.
  std::atomic<uint64_t> unreachable{0};  // See WalkCounts.
};

class TreeWatch {
 public:
  // False ends the watch.
  using OnFile = std::function<bool(UniqueFd file, std::string path,
                                    const std::stop_token& stop)>;

  // Watches `roots`, each a mount point and all of its own file system, with at
  // most `watches_max` directories. `on_file` is called on our thread: for each
  // regular file that is there, then for each that is written, moved there or
  // linked. Errors: inotify is not to be had.
  static Result<std::unique_ptr<TreeWatch>> Start(
      const std::vector<std::string>& roots, size_t watches_max, OnFile on_file,
      TreeStatistics& statistics);
  // Waits until a call that goes on has returned.
  ~TreeWatch();
  TreeWatch(const TreeWatch&) = delete;
  TreeWatch& operator=(const TreeWatch&) = delete;

  // Why it has ended; empty while it watches.
  [[nodiscard]] std::string failure() const;
  // True if the kernel lists a watch of ours now. Reads /proc.
  [[nodiscard]] bool IsWatching() const;
  [[nodiscard]] size_t watches() const { return watch_count_.load(); }

 private:
  // A directory: which root, and the path from there.
  using Place = std::pair<size_t, std::string>;

  TreeWatch(UniqueFd inotify, UniqueFd wake,
            const std::vector<std::string>& roots, size_t watches_max,
            OnFile on_file, TreeStatistics& statistics);
  void Run(const std::stop_token& stop);
  bool VisitAll(const std::stop_token& stop);
  bool Visit(const Place& place, const std::stop_token& stop);
  bool AddWatch(int directory, const Place& place);
  void Forget(int watch);
  void ForgetBelow(const Place& place);
  bool ReadEvents(const std::stop_token& stop);
  bool OnEvent(const inotify_event& event, const std::stop_token& stop);
  bool OnName(const inotify_event& event, const Place& place,
              const std::stop_token& stop);
  std::string FullPath(const Place& place) const;
  bool Fail(std::string reason);

  const UniqueFd inotify_;
  const UniqueFd wake_;  // eventfd: stop.
  const size_t watches_max_;
  const OnFile on_file_;
  TreeStatistics& statistics_;
  std::vector<TreeWalk> trees_;            // Our thread only.
  std::unordered_map<int, Place> places_;  // By watch. Our thread only.
  std::map<Place, int> watches_;           // The reverse.
  std::atomic<size_t> watch_count_{0};
  mutable Mutex mutex_;
  std::string failure_ GATEHOUSE_GUARDED_BY(mutex_);
  std::jthread thread_;  // Last: it uses the members above.
};

}  // namespace gatehouse
