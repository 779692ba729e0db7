#include "es_adapter/linux/process_events.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <utility>

#include "base/unique_fd.h"
#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/fanotify_group.h"
#include "es_adapter/linux/message.h"

namespace gatehouse {
namespace {

// Room for some ten thousand events while the reader is busy.
constexpr int kReceiveBytes = 4 << 20;
// The kernel answers within the call that asks; the rest is patience with a
// busy machine.
constexpr int kAcknowledgeMs = 100;
constexpr int kAcknowledgeTries = 64;
constexpr size_t kDatagramBytesMax = 256;

// `events` of 0: all of them, as kernels before 6.6 want it.
int SendRequest(int socket, proc_cn_mcast_op operation, uint32_t events) {
  std::array<uint32_t, 2> words = {static_cast<uint32_t>(operation), events};
  const size_t bytes = (events == 0 ? 1 : 2) * sizeof(uint32_t);
  cn_msg message = {};
  message.id.idx = CN_IDX_PROC;
  message.id.val = CN_VAL_PROC;
  message.len = static_cast<uint16_t>(bytes);
  nlmsghdr header = {};
  header.nlmsg_type = NLMSG_DONE;
  header.nlmsg_len =
      static_cast<uint32_t>(sizeof(header) + sizeof(message) + bytes);
  std::array<iovec, 3> parts = {{{&header, sizeof(header)},
                                 {&message, sizeof(message)},
                                 {words.data(), bytes}}};
  msghdr request = {};
  request.msg_iov = parts.data();
  request.msg_iovlen = parts.size();
  return ::sendmsg(socket, &request, MSG_DONTWAIT) < 0 ? errno : 0;
}

// What the kernel says to our request; EOPNOTSUPP if it says nothing.
int AwaitAcknowledgement(int socket) {
  for (int i = 0; i < kAcknowledgeTries; ++i) {
    pollfd wait = {socket, POLLIN, 0};
    if (::poll(&wait, 1, kAcknowledgeMs) <= 0) return EOPNOTSUPP;
    alignas(8) std::array<std::byte, kDatagramBytesMax> bytes = {};
    const ssize_t got =
        ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got <= 0) continue;
    const auto record = ParseProcessRecord(
        std::span<const std::byte>(bytes).first(static_cast<size_t>(got)));
    if (record && record->kind == ProcessRecordKind::kAcknowledged) {
      return record->status;
    }
  }
  return EOPNOTSUPP;
}

// All events first, which every kernel understands; then, since Linux 6.6, only
// the `events` that somebody wants: every thread that begins is a fork, too.
int Listen(int socket, bool awaits_answer, uint32_t events) {
  int error = SendRequest(socket, PROC_CN_MCAST_LISTEN, 0);
  if (error == 0 && awaits_answer) error = AwaitAcknowledgement(socket);
  if (error == 0) (void)SendRequest(socket, PROC_CN_MCAST_LISTEN, events);
  return error;
}

// Elsewhere the kernel does not listen to us, and yet we would hear what it
// tells somebody else of the same network namespace: his answers, which look
// like ours, and numbers of processes that mean others here.
bool IsInInitialNamespaces() {
  // PROC_PID_INIT_INO and PROC_USER_INIT_INO of the kernel's proc_ns.h.
  constexpr ino_t kPids = 0xEFFFFFFC;
  constexpr ino_t kUsers = 0xEFFFFFFD;
  struct stat pids = {};
  struct stat users = {};
  return ::stat("/proc/self/ns/pid", &pids) == 0 && pids.st_ino == kPids &&
         ::stat("/proc/self/ns/user", &users) == 0 && users.st_ino == kUsers;
}

// A socket to which the kernel sends `events`, in `*socket`, or an errno value.
int OpenConnector(uint32_t events, UniqueFd* socket) {
  if (!IsInInitialNamespaces()) return EOPNOTSUPP;
  socket->Reset(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                         NETLINK_CONNECTOR));
  if (!socket->valid()) return errno;
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = CN_IDX_PROC;
  if (::bind(socket->UnsafeFd(), reinterpret_cast<sockaddr*>(&address),
             sizeof(address)) != 0) {
    return errno;
  }
  (void)::setsockopt(socket->UnsafeFd(), SOL_SOCKET, SO_RCVBUFFORCE,
                     &kReceiveBytes, sizeof(kReceiveBytes));
  return Listen(socket->UnsafeFd(), true, events);
}

