// The part of Client that delivers what notify sources tell.
#include "es_adapter/linux/client.h"

namespace gatehouse {

bool Client::EnableSources(uint64_t added) {
  uint64_t needed = 0;
  for (size_t i = 0; i < kSourceCount; ++i) {
    needed |= added & SubscriptionsOf(OriginOf(static_cast<SourceKind>(i)));
  }
  if (needed == 0) return true;
  if (sources_ == nullptr || sources_->Enable(needed) != 0) return false;
  WakeReader();  // It waits for what was open before.
  return true;
}

// One message of each source in turn, so that whoever is held between them
// waits for that long at most.
void Client::DeliverNotifications() {
  if (sources_ == nullptr) return;
  for (size_t i = 0; i < kSourceCount; ++i) {
    const auto kind = static_cast<SourceKind>(i);
    Message* message =
        sources_->Next(kind, journal_.subscriptions, detail_.load(), *this);
    CountLosses(kind, sources_->TakeLosses(kind));
    if (message == nullptr) continue;
    if (!IsMuted(*message)) Deliver(*message);
    sources_->Done(kind);
  }
}

// Nobody knows how many, or of which type: each number has a gap.
void Client::CountLosses(SourceKind kind, uint32_t losses) {
  if (losses == 0) return;
  for (const KnownEvent& event : KnownEvents()) {
    if (event.origin == OriginOf(kind)) type_numbers_.at(event.type) += losses;
  }
  global_number_ += losses;
}

// Asks for a wake-up by whoever releases the next message.
void Client::AwaitRoom() {
  if (sources_ == nullptr || sources_->has_room()) return;
  reader_waits_for_slot_.store(true);
  // Somebody may have released one before he could see that.
  if (!sources_->has_room()) journal_.counters.full_stops.fetch_add(1);
}

}  // namespace gatehouse
