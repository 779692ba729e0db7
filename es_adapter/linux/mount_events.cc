#include "es_adapter/linux/mount_events.h"

#include <fcntl.h>
#include <linux/fanotify.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/message.h"
#include "es_adapter/linux/mount_facts.h"
#include "es_adapter/linux/name_record.h"

namespace gatehouse {
namespace {

// JournalSource::state of a group. Else it is a digest of the mountinfo that
// was compared last: never 0.
constexpr uint64_t kIsGroup = 0;

uint64_t DigestOf(const std::string& mountinfo) {
  return std::max<uint64_t>(std::hash<std::string>()(mountinfo), 1);
}

// What stands in the buffer for changes that are in our memory only: whoever
// finds it there after our death knows that there were some.
constexpr std::array<uint32_t, 2> kCompared = {sizeof(kCompared), 0};

// `text` in `buffer`, cut if it must be.
es_string_token_t Keep(std::span<char> buffer, std::string_view text) {
  const size_t length = std::min(text.size(), buffer.size() - 1);
  std::copy_n(text.data(), length, buffer.data());
  buffer[length] = '\0';
  return {length, buffer.data()};
}

}  // namespace

MountEvents::MountEvents(esl_journal_t& journal, OpenGroupFunction open_group)
    : journal_(journal),
      source_(journal.source(SourceKind::kMounts)),
      buffer_(source_.buffer),
      open_group_(open_group) {}

bool MountEvents::HasGroup() const { return source_.state.load() == kIsGroup; }

// --- What there is ----------------------------------------------------------

int MountEvents::Open(uint64_t /*subscriptions*/) {
  const MutexLock lock(mutex_);
  const int fd = source_.fd.load();
  if (fd >= 0) {
    if (!HasGroup()) return 0;  // It was never stopped.
    const int error = MarkOwnMounts(fd, true);
    if (error == 0) LearnMounts();
    return error;
  }
  OpenedGroup group = open_group_();
  if (!group.fd.valid()) return OpenMountInfo();
  // Marked already: what is mounted from now on is told, if perhaps twice.
  source_.state.store(kIsGroup);
  LearnMounts();
  source_.fd.store(group.fd.Release());
  return 0;
}

void MountEvents::Stop() {
  const int fd = source_.fd.load();
  // mountinfo costs little; what it says is read and not reported.
  if (fd >= 0 && HasGroup()) (void)MarkOwnMounts(fd, false);
}

void MountEvents::LearnMounts() {
  by_id_.clear();
  for (MountFacts& facts : AllMounts()) by_id_[facts.id] = std::move(facts);
  knows_mounts_ = true;
}

int MountEvents::OpenMountInfo() {
  constexpr const char* kPath = "/proc/self/mountinfo";
  UniqueFd awaited(::open(kPath, O_RDONLY | O_CLOEXEC));
  look_.Reset(::open(kPath, O_RDONLY | O_CLOEXEC));
  if (!awaited.valid() || !look_.valid()) return errno;
  const std::string text = ReadMountInfo();
  if (text.empty()) return EOPNOTSUPP;
  listed_ = MountsOf(text);
  knows_mounts_ = true;
  source_.state.store(DigestOf(text));
  source_.fd.store(awaited.Release());
  return 0;
}

std::string MountEvents::ReadMountInfo() const {
  std::string text;
  std::array<char, 16'384> piece = {};
  if (::lseek(look_.UnsafeFd(), 0, SEEK_SET) != 0) return text;
  while (true) {
    const ssize_t got = ::read(look_.UnsafeFd(), piece.data(), piece.size());
    if (got <= 0) return text;
    text.append(piece.data(), static_cast<size_t>(got));
  }
}

// What a predecessor knew is gone with it, but for whether it changed.
void MountEvents::AdoptMountInfo() {
  look_.Reset(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  const std::string text = ReadMountInfo();
  listed_ = MountsOf(text);
  knows_mounts_ = true;
  const bool has_missed = !buffer_.rest().empty();
  if (has_missed) buffer_.Advance(buffer_.rest().size());
  if (has_missed || source_.state.load() != DigestOf(text)) CountLoss();
  source_.state.store(DigestOf(text));
}

void MountEvents::CountLoss() {
  journal_.counters.mounts_lost.fetch_add(1);
  ++losses_;
}

// --- Reading ----------------------------------------------------------------

pollfd MountEvents::Awaited() const {
  const auto events = static_cast<short>(HasGroup() ? POLLIN : POLLPRI);
  return {source_.fd.load(), events, 0};
}

bool MountEvents::HasMore() const {
  const MutexLock lock(mutex_);
  // A successor must look before it waits: what changes then is a change.
  const bool must_learn = !knows_mounts_ && source_.fd.load() >= 0;
  return must_learn || !changes_.empty() || !buffer_.rest().empty();
}

bool MountEvents::Next(Message& message,
                       const std::atomic<uint64_t>& subscriptions,
                       esl_detail_t detail) {
  if (source_.fd.load() < 0) return false;
  MountChange change;
  pid_t pid = 0;
  es_event_type_t type = ES_EVENT_TYPE_LAST;
  {
    const MutexLock lock(mutex_);
    if (!knows_mounts_ && HasGroup()) LearnMounts();
    if (!knows_mounts_) AdoptMountInfo();
    // Bounded by what one read has brought.
    while (type == ES_EVENT_TYPE_LAST) {
      if (changes_.empty() && !FindChanges()) return false;
      if (changes_.empty()) continue;
      const es_event_type_t next = changes_.front().is_mounted
                                       ? ES_EVENT_TYPE_NOTIFY_MOUNT
                                       : ES_EVENT_TYPE_NOTIFY_UNMOUNT;
      if ((FindKnownEvent(next)->subscription & subscriptions.load()) != 0) {
        type = next;
      } else {
        FinishChange();
      }
    }
    change = changes_.front();
    pid = pid_;
  }
  journal_.counters.mount_events.fetch_add(1);
  FillHeader(message, type, pid, JournalNow());
  Fill(message, change, pid, detail);
  return true;
}

void MountEvents::Done() {
  const MutexLock lock(mutex_);
  FinishChange();
}

void MountEvents::FinishChange() {
  assert(!changes_.empty());
  changes_.pop_front();
  buffer_.CountDelivered();
  if (changes_.empty()) buffer_.Advance(record_bytes_);
}

uint32_t MountEvents::TakeLosses() {
  const MutexLock lock(mutex_);
  return std::exchange(losses_, 0);
}

bool MountEvents::FindChanges() { return HasGroup() ? ReadGroup() : Compare(); }

// The changes of one record; none, if it is of no interest.
bool MountEvents::ReadGroup() {
  if (buffer_.rest().empty()) {
    const std::span<std::byte> room = buffer_.BeginRead();
    const ssize_t bytes = ::read(source_.fd.load(), room.data(), room.size());
    buffer_.EndRead(bytes > 0 ? static_cast<size_t>(bytes) : 0);
    if (bytes < 0 && errno != EAGAIN && errno != EINTR) {
      journal_.counters.read_errors.fetch_add(1);
    }
    if (bytes <= 0) return false;
  }
  record_bytes_ = NameRecordBytes(buffer_.rest());
  if (record_bytes_ == 0) {
    journal_.counters.malformed_records.fetch_add(1);
    buffer_.Advance(buffer_.rest().size());
    return true;
  }
  const auto record = ParseMountRecord(buffer_.rest().first(record_bytes_));
  if (!record) {
    journal_.counters.malformed_records.fetch_add(1);
  } else {
    TakeRecord(*record);
  }
  // A predecessor may have delivered one of two.
  for (uint32_t i = buffer_.events_delivered(); i > 0 && !changes_.empty();
       --i) {
    changes_.pop_front();
  }
  if (changes_.empty()) buffer_.Advance(record_bytes_);
  return true;
}

void MountEvents::TakeRecord(const MountRecord& record) {
  if ((record.mask & FAN_Q_OVERFLOW) != 0) {
    CountLoss();
    LearnMounts();
    return;
  }
  pid_ = record.pid;
  if ((record.mask & kMountDetached) != 0) {
    changes_.push_back({false, Forget(record.mount_id)});
  }
  if ((record.mask & kMountAttached) == 0) return;
  std::optional<MountFacts> facts = FactsOfMount(record.mount_id);
  if (!facts) {
    // It is gone again, and its unmount will say no more.
    facts.emplace();
    facts->id = record.mount_id;
  }
  by_id_[record.mount_id] = *facts;
  changes_.push_back({true, std::move(*facts)});
}

MountFacts MountEvents::Forget(uint64_t id) {
  const auto found = by_id_.find(id);
  MountFacts facts;
  facts.id = id;
  if (found == by_id_.end()) return facts;
  facts = std::move(found->second);
  by_id_.erase(found);
  return facts;
}

bool MountEvents::Compare() {
  pollfd changed = {look_.UnsafeFd(), POLLPRI, 0};
  if (::poll(&changed, 1, 0) <= 0) return false;
  const std::string text = ReadMountInfo();
  std::vector<MountFacts> now = MountsOf(text);
  std::vector<MountChange> changes = DifferenceOf(listed_, now);
  listed_ = std::move(now);
  if (changes.empty()) return false;
  const std::span<std::byte> room = buffer_.BeginRead();
  std::memcpy(room.data(), kCompared.data(), sizeof(kCompared));
  buffer_.EndRead(sizeof(kCompared));
  record_bytes_ = sizeof(kCompared);
  source_.state.store(DigestOf(text));
  pid_ = 0;  // Nobody knows.
  changes_.assign(std::make_move_iterator(changes.begin()),
                  std::make_move_iterator(changes.end()));
  return true;
}

// --- Messages ---------------------------------------------------------------

void MountEvents::Fill(Message& message, const MountChange& change, pid_t pid,
                       esl_detail_t detail) {
  const MountFacts& facts = change.facts;
  MessageParts& parts = *message.parts;
  parts.target_count = 0;
  if (detail == ESL_DETAIL_FULL && pid != 0) {
    FillProcessFacts(message.process, message.executable,
                     message.executable_path, pid);
    message.has_process = true;
  }
  if (facts.mount_point.empty()) {
    journal_.counters.mounts_unresolved.fetch_add(1);
  }
  parts.mount.mount_point = Keep(parts.directory_path, facts.mount_point);
  parts.mount.source = Keep(parts.new_path, facts.source);
  parts.mount.file_system_type = Keep(parts.name, facts.type);
  parts.mount.device = facts.device;
  parts.mount.mount_id = facts.mountinfo_id;
  if (change.is_mounted) {
    AskForStatus(parts.file_system, facts);
    message.es.event.mount.statfs = &parts.file_system;
  } else {
    FillStatus(parts.file_system, facts);
    message.es.event.unmount.statfs = &parts.file_system;
  }
}

}  // namespace gatehouse