// Like `kind`, as an event of the interface; ES_EVENT_TYPE_LAST for none.
es_event_type_t TypeOf(ProcessRecordKind kind) {
  switch (kind) {
    case ProcessRecordKind::kFork:
      return ES_EVENT_TYPE_NOTIFY_FORK;
    case ProcessRecordKind::kExec:
      return ES_EVENT_TYPE_NOTIFY_EXEC;
    case ProcessRecordKind::kExit:
      return ES_EVENT_TYPE_NOTIFY_EXIT;
    case ProcessRecordKind::kOther:
    case ProcessRecordKind::kAcknowledged:
      break;
  }
  return ES_EVENT_TYPE_LAST;
}

// What the kernel is asked for.
uint32_t WantedEvents(uint64_t subscriptions) {
  uint32_t events = 0;
  for (const auto& [type, event] :
       {std::pair{ES_EVENT_TYPE_NOTIFY_FORK, proc_event::PROC_EVENT_FORK},
        std::pair{ES_EVENT_TYPE_NOTIFY_EXEC, proc_event::PROC_EVENT_EXEC},
        std::pair{ES_EVENT_TYPE_NOTIFY_EXIT, proc_event::PROC_EVENT_EXIT}}) {
    if ((FindKnownEvent(type)->subscription & subscriptions) != 0) {
      events |= event;
    }
  }
  return events;
}

}  // namespace

bool HasProcessEvents() {
  UniqueFd socket;
  if (OpenConnector(proc_event::PROC_EVENT_EXEC, &socket) != 0) return false;
  // Before Linux 6.6 the kernel counts listeners by what they say.
  (void)SendRequest(socket.UnsafeFd(), PROC_CN_MCAST_IGNORE, 0);
  return true;
}

ProcessEvents::ProcessEvents(esl_journal_t& journal)
    : journal_(journal),
      buffer_(journal.source(SourceKind::kProcesses).buffer) {}

int ProcessEvents::Open(uint64_t subscriptions) {
  std::atomic<int>& fd = journal_.source(SourceKind::kProcesses).fd;
  const uint32_t events = WantedEvents(subscriptions);
  // The answer to this comes among the events.
  if (fd.load() >= 0) return Listen(fd.load(), false, events);
  UniqueFd socket;
  const int error = OpenConnector(events, &socket);
  if (error != 0) return error;
  fd.store(socket.Release());
  return 0;
}

void ProcessEvents::Stop() {
  const int fd = journal_.source(SourceKind::kProcesses).fd.load();
  // Best effort: what comes all the same is read and not reported.
  if (fd >= 0) (void)SendRequest(fd, PROC_CN_MCAST_IGNORE, 0);
}

pollfd ProcessEvents::Awaited() const {
  constexpr auto kIndex = static_cast<size_t>(SourceKind::kProcesses);
  return {journal_.sources.at(kIndex).fd.load(), POLLIN, 0};
}

bool ProcessEvents::HasMore() const { return !buffer_.rest().empty(); }

bool ProcessEvents::Read() {
  const int fd = journal_.source(SourceKind::kProcesses).fd.load();
  if (fd < 0) return false;
  const std::span<std::byte> room = buffer_.BeginRead();
  size_t filled = 0;
  while (room.size() - filled >= kDatagramBytesMax) {
    const ssize_t got =
        ::recv(fd, room.data() + filled, kDatagramBytesMax, MSG_DONTWAIT);
    if (got < 0 && errno == ENOBUFS) {
      journal_.counters.processes_lost.fetch_add(1);
      ++losses_;
      continue;
    }
    if (got <= 0) break;
    const size_t length =
        ProcessRecordBytes(std::span<const std::byte>(room).subspan(
            filled, static_cast<size_t>(got)));
    if (length == 0) journal_.counters.malformed_records.fetch_add(1);
    filled += NLMSG_ALIGN(length);
  }
  buffer_.EndRead(filled);
  return filled != 0;
}

