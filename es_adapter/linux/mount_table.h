// Which mounts there are, and what has changed between two looks; what a record
// of a fanotify group that reports mounts says.
//
// Thread-safe: pure functions over what the kernel writes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

struct MountFacts {
  // Never used again, where the kernel has such; else that of mountinfo.
  uint64_t id = 0;
  uint64_t mountinfo_id = 0;  // 0: unknown.
  std::string mount_point;    // Empty: not known.
  std::string type;           // "ext4"
  std::string source;
  std::string root;  // What of the file system is there.
  dev_t device = 0;
  uint64_t magic = 0;  // f_type of statfs(2); 0: unknown.
};

// Mounted at the same place, and the same.
[[nodiscard]] bool IsSameMount(const MountFacts& a, const MountFacts& b);

struct MountChange {
  bool is_mounted = false;  // Else unmounted.
  MountFacts facts;
};

// The text of /proc/self/mountinfo, in its order.
[[nodiscard]] std::vector<MountFacts> MountsOf(std::string_view mountinfo);

// What leads from `before` to `after`: unmounts, what is mounted on others
// first; then mounts, the other way round. Who was moved is both. What came and
// went between the two nobody sees.
[[nodiscard]] std::vector<MountChange> DifferenceOf(
    std::span<const MountFacts> before, std::span<const MountFacts> after);

// Not in the headers of every kernel we build on.
inline constexpr uint64_t kMountAttached = 0x1000000;  // FAN_MNT_ATTACH
inline constexpr uint64_t kMountDetached = 0x2000000;  // FAN_MNT_DETACH

struct MountRecord {
  uint64_t mask = 0;      // Both: it was moved.
  uint64_t mount_id = 0;  // MountFacts::id; 0: FAN_Q_OVERFLOW.
  pid_t pid = 0;          // 0: of another pid namespace, or nobody.
};

// Parses one record; its length is that of NameRecordBytes. Empty if it does
// not fit the format.
[[nodiscard]] std::optional<MountRecord> ParseMountRecord(
    std::span<const std::byte> record);

}  // namespace gatehouse
