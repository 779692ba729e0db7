// VerdictCache: which files were judged clean and have not changed since, so
// that their next open costs no scan. docs/caching.md tells why it can be
// believed, and what it leaves out.
//
// Two things make an entry void: a state of the file (FileState) that differs,
// and a Touch, by which the source of events reports that somebody opened the
// file for writing. Who honours an entry must make sure that nobody can write
// the file at that moment.
//
// Thread-safe and never blocks: a set of entries that another thread is in is
// a miss, or is not written. Of fixed size; allocates at construction only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/file_state.h"
#include "engine/file_snapshot.h"
#include "engine/verdict.h"

namespace gatehouse {

// May live in shared memory. Each clean verdict is counted as inserted or as
// one of the refusals.
struct VerdictCacheStatistics {
  std::atomic<uint64_t> hits{0};  // Honoured.
  std::atomic<uint64_t> misses{0};
  std::atomic<uint64_t> with_writer{0};  // Not looked for: somebody can write.
  std::atomic<uint64_t> hits_denied{0};  // Known, but it is being isolated.
  std::atomic<uint64_t> insertions{0};
  std::atomic<uint64_t> refused_file_system{0};  // No truthful probe there.
  std::atomic<uint64_t> refused_writer{0};       // Before the scan, or after.
  std::atomic<uint64_t> refused_pinnable{0};     // Pages may change unseen.
  std::atomic<uint64_t> refused_fresh{0};        // Changed a moment before.
  std::atomic<uint64_t> refused_changed{0};      // By its state.
  std::atomic<uint64_t> refused_touched{0};     // Opened for writing meanwhile.
  std::atomic<uint64_t> refused_generation{0};  // Signatures changed meanwhile.
  std::atomic<uint64_t> busy{0};       // Another thread was in the set.
  std::atomic<uint64_t> evictions{0};  // Valid entries that had to go.
  std::atomic<uint64_t> touches{0};
  std::atomic<uint64_t> clears{0};
};

class VerdictCache {
 public:
  struct Known {
    // Nobody can open it for writing: FileLook::is_immutable.
    bool is_write_protected = false;
  };

  static constexpr size_t kEntriesMax = size_t{32} * 1024;

  // What the state of an open file is now. In a replay that is what was
  // recorded of it, and not what its descriptor says.
  using LookFunction = std::function<std::optional<FileLook>(int fd)>;

  // `statistics` must outlive the cache. `entries_max` is rounded up to a power
  // of two of at least kWays. `look` is thread-safe.
  explicit VerdictCache(VerdictCacheStatistics& statistics,
                        size_t entries_max = kEntriesMax,
                        LookFunction look = LookAt);
  ~VerdictCache();
  VerdictCache(const VerdictCache&) = delete;
  VerdictCache& operator=(const VerdictCache&) = delete;

  // Verdicts of this SignatureSet are remembered from now on; those of others
  // are forgotten. 0, as at first: none are.
  void SetGeneration(uint64_t generation);

  // Begins a snapshot of a file in `state`: call it before asking who can
  // write. The caller fills in the answers to that. `now_ns`: CLOCK_REALTIME.
  [[nodiscard]] FileSnapshot Begin(const FileState& state,
                                   int64_t now_ns) const;

  // What is known of a file in exactly this state. Counts a miss, but no hit:
  // that is for the caller, who has more to ask.
  [[nodiscard]] std::optional<Known> Find(const FileState& state);

  // Remembers that the file behind `fd` is clean, unless one of the rules
  // forbids it. `before` was taken before the scan that came to `verdict`;
  // without a snapshot, nothing is remembered.
  // Blocks for a few system calls on the open file.
  void Remember(int fd, const FileSnapshot& before, const Verdict& verdict);

  // The last step of Remember, for who has asked everything else already.
  void Insert(const FileSnapshot& snapshot, const Known& known);

  // True if the file behind `fd` is what it was when `before` was taken, and
  // nobody can have written it in between.
  [[nodiscard]] bool IsUnchanged(int fd, const FileSnapshot& before) const;

  // Somebody opens the file for writing, or has closed it after that: what is
  // known of it is void, and so is what a scan in progress finds out.
  void Touch(const FileState& state);

  // Forgets everything, and what scans in progress find out.
  void Clear();

 private:
  static constexpr size_t kWays = 8;
  static constexpr size_t kTouchCounters = size_t{64} * 1024;

  struct Entry;
  struct Set;

  [[nodiscard]] bool IsValid(const Entry& entry) const;
  [[nodiscard]] Set& SetOf(const FileState& state) const;
  [[nodiscard]] std::atomic<uint64_t>& TouchesOf(const FileState& state) const;
  [[nodiscard]] std::atomic<uint64_t>* ReasonToRefuse(
      int fd, const std::optional<FileLook>& now, const FileSnapshot& before,
      const Verdict& verdict) const;

  VerdictCacheStatistics& statistics_;
  const LookFunction look_;
  const size_t sets_;
  const std::unique_ptr<Set[]> set_;
  const std::unique_ptr<std::atomic<uint64_t>[]> touches_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<uint64_t> epoch_{1};  // Entries of another one are void.
};

}  // namespace gatehouse