bool ProcessEvents::Next(Message& message,
                         const std::atomic<uint64_t>& subscriptions,
                         esl_detail_t detail) {
  if (buffer_.events_delivered() != 0) {
    buffer_.Advance(ProcessRecordBytes(buffer_.rest()));
  }
  if (!HasMore() && !Read()) return false;
  // Bounded by what one buffer holds.
  while (HasMore()) {
    record_bytes_ = ProcessRecordBytes(buffer_.rest());
    if (record_bytes_ == 0) {
      journal_.counters.malformed_records.fetch_add(1);
      buffer_.Advance(buffer_.rest().size());
      break;
    }
    const auto record = ParseProcessRecord(buffer_.rest().first(record_bytes_));
    if (!record) journal_.counters.malformed_records.fetch_add(1);
    const es_event_type_t type =
        record ? TypeOf(record->kind) : ES_EVENT_TYPE_LAST;
    const KnownEvent* event = FindKnownEvent(type);
    if (event != nullptr && (event->subscription & subscriptions.load()) != 0) {
      journal_.counters.process_events.fetch_add(1);
      Fill(message, *record, type, detail);
      return true;
    }
    buffer_.Advance(record_bytes_);
  }
  return false;
}

void ProcessEvents::Done() { buffer_.CountDelivered(); }

uint32_t ProcessEvents::TakeLosses() { return std::exchange(losses_, 0); }

void ProcessEvents::Fill(Message& message, const ProcessRecord& record,
                         es_event_type_t type, esl_detail_t detail) {
  FillHeader(message, type, record.pid, JournalNow());
  MessageParts& parts = *message.parts;
  parts.target_count = 0;
  parts.arguments.clear();
  if (detail == ESL_DETAIL_FULL && record.pid != 0) {
    FillProcessFacts(message.process, message.executable,
                     message.executable_path, record.pid);
    message.has_process = true;
  }
  if (type == ES_EVENT_TYPE_NOTIFY_FORK) {
    FillFork(message, record);
  } else if (type == ES_EVENT_TYPE_NOTIFY_EXEC) {
    FillExecuted(message, record.pid, detail);
  } else {
    message.es.event.exit.stat = record.status;
    if (message.process.ppid == 0) message.process.ppid = record.parent_pid;
  }
}

void ProcessEvents::FillFork(Message& message, const ProcessRecord& record) {
  MessageParts& parts = *message.parts;
  FillProcessFacts(parts.child, parts.child_executable,
                   parts.child_executable_path, record.child_pid);
  if (parts.child_executable.path.length == 0) {
    journal_.counters.processes_gone.fetch_add(1);
  }
  message.es.event.fork.child = &parts.child;
}

// What runs is what /proc says now: `message.process`, too, is the process with
// its new program.
void ProcessEvents::FillExecuted(Message& message, pid_t pid,
                                 esl_detail_t detail) {
  MessageParts& parts = *message.parts;
  std::array<char, 64> link = {};
  (void)std::snprintf(link.data(), link.size(), "/proc/%d/exe", pid);
  message.target = {};
  FillPath(message.target, message.target_path, link.data());
  // To stat it is to ask its file system, which may have a server that hangs:
  // whoever holds people up must not.
  const bool is_known = detail == ESL_DETAIL_FULL
                            ? ::stat(link.data(), &message.target.stat) == 0
                            : message.target.path.length != 0;
  if (!is_known) journal_.counters.processes_gone.fetch_add(1);
  if (message.target.path.length != 0) {
    parts.targets.front() = {message.target.path.data,
                             message.target.path.length};
    parts.target_count = 1;
  }
  if (detail == ESL_DETAIL_FULL && pid != 0) {
    (void)std::snprintf(link.data(), link.size(), "/proc/%d/cwd", pid);
    FillPath(message.working_directory, message.working_directory_path,
             link.data());
    (void)::stat(link.data(), &message.working_directory.stat);  // Else zero.
    FillArguments(parts, pid);
  }
  FillExec(message);
}

}  // namespace gatehouse
