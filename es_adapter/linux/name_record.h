// What a record of a fanotify group with FAN_REPORT_DFID_NAME_TARGET says:
// a pure function over the bytes that the kernel writes.
//
// Thread-safe: constant. What is parsed borrows from the bytes.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gatehouse {

// Which file, for open_by_handle_at(2), and on which file system.
struct FileIdentity {
  uint64_t file_system = 0;  // f_fsid of statfs(2), as in memory.
  // struct file_handle, as long as it is; empty: the record has none.
  std::span<const std::byte> handle;
};

struct NamedEntry {
  FileIdentity directory;
  std::string_view name;  // Without the NUL; "." is the directory itself.
};

struct NameRecord {
  uint64_t mask = 0;
  pid_t pid = 0;  // 0: of another pid namespace.
  FileIdentity object;
  NamedEntry entry;  // Of all events but renames.
  NamedEntry old_entry;
  NamedEntry new_entry;
};

// The length of the record that `bytes` begin with: at least that of its
// metadata, at most bytes.size(). 0 if there is none.
[[nodiscard]] size_t NameRecordBytes(std::span<const std::byte> bytes);

// Parses one record. Empty if it does not fit the format; parts that we do not
// know are skipped.
[[nodiscard]] std::optional<NameRecord> ParseNameRecord(
    std::span<const std::byte> record);

// The kernel merges what happens to one name into one record, in no order: a
// file can be created, written and deleted in it. This is ours.
inline constexpr std::array kNameEventOrder = {
    ES_EVENT_TYPE_NOTIFY_CREATE, ES_EVENT_TYPE_NOTIFY_LINK,
    ES_EVENT_TYPE_NOTIFY_RENAME, ES_EVENT_TYPE_NOTIFY_OPEN,
    ES_EVENT_TYPE_NOTIFY_WRITE,  ES_EVENT_TYPE_NOTIFY_UNLINK};

// True if a record with `mask` tells of `type`. FAN_CREATE is both a creation
// and a link; `links` above 1 decides, and without a client for links
// (`wants_links`) every new name is a creation, so that none goes unseen.
[[nodiscard]] bool TellsOf(uint64_t mask, es_event_type_t type, uint64_t links,
                           bool wants_links);

}  // namespace gatehouse
