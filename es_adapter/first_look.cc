#include "es_adapter/first_look.h"

#include <sys/stat.h>

#include <cassert>

#include "es_adapter/event_file.h"

namespace gatehouse {

FileSnapshot FirstLook::Take(const es_message_t& message) {
  const es_file_t* target = EventTarget(message);
  assert(target != nullptr);
  if (!S_ISREG(target->stat.st_mode)) return {};
  FileSnapshot snapshot =
      parts_.verdicts.Begin(StateOf(target->stat), Nanoseconds(message.time));
  const Device& device = DeviceOf(message, snapshot);
  snapshot.is_truthful = device.is_truthful;
  if (!snapshot.is_truthful) return snapshot;
  snapshot.is_pinnable =
      device.keeps_pinned_pages && !IsWritableByRootOnly(target->stat);
  // In this order: who opens the file for writing after we looked is a Touch.
  snapshot.is_quiet = !EventHasWriter(message);
  if (!snapshot.is_quiet) parts_.verdicts.Touch(snapshot.state);
  return snapshot;
}

std::optional<VerdictCache::Known> FirstLook::FindClean(
    const FileSnapshot& snapshot) {
  if (!snapshot.is_truthful) return std::nullopt;
  if (!snapshot.is_quiet) {
    parts_.statistics.with_writer.fetch_add(1);
    return std::nullopt;
  }
  std::optional<VerdictCache::Known> known =
      parts_.verdicts.Find(snapshot.state);
  if (!known) return known;
  if (parts_.deny_list.Contains(snapshot.state.device, snapshot.state.inode)) {
    parts_.statistics.hits_denied.fetch_add(1);
    return std::nullopt;
  }
  parts_.statistics.hits.fetch_add(1);
  return known;
}

void FirstLook::Written(const es_message_t& message) {
  parts_.verdicts.Touch(StateOf(EventTarget(message)->stat));
}

const FirstLook::Device& FirstLook::DeviceOf(const es_message_t& message,
                                             const FileSnapshot& snapshot) {
  const uint64_t number = snapshot.state.device;
  // Numbers of neighbours differ in their last bits.
  Device& device = devices_.at(number % devices_.size());
  if (device.number != number || device.epoch != snapshot.epoch) {
    device = {number, snapshot.epoch, EventTellsWriters(message),
              EventKeepsPinnedPages(message)};
  }
  return device;
}

}  // namespace gatehouse
