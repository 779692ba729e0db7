// Which events of the ES interface Linux has, and where they come from.
//
// Thread-safe: constant.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <cstdint>
#include <span>

#include "es_adapter/linux/journal.h"
#include "es_linux.h"

namespace gatehouse {

// The groups of GroupKind, then the sources of SourceKind.
enum class EventOrigin : uint8_t {
  kPermission,
  kNotification,
  kNames,
  kProcesses,
  kMounts,
};
[[nodiscard]] constexpr EventOrigin OriginOf(GroupKind kind) {
  return static_cast<EventOrigin>(kind);
}
[[nodiscard]] constexpr EventOrigin OriginOf(SourceKind kind) {
  return static_cast<EventOrigin>(kGroupCount + static_cast<size_t>(kind));
}

struct KnownEvent {
  es_event_type_t type;
  esl_support_t support;
  EventOrigin origin;
  uint64_t mask;          // Of fanotify; 0 for what is not marked for.
  uint64_t subscription;  // One bit, as in esl_journal_s::subscriptions.
};

// All that can be subscribed to, in the order of their bits.
[[nodiscard]] std::span<const KnownEvent> KnownEvents();

// Null for what Linux cannot deliver.
[[nodiscard]] const KnownEvent* FindKnownEvent(es_event_type_t type);

// 0 if any of the events cannot be delivered, or there is none.
[[nodiscard]] uint64_t SubscriptionBits(std::span<const es_event_type_t> types);

// A bit beside those of the events: see esl_report_starts.
inline constexpr uint64_t kReportsStarts = uint64_t{1} << 63U;

// Is an open to execute wanted?
[[nodiscard]] bool ReportsStarts(uint64_t subscriptions);

// The subscriptions to what `origin` tells.
[[nodiscard]] uint64_t SubscriptionsOf(EventOrigin origin);

// What must be marked at `origin` for `subscriptions`.
[[nodiscard]] uint64_t MarkMask(EventOrigin origin, uint64_t subscriptions);
[[nodiscard]] inline uint64_t MarkMask(GroupKind group,
                                       uint64_t subscriptions) {
  return MarkMask(OriginOf(group), subscriptions);
}

// The one event that a record of the kernel stands for; null if none.
[[nodiscard]] const KnownEvent* EventOfMask(GroupKind group, uint64_t mask);

// True if paths the event acts on can be muted; see ESClient.h. For every
// event of the interface, also those that Linux has not.
[[nodiscard]] bool SupportsTargetPaths(es_event_type_t type);

}  // namespace gatehouse
