#include "es_adapter/linux/name_record.h"

#include <fcntl.h>
#include <linux/fanotify.h>

#include <cstring>

namespace gatehouse {
namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t kMetadataBytes = sizeof(fanotify_event_metadata);
constexpr size_t kHeaderBytes = sizeof(fanotify_event_info_header);
// fsid, then struct file_handle {handle_bytes, handle_type, ...}.
constexpr size_t kFileSystemBytes = sizeof(__kernel_fsid_t);
constexpr size_t kHandleHeaderBytes = 2 * sizeof(uint32_t);

// REQUIRES: bytes.size() >= sizeof(T).
template <typename T>
T Load(Bytes bytes) {
  T value = {};
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

// `body` is what follows the header: fsid, handle, and a name if `has_name`.
bool ParseEntry(Bytes body, bool has_name, NamedEntry& entry) {
  if (body.size() < kFileSystemBytes + kHandleHeaderBytes) return false;
  const Bytes handle = body.subspan(kFileSystemBytes);
  const auto handle_bytes = Load<uint32_t>(handle);
  if (handle_bytes > MAX_HANDLE_SZ ||
      handle_bytes > handle.size() - kHandleHeaderBytes) {
    return false;
  }
  entry.directory.file_system = Load<uint64_t>(body);
  entry.directory.handle = handle.first(kHandleHeaderBytes + handle_bytes);
  if (!has_name) return true;
  const Bytes name = handle.subspan(kHandleHeaderBytes + handle_bytes);
  const auto* text = reinterpret_cast<const char*>(name.data());
  const size_t length = ::strnlen(text, name.size());
  // A name without its end, or none, is not what the kernel writes.
  if (length == 0 || length == name.size()) return false;
  entry.name = {text, length};
  return true;
}

bool ParsePart(uint8_t type, Bytes body, NameRecord& record) {
  switch (type) {
    case FAN_EVENT_INFO_TYPE_FID: {
      NamedEntry object;
      const bool fits = ParseEntry(body, false, object);
      record.object = object.directory;
      return fits;
    }
    case FAN_EVENT_INFO_TYPE_DFID:
      return ParseEntry(body, false, record.entry);
    case FAN_EVENT_INFO_TYPE_DFID_NAME:
      return ParseEntry(body, true, record.entry);
    case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
      return ParseEntry(body, true, record.old_entry);
    case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
      return ParseEntry(body, true, record.new_entry);
    default:
      return true;  // Of a newer kernel.
  }
}

}  // namespace

size_t NameRecordBytes(Bytes bytes) {
  if (bytes.size() < kMetadataBytes) return 0;
  const auto length = Load<uint32_t>(bytes);
  return length < kMetadataBytes || length > bytes.size() ? 0 : length;
}

std::optional<NameRecord> ParseNameRecord(Bytes bytes) {
  if (bytes.size() < kMetadataBytes) return std::nullopt;
  const auto metadata = Load<fanotify_event_metadata>(bytes);
  if (metadata.vers != FANOTIFY_METADATA_VERSION ||
      metadata.event_len != bytes.size() ||
      metadata.metadata_len < kMetadataBytes ||
      metadata.metadata_len > bytes.size()) {
    return std::nullopt;
  }
  NameRecord record;
  record.mask = metadata.mask;
  record.pid = metadata.pid;
  Bytes parts = bytes.subspan(metadata.metadata_len);
  while (!parts.empty()) {
    if (parts.size() < kHeaderBytes) return std::nullopt;
    const auto header = Load<fanotify_event_info_header>(parts);
    if (header.len < kHeaderBytes || header.len > parts.size() ||
        !ParsePart(header.info_type,
                   parts.first(header.len).subspan(kHeaderBytes), record)) {
      return std::nullopt;
    }
    parts = parts.subspan(header.len);
  }
  return record;
}

bool TellsOf(uint64_t mask, es_event_type_t type, uint64_t links,
             bool wants_links) {
  const bool is_directory = (mask & FAN_ONDIR) != 0;
  const bool is_link = links > 1 && !is_directory && wants_links;
  switch (type) {
    case ES_EVENT_TYPE_NOTIFY_CREATE:
      return (mask & FAN_CREATE) != 0 && !is_link;
    case ES_EVENT_TYPE_NOTIFY_LINK:
      return (mask & FAN_CREATE) != 0 && is_link;
    case ES_EVENT_TYPE_NOTIFY_RENAME:
      return (mask & FAN_RENAME) != 0;
    case ES_EVENT_TYPE_NOTIFY_OPEN:
      return (mask & FAN_OPEN) != 0 && !is_directory;
    case ES_EVENT_TYPE_NOTIFY_WRITE:
      return (mask & FAN_MODIFY) != 0 && !is_directory;
    case ES_EVENT_TYPE_NOTIFY_UNLINK:
      return (mask & FAN_DELETE) != 0;
    default:
      return false;
  }
}

}  // namespace gatehouse
