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
  snapshot.is_truthful = IsTruthful(message, snapshot);
  if (!snapshot.is_truthful) return snapshot;
  // In this order: who opens the file for writing after we looked is a Touch.
  snapshot.is_quiet = !EventHasWriter(message);
  if (!snapshot.is_quiet) parts_.verdicts.Touch(snapshot.state);
  return snapshot;
}

bool FirstLook::IsKnownClean(const FileSnapshot& snapshot) {
  if (!snapshot.is_truthful) return false;
  if (!snapshot.is_quiet) {
    parts_.statistics.with_writer.fetch_add(1);
    return false;
  }
  if (!parts_.verdicts.Find(snapshot.state)) return false;
  if (parts_.deny_list.Contains(snapshot.state.device, snapshot.state.inode)) {
    parts_.statistics.hits_denied.fetch_add(1);
    return false;
  }
  parts_.statistics.hits.fetch_add(1);
  return true;
}

void FirstLook::Written(const es_message_t& message) {
  parts_.verdicts.Touch(StateOf(EventTarget(message)->stat));
}

bool FirstLook::IsTruthful(const es_message_t& message,
                           const FileSnapshot& snapshot) {
  const uint64_t number = snapshot.state.device;
  // Numbers of neighbours differ in their last bits.
  Device& device = devices_.at(number % devices_.size());
  if (device.number != number || device.epoch != snapshot.epoch) {
    device = {number, snapshot.epoch, EventTellsWriters(message)};
  }
  return device.is_truthful;
}

}  // namespace gatehouse
