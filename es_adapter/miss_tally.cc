#include "es_adapter/miss_tally.h"

namespace gatehouse {

bool MissTally::Counts(uid_t owner, MonotonicTime now) {
  if (owner == 0) return true;
  const MutexLock lock(mutex_);
  Owner* place = nullptr;
  for (Owner& one : owners_) {
    if (one.uid != 0 && now - one.since >= kWindow) one = {};
    if (one.uid == owner) {
      place = &one;
      break;
    }
    if (one.uid == 0 && place == nullptr) place = &one;
  }
  if (place == nullptr) return false;
  if (place->uid != owner) *place = {owner, 0, now};
  ++place->misses;
  return place->misses <= kOfOneOwnerMax;
}

}  // namespace gatehouse
