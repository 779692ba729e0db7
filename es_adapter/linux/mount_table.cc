#include "es_adapter/linux/mount_table.h"

#include <linux/fanotify.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_map>

#include "base/mounted_file_system.h"

namespace gatehouse {
namespace {

// struct fanotify_event_info_mnt, not in the headers of every kernel we build
// on: a header, and an id that is aligned.
constexpr uint8_t kPartMount = 7;  // FAN_EVENT_INFO_TYPE_MNT
constexpr size_t kMountIdOffset = 8;
constexpr size_t kPartMountBytes = kMountIdOffset + sizeof(uint64_t);

// "8:1"; 0 if it is something else.
dev_t DeviceOf(std::string_view text) {
  unsigned int major_number = 0;
  unsigned int minor_number = 0;
  const char* end = text.data() + text.size();
  const auto colon = std::from_chars(text.data(), end, major_number);
  if (colon.ec != std::errc() || colon.ptr == end || *colon.ptr != ':') {
    return 0;
  }
  const auto rest = std::from_chars(colon.ptr + 1, end, minor_number);
  return rest.ec == std::errc() ? makedev(major_number, minor_number) : 0;
}

template <typename T>
T Load(std::span<const std::byte> bytes) {
  T value = {};
  std::memcpy(&value, bytes.data(), std::min(sizeof(value), bytes.size()));
  return value;
}

// By id. An id that is there twice is not the kernel's: the last one counts.
std::unordered_map<uint64_t, const MountFacts*> ById(
    std::span<const MountFacts> mounts) {
  std::unordered_map<uint64_t, const MountFacts*> by_id;
  for (const MountFacts& mount : mounts) by_id[mount.id] = &mount;
  return by_id;
}

bool IsIn(const std::unordered_map<uint64_t, const MountFacts*>& by_id,
          const MountFacts& mount) {
  const auto found = by_id.find(mount.id);
  return found != by_id.end() && IsSameMount(*found->second, mount);
}

}  // namespace

bool IsSameMount(const MountFacts& a, const MountFacts& b) {
  return a.id == b.id && a.device == b.device &&
         a.mount_point == b.mount_point && a.root == b.root && a.type == b.type;
}

std::vector<MountFacts> MountsOf(std::string_view mountinfo) {
  std::vector<MountFacts> mounts;
  for (MountedFileSystem& mount : ParseMountInfo(mountinfo)) {
    MountFacts& facts = mounts.emplace_back();
    facts.id = mount.id;
    facts.mountinfo_id = mount.id;
    facts.mount_point = std::move(mount.mount_point);
    facts.type = std::move(mount.type);
    facts.source = std::move(mount.source);
    facts.root = std::move(mount.root);
    facts.device = DeviceOf(mount.device);
  }
  return mounts;
}

std::vector<MountChange> DifferenceOf(std::span<const MountFacts> before,
                                      std::span<const MountFacts> after) {
  std::vector<MountChange> changes;
  const auto left = ById(after);
  for (size_t i = before.size(); i > 0; --i) {
    const MountFacts& mount = before[i - 1];
    if (!IsIn(left, mount)) changes.push_back({false, mount});
  }
  const auto known = ById(before);
  for (const MountFacts& mount : after) {
    if (!IsIn(known, mount)) changes.push_back({true, mount});
  }
  return changes;
}

std::optional<MountRecord> ParseMountRecord(std::span<const std::byte> record) {
  if (record.size() < sizeof(fanotify_event_metadata)) return std::nullopt;
  const auto metadata = Load<fanotify_event_metadata>(record);
  if (metadata.vers != FANOTIFY_METADATA_VERSION ||
      metadata.event_len > record.size() ||
      metadata.metadata_len > metadata.event_len ||
      metadata.metadata_len < sizeof(metadata)) {
    return std::nullopt;
  }
  MountRecord parsed = {metadata.mask, 0, metadata.pid};
  if ((metadata.mask & FAN_Q_OVERFLOW) != 0) return parsed;
  std::span<const std::byte> parts =
      record.first(metadata.event_len).subspan(metadata.metadata_len);
  while (parts.size() >= sizeof(fanotify_event_info_header)) {
    const auto header = Load<fanotify_event_info_header>(parts);
    if (header.len < sizeof(header) || header.len > parts.size()) break;
    if (header.info_type == kPartMount && header.len >= kPartMountBytes) {
      parsed.mount_id = Load<uint64_t>(parts.subspan(kMountIdOffset));
      return parsed;
    }
    parts = parts.subspan(header.len);
  }
  return std::nullopt;
}

}  // namespace gatehouse
