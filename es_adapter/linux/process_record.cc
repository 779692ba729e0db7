#include "es_adapter/linux/process_record.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>

namespace gatehouse {
namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t kMessageOffset = sizeof(nlmsghdr);
constexpr size_t kEventOffset = kMessageOffset + sizeof(cn_msg);
// What every event begins with: what, cpu, time. As many bytes of the union as
// an event has follow; older kernels send a shorter one.
constexpr size_t kEventHeaderBytes = offsetof(proc_event, event_data);

template <typename T>
T Load(Bytes bytes) {
  T value = {};
  std::memcpy(&value, bytes.data(), std::min(sizeof(value), bytes.size()));
  return value;
}

ProcessRecord RecordOf(const proc_event& event) {
  ProcessRecord record;
  switch (event.what) {
    case proc_event::PROC_EVENT_NONE:
      record.kind = ProcessRecordKind::kAcknowledged;
      record.status = static_cast<int>(event.event_data.ack.err);
      break;
    case proc_event::PROC_EVENT_FORK: {
      const auto& fork = event.event_data.fork;
      if (fork.child_pid != fork.child_tgid) break;  // A thread.
      record.kind = ProcessRecordKind::kFork;
      record.pid = fork.parent_tgid;
      record.child_pid = fork.child_tgid;
      break;
    }
    case proc_event::PROC_EVENT_EXEC:
      record.kind = ProcessRecordKind::kExec;
      record.pid = event.event_data.exec.process_tgid;
      break;
    case proc_event::PROC_EVENT_EXIT: {
      const auto& exit = event.event_data.exit;
      if (exit.process_pid != exit.process_tgid) break;  // A thread.
      record.kind = ProcessRecordKind::kExit;
      record.pid = exit.process_tgid;
      record.parent_pid = exit.parent_tgid;
      record.status = static_cast<int>(exit.exit_code);
      break;
    }
    default:
      break;
  }
  return record;
}

// How much of the event a record of `what` reads.
size_t BytesOf(uint32_t what) {
  switch (what) {
    case proc_event::PROC_EVENT_NONE:
      return sizeof(uint32_t);
    case proc_event::PROC_EVENT_FORK:
      return sizeof(proc_event::event_data.fork);
    case proc_event::PROC_EVENT_EXEC:
      return sizeof(proc_event::event_data.exec);
    case proc_event::PROC_EVENT_EXIT:
      // The parent came with Linux 4.18.
      return offsetof(decltype(proc_event::event_data.exit), parent_pid);
    default:
      return 0;
  }
}

}  // namespace

size_t ProcessRecordBytes(Bytes bytes) {
  if (bytes.size() < kEventOffset) return 0;
  const auto length = Load<uint32_t>(bytes);
  if (length < kEventOffset || length > bytes.size()) return 0;
  return std::min<size_t>(NLMSG_ALIGN(length), bytes.size());
}

std::optional<ProcessRecord> ParseProcessRecord(Bytes datagram) {
  if (ProcessRecordBytes(datagram) == 0) return std::nullopt;
  const auto header = Load<nlmsghdr>(datagram);
  const Bytes payload = datagram.first(header.nlmsg_len);
  const auto message = Load<cn_msg>(payload.subspan(kMessageOffset));
  if (header.nlmsg_type != NLMSG_DONE || message.id.idx != CN_IDX_PROC ||
      message.id.val != CN_VAL_PROC) {
    return std::nullopt;
  }
  const Bytes event = payload.subspan(kEventOffset);
  if (message.len > event.size() || message.len < kEventHeaderBytes) {
    return std::nullopt;
  }
  const auto what = Load<uint32_t>(event);
  if (message.len < kEventHeaderBytes + BytesOf(what)) return std::nullopt;
  return RecordOf(Load<proc_event>(event.first(message.len)));
}

}  // namespace gatehouse
