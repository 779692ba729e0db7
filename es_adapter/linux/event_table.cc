#include "es_adapter/linux/event_table.h"

#include <sys/fanotify.h>

#include <algorithm>
#include <array>

namespace gatehouse {
namespace {

// Names of directories, too; opens and writes of them are not asked for.
constexpr uint64_t kNamed = FAN_ONDIR;

constexpr std::array kKnownEvents = {
    KnownEvent{ES_EVENT_TYPE_AUTH_OPEN, ESL_SUPPORT_AUTH,
               EventOrigin::kPermission, FAN_OPEN_PERM, 1U << 0U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_CLOSE, ESL_SUPPORT_NOTIFY,
               EventOrigin::kNotification, FAN_CLOSE_WRITE, 1U << 1U},
    KnownEvent{ES_EVENT_TYPE_AUTH_EXEC, ESL_SUPPORT_AUTH,
               EventOrigin::kPermission, FAN_OPEN_EXEC_PERM, 1U << 2U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_CREATE, ESL_SUPPORT_NOTIFY,
               EventOrigin::kNames, FAN_CREATE | kNamed, 1U << 3U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_UNLINK, ESL_SUPPORT_NOTIFY,
               EventOrigin::kNames, FAN_DELETE | kNamed, 1U << 4U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_RENAME, ESL_SUPPORT_NOTIFY,
               EventOrigin::kNames, FAN_RENAME | kNamed, 1U << 5U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_LINK, ESL_SUPPORT_APPROXIMATE,
               EventOrigin::kNames, FAN_CREATE | kNamed, 1U << 6U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_OPEN, ESL_SUPPORT_NOTIFY,
               EventOrigin::kNames, FAN_OPEN, 1U << 7U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_WRITE, ESL_SUPPORT_APPROXIMATE,
               EventOrigin::kNames, FAN_MODIFY, 1U << 8U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_FORK, ESL_SUPPORT_NOTIFY,
               EventOrigin::kProcesses, 0, 1U << 9U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_EXEC, ESL_SUPPORT_NOTIFY,
               EventOrigin::kProcesses, 0, 1U << 10U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_EXIT, ESL_SUPPORT_NOTIFY,
               EventOrigin::kProcesses, 0, 1U << 11U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_MOUNT, ESL_SUPPORT_NOTIFY,
               EventOrigin::kMounts, 0, 1U << 12U},
    KnownEvent{ES_EVENT_TYPE_NOTIFY_UNMOUNT, ESL_SUPPORT_NOTIFY,
               EventOrigin::kMounts, 0, 1U << 13U},
};

}  // namespace

std::span<const KnownEvent> KnownEvents() { return kKnownEvents; }

const KnownEvent* FindKnownEvent(es_event_type_t type) {
  const auto* const found =
      std::find_if(kKnownEvents.begin(), kKnownEvents.end(),
                   [type](const KnownEvent& one) { return one.type == type; });
  return found == kKnownEvents.end() ? nullptr : found;
}

uint64_t SubscriptionBits(std::span<const es_event_type_t> types) {
  uint64_t bits = 0;
  for (const es_event_type_t type : types) {
    const KnownEvent* event = FindKnownEvent(type);
    if (event == nullptr) return 0;
    bits |= event->subscription;
  }
  return bits;
}

// Files that are opened to be executed are reported with those that are closed.
bool ReportsStarts(uint64_t subscriptions) {
  const KnownEvent* close = FindKnownEvent(ES_EVENT_TYPE_NOTIFY_CLOSE);
  return (subscriptions & kReportsStarts) != 0 &&
         (subscriptions & close->subscription) != 0;
}

uint64_t SubscriptionsOf(EventOrigin origin) {
  uint64_t subscriptions = 0;
  for (const KnownEvent& event : kKnownEvents) {
    if (event.origin == origin) subscriptions |= event.subscription;
  }
  return subscriptions;
}

uint64_t MarkMask(EventOrigin origin, uint64_t subscriptions) {
  uint64_t mask = 0;
  for (const KnownEvent& event : kKnownEvents) {
    if (event.origin == origin && (subscriptions & event.subscription) != 0) {
      mask |= event.mask;
    }
  }
  if (origin == EventOrigin::kNotification && ReportsStarts(subscriptions)) {
    mask |= FAN_OPEN_EXEC;
  }
  return mask;
}

const KnownEvent* EventOfMask(GroupKind group, uint64_t mask) {
  if (group == GroupKind::kNotification && (mask & FAN_OPEN_EXEC) != 0) {
    return FindKnownEvent(ES_EVENT_TYPE_NOTIFY_CLOSE);
  }
  const auto* const found = std::find_if(
      kKnownEvents.begin(), kKnownEvents.end(), [&](const KnownEvent& one) {
        return one.origin == OriginOf(group) && (one.mask & mask) != 0;
      });
  return found == kKnownEvents.end() ? nullptr : found;
}

bool SupportsTargetPaths(es_event_type_t type) {
  switch (type) {
    // About no file: processes and their ids, time, keys, sessions.
    case ES_EVENT_TYPE_AUTH_KEXTLOAD:
    case ES_EVENT_TYPE_NOTIFY_KEXTLOAD:
    case ES_EVENT_TYPE_NOTIFY_KEXTUNLOAD:
    case ES_EVENT_TYPE_AUTH_MPROTECT:
    case ES_EVENT_TYPE_NOTIFY_MPROTECT:
    case ES_EVENT_TYPE_AUTH_MOUNT:
    case ES_EVENT_TYPE_NOTIFY_MOUNT:
    case ES_EVENT_TYPE_NOTIFY_UNMOUNT:
    case ES_EVENT_TYPE_AUTH_REMOUNT:
    case ES_EVENT_TYPE_NOTIFY_REMOUNT:
    case ES_EVENT_TYPE_AUTH_IOKIT_OPEN:
    case ES_EVENT_TYPE_NOTIFY_IOKIT_OPEN:
    case ES_EVENT_TYPE_NOTIFY_FORK:
    case ES_EVENT_TYPE_NOTIFY_EXIT:
    case ES_EVENT_TYPE_AUTH_FILE_PROVIDER_MATERIALIZE:
    case ES_EVENT_TYPE_NOTIFY_FILE_PROVIDER_MATERIALIZE:
    case ES_EVENT_TYPE_AUTH_FILE_PROVIDER_UPDATE:
    case ES_EVENT_TYPE_NOTIFY_FILE_PROVIDER_UPDATE:
    case ES_EVENT_TYPE_NOTIFY_LOOKUP:
    case ES_EVENT_TYPE_AUTH_FSGETPATH:
    case ES_EVENT_TYPE_NOTIFY_FSGETPATH:
    case ES_EVENT_TYPE_AUTH_SETTIME:
    case ES_EVENT_TYPE_NOTIFY_SETTIME:
    case ES_EVENT_TYPE_NOTIFY_PTY_GRANT:
    case ES_EVENT_TYPE_NOTIFY_PTY_CLOSE:
    case ES_EVENT_TYPE_NOTIFY_CS_INVALIDATED:
    case ES_EVENT_TYPE_NOTIFY_SETUID:
    case ES_EVENT_TYPE_NOTIFY_SETGID:
    case ES_EVENT_TYPE_NOTIFY_SETEUID:
    case ES_EVENT_TYPE_NOTIFY_SETEGID:
    case ES_EVENT_TYPE_NOTIFY_SETREUID:
    case ES_EVENT_TYPE_NOTIFY_SETREGID:
      return false;
    default:
      // Everything since macOS 13 reports on services, not on files.
      return type <= ES_EVENT_TYPE_NOTIFY_COPYFILE;
  }
}

}  // namespace gatehouse
