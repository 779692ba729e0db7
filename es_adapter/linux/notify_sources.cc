#include "es_adapter/linux/notify_sources.h"

#include <cassert>

#include "base/unique_fd.h"
#include "es_adapter/linux/event_table.h"

namespace gatehouse {
namespace {

constexpr std::array kKinds = {SourceKind::kNames, SourceKind::kProcesses,
                               SourceKind::kMounts};
static_assert(kKinds.size() == kSourceCount);

bool Has(uint64_t subscriptions, SourceKind kind) {
  return (subscriptions & SubscriptionsOf(OriginOf(kind))) != 0;
}

}  // namespace

NotifySources::NotifySources(esl_journal_t& journal)
    : journal_(journal),
      names_(journal),
      processes_(journal),
      mounts_(journal),
      sources_{&names_, &processes_, &mounts_} {
  messages_.reserve(kMessagesMax);
}

int NotifySources::Enable(uint64_t added) {
  for (const SourceKind kind : kKinds) {
    if (!Has(added, kind)) continue;
    const int error = source(kind).Open(journal_.subscriptions.load() | added);
    if (error != 0) return error;
  }
  return 0;
}

void NotifySources::Disable(uint64_t gone, uint64_t left) {
  for (const SourceKind kind : kKinds) {
    if (Has(gone, kind) && !Has(left, kind)) source(kind).Stop();
  }
}

int NotifySources::Watch(int directory, const char* path,
                         uint64_t subscriptions) {
  return names_.Watch(directory, path,
                      MarkMask(EventOrigin::kNames, subscriptions));
}

void NotifySources::UnwatchAll() { names_.UnwatchAll(); }

size_t NotifySources::Recover() {
  size_t records = 0;
  for (JournalSource& one : journal_.sources) records += one.buffer.Recover();
  return records;
}

void NotifySources::Close() {
  for (JournalSource& one : journal_.sources) {
    const UniqueFd closing(one.fd.exchange(-1));
  }
}

void NotifySources::FillWaits(std::span<pollfd, kSourceCount> waits) const {
  for (size_t i = 0; i < kSourceCount; ++i) {
    waits[i] = has_room() ? sources_.at(i)->Awaited() : pollfd{-1, 0, 0};
  }
}

bool NotifySources::HasMore() const {
  if (!has_room()) return false;
  for (const NotifySource* one : sources_) {
    if (one->HasMore()) return true;
  }
  return false;
}

Message* NotifySources::Next(SourceKind kind,
                             const std::atomic<uint64_t>& subscriptions,
                             esl_detail_t detail, Client& client) {
  if (!has_room()) return nullptr;
  Message* message = FindFree(client);
  return source(kind).Next(*message, subscriptions, detail) ? message : nullptr;
}

// There is one: what is in use was counted before, and is freed after.
Message* NotifySources::FindFree(Client& client) {
  for (const std::unique_ptr<Message>& message : messages_) {
    if (message->references.load() == 0) return message.get();
  }
  assert(messages_.size() < kMessagesMax);
  messages_.push_back(std::make_unique<Message>());
  Message& message = *messages_.back();
  message.client = &client;
  message.parts = std::make_unique<MessageParts>();
  return &message;
}

}  // namespace gatehouse
