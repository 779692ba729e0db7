#include "es_adapter/linux/name_events.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/fanotify_group.h"
#include "es_adapter/linux/message.h"

namespace gatehouse {
namespace {

uint64_t FileSystemId(const struct statfs& status) {
  static_assert(sizeof(status.f_fsid) == sizeof(uint64_t));
  uint64_t id = 0;
  std::memcpy(&id, &status.f_fsid, sizeof(id));
  return id;
}

void FillFromDescriptor(es_file_t& file, std::span<char> buffer, int fd) {
  std::array<char, 64> link = {};
  (void)std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
  FillPath(file, buffer, link.data());
  (void)::fstat(fd, &file.stat);  // Else zero: unknown.
}

// `directory`/`name` in `buffer`, with a NUL. True if it was cut.
bool JoinPath(std::string_view directory, std::string_view name,
              std::span<char> buffer, std::string_view& joined) {
  size_t length = 0;
  const auto append = [&](std::string_view text) {
    const size_t fits = std::min(text.size(), buffer.size() - 1 - length);
    std::copy_n(text.data(), fits, buffer.data() + length);
    length += fits;
    return fits == text.size();
  };
  bool is_whole = append(directory);
  if (!directory.ends_with('/')) is_whole = append("/") && is_whole;
  is_whole = append(name) && is_whole;
  buffer[length] = '\0';
  joined = {buffer.data(), length};
  return !is_whole;
}

bool IsSubscribed(es_event_type_t type, uint64_t subscriptions) {
  const KnownEvent* event = FindKnownEvent(type);
  return event != nullptr && (event->subscription & subscriptions) != 0;
}

}  // namespace

NameEvents::NameEvents(esl_journal_t& journal)
    : journal_(journal),
      buffer_(journal.source(SourceKind::kNames).buffer),
      own_pid_(::getpid()) {}

int NameEvents::Open(uint64_t /*subscriptions*/) {
  std::atomic<int>& fd = journal_.source(SourceKind::kNames).fd;
  if (fd.load() >= 0) return 0;
  // The queue has its limit: nobody waits, and a flood must not fill memory.
  constexpr unsigned int kFlags =
      FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS | FAN_CLASS_NOTIF;
  UniqueFd group(
      ::fanotify_init(kFlags | FAN_REPORT_DFID_NAME_TARGET, O_RDONLY));
  if (!group.valid() && errno == EINVAL) {
    // Before Linux 5.17: no status of what was created, no renames.
    group.Reset(::fanotify_init(kFlags | FAN_REPORT_DFID_NAME | FAN_REPORT_FID,
                                O_RDONLY));
  }
  if (!group.valid()) return errno == EINVAL ? EOPNOTSUPP : errno;
  fd.store(group.Release());
  return 0;
}

void NameEvents::Stop() {
  const int fd = journal_.source(SourceKind::kNames).fd.load();
  if (fd >= 0) (void)RemoveAllMarks(fd);
}

pollfd NameEvents::Awaited() const {
  return {journal_.sources[static_cast<size_t>(SourceKind::kNames)].fd.load(),
          POLLIN, 0};
}

bool NameEvents::HasMore() const { return !buffer_.rest().empty(); }

int NameEvents::Watch(int directory, const char* path, uint64_t mask) {
  struct statfs file_system = {};
  struct stat status = {};
  if (::fstatfs(directory, &file_system) != 0) return errno;
  if (::fstat(directory, &status) != 0) return errno;
  if (mask != 0) {
    const int fd = journal_.source(SourceKind::kNames).fd.load();
    const int error = MarkFileSystem(fd, directory, mask);
    if (error != 0) return error;
  }
  const MutexLock lock(mutex_);
  const uint64_t id = FileSystemId(file_system);
  std::erase_if(watched_, [&](const Watched& one) {
    return one.file_system == id || one.path == path;
  });
  watched_.push_back({id, path, status.st_dev});
  return 0;
}

void NameEvents::UnwatchAll() {
  Stop();
  const MutexLock lock(mutex_);
  watched_.clear();
}

// --- Reading ----------------------------------------------------------------

bool NameEvents::Read() {
  const int fd = journal_.source(SourceKind::kNames).fd.load();
  if (fd < 0) return false;
  const std::span<std::byte> room = buffer_.BeginRead();
  const ssize_t bytes = ::read(fd, room.data(), room.size());
  buffer_.EndRead(bytes > 0 ? static_cast<size_t>(bytes) : 0);
  if (bytes < 0 && errno != EAGAIN && errno != EINTR) {
    journal_.counters.read_errors.fetch_add(1);
  }
  return bytes > 0;
}

// What is no event for anybody.
bool NameEvents::Skip(const NameRecord& record) {
  if ((record.mask & FAN_Q_OVERFLOW) != 0) {
    journal_.counters.names_lost.fetch_add(1);
    ++losses_;
    return true;
  }
  // Pid 0 is a process of another pid namespace: unknown, never ourselves.
  return record.pid == own_pid_ && record.pid != 0;
}

bool NameEvents::Next(Message& message,
                      const std::atomic<uint64_t>& subscriptions,
                      esl_detail_t detail) {
  if (!HasMore() && !Read()) return false;
  // Bounded by what one buffer holds.
  while (HasMore()) {
    record_bytes_ = NameRecordBytes(buffer_.rest());
    if (record_bytes_ == 0) {
      journal_.counters.malformed_records.fetch_add(1);
      buffer_.Advance(buffer_.rest().size());
      break;
    }
    const auto record = ParseNameRecord(buffer_.rest().first(record_bytes_));
    if (!record) journal_.counters.malformed_records.fetch_add(1);
    const uint64_t wanted =
        subscriptions.load() & SubscriptionsOf(EventOrigin::kNames);
    if (record && wanted != 0 && !Skip(*record)) {
      LookAtObject(*record);
      const bool wants_links = IsSubscribed(ES_EVENT_TYPE_NOTIFY_LINK, wanted);
      uint32_t event = 0;
      for (const es_event_type_t type : kNameEventOrder) {
        if (!IsSubscribed(type, wanted) ||
            !TellsOf(record->mask, type, object_.st_nlink, wants_links) ||
            event++ < buffer_.events_delivered()) {
          continue;
        }
        journal_.counters.name_events.fetch_add(1);
        Fill(message, *record, type, detail);
        return true;
      }
    }
    buffer_.Advance(record_bytes_);
    has_looked_ = false;
  }
  return false;
}

void NameEvents::Done() { buffer_.CountDelivered(); }

uint32_t NameEvents::TakeLosses() { return std::exchange(losses_, 0); }

// --- Looking ----------------------------------------------------------------

// Opened by path each time: held, it could not be unmounted.
UniqueFd NameEvents::OpenMount(uint64_t file_system) {
  const MutexLock lock(mutex_);
  const auto found = std::find_if(
      watched_.begin(), watched_.end(),
      [&](const Watched& one) { return one.file_system == file_system; });
  if (found == watched_.end()) return {};
  UniqueFd mount(::open(found->path.c_str(),
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME));
  struct stat status = {};
  if (!mount.valid() || ::fstat(mount.UnsafeFd(), &status) != 0 ||
      status.st_dev != found->device) {
    return {};
  }
  return mount;
}

UniqueFd NameEvents::OpenHandle(const UniqueFd& mount,
                                const FileIdentity& file) {
  if (!mount.valid() || file.handle.empty()) return {};
  alignas(file_handle)
      std::array<std::byte, sizeof(file_handle) + MAX_HANDLE_SZ>
          handle = {};
  assert(file.handle.size() <= handle.size());  // The parser sees to that.
  std::copy(file.handle.begin(), file.handle.end(), handle.begin());
  return UniqueFd(::open_by_handle_at(
      mount.UnsafeFd(), reinterpret_cast<file_handle*>(handle.data()),
      O_PATH | O_CLOEXEC));
}

// Once per record, however many events it tells of.
void NameEvents::LookAtObject(const NameRecord& record) {
  if (std::exchange(has_looked_, true)) return;
  object_ = {};
  if (record.object.handle.empty()) return;
  const UniqueFd object =
      OpenHandle(OpenMount(record.object.file_system), record.object);
  if (object.valid()) (void)::fstat(object.UnsafeFd(), &object_);
}

// --- Telling ----------------------------------------------------------------

void NameEvents::Fill(Message& message, const NameRecord& record,
                      es_event_type_t type, esl_detail_t detail) {
  FillHeader(message, type, record.pid, JournalNow());
  MessageParts& parts = *message.parts;
  parts.target_count = 0;
  if (detail == ESL_DETAIL_FULL && record.pid != 0) {
    FillProcessFacts(message.process, message.executable,
                     message.executable_path, record.pid);
    message.has_process = true;
  }
  if (type == ES_EVENT_TYPE_NOTIFY_RENAME) {
    FillRename(message, record);
    return;
  }
  FillTarget(message, record.entry);
  FillEvent(message, record, type);
}

// The directory and the name of `entry`, and the path of both in `new_path`.
bool NameEvents::FillDirectory(Message& message, const NamedEntry& entry) {
  MessageParts& parts = *message.parts;
  parts.directory = {};
  parts.directory.path = TokenOf("");
  const size_t length = std::min(entry.name.size(), parts.name.size() - 1);
  std::copy_n(entry.name.data(), length, parts.name.data());
  parts.name.at(length) = '\0';
  parts.new_path.front() = '\0';
  const UniqueFd directory =
      OpenHandle(OpenMount(entry.directory.file_system), entry.directory);
  if (!directory.valid()) {
    journal_.counters.names_unresolved.fetch_add(1);
    return false;
  }
  FillFromDescriptor(parts.directory, parts.directory_path,
                     directory.UnsafeFd());
  return true;
}

// `target` is the file itself: its path, and its status if it is there still.
void NameEvents::FillTarget(Message& message, const NamedEntry& entry) {
  MessageParts& parts = *message.parts;
  message.target = {};
  message.target.path = TokenOf("");
  message.target.stat = object_;
  if (!FillDirectory(message, entry)) return;
  const es_string_token_t& directory = parts.directory.path;
  std::string_view path;
  message.target.path_truncated =
      JoinPath({directory.data, directory.length}, entry.name,
               message.target_path, path);
  message.target.path = TokenOf(path);
  parts.targets.front() = path;
  parts.target_count = 1;
}

void NameEvents::FillRename(Message& message, const NameRecord& record) {
  MessageParts& parts = *message.parts;
  FillTarget(message, record.old_entry);
  const bool is_source_known = parts.target_count == 1;
  if (FillDirectory(message, record.new_entry)) {
    const es_string_token_t& directory = parts.directory.path;
    std::string_view path;
    (void)JoinPath({directory.data, directory.length}, record.new_entry.name,
                   parts.new_path, path);
    parts.targets.at(1) = path;
  } else {
    parts.targets.at(1) = {};
  }
  if (!is_source_known) parts.targets.front() = {};
  parts.target_count = 2;
  es_event_rename_t& rename = message.es.event.rename;
  rename.source = &message.target;
  // Whether there was a file under the new name nobody can tell any more.
  rename.destination_type = ES_DESTINATION_TYPE_NEW_PATH;
  rename.destination.new_path.dir = &parts.directory;
  rename.destination.new_path.filename = TokenOf(parts.name.data());
}

void NameEvents::FillEvent(Message& message, const NameRecord& record,
                           es_event_type_t type) {
  MessageParts& parts = *message.parts;
  es_events_t& event = message.es.event;
  if (type == ES_EVENT_TYPE_NOTIFY_CREATE) {
    const bool is_there = !record.object.handle.empty() && object_.st_ino != 0;
    event.create.destination_type = is_there ? ES_DESTINATION_TYPE_EXISTING_FILE
                                             : ES_DESTINATION_TYPE_NEW_PATH;
    if (is_there) {
      event.create.destination.existing_file = &message.target;
    } else {
      event.create.destination.new_path.dir = &parts.directory;
      event.create.destination.new_path.filename = TokenOf(parts.name.data());
    }
  } else if (type == ES_EVENT_TYPE_NOTIFY_LINK) {
    // The kernel does not say by which of its names the file was linked: the
    // source is the file, and its path is the new one.
    event.link.source = &message.target;
    event.link.target_dir = &parts.directory;
    event.link.target_filename = TokenOf(parts.name.data());
  } else if (type == ES_EVENT_TYPE_NOTIFY_UNLINK) {
    event.unlink.target = &message.target;
    event.unlink.parent_dir = &parts.directory;
  } else if (type == ES_EVENT_TYPE_NOTIFY_OPEN) {
    // The kernel does not say how. Readers are what can be said of all.
    event.open.fflag = 1;
    event.open.file = &message.target;
  } else {
    assert(type == ES_EVENT_TYPE_NOTIFY_WRITE);
    event.write.target = &message.target;
  }
}

}  // namespace gatehouse
