#include "es_adapter/linux/expected_opens.h"

namespace gatehouse {
namespace {

constexpr int64_t kPatienceNs = 1'000'000'000;

}  // namespace

void ExpectedOpens::Expect(pid_t pid, const FileState& file, int64_t now_ns) {
  if (pid == 0) return;  // Of another pid namespace: unknown.
  const MutexLock lock(mutex_);
  Expectation& place = expectations_.at(next_);
  next_ = (next_ + 1) % expectations_.size();
  if (place.pid == 0) count_.fetch_add(1);
  place = {pid, file, now_ns + kPatienceNs};
}

bool ExpectedOpens::Take(pid_t pid, const FileState& file, int64_t now_ns) {
  if (pid == 0) return false;
  const MutexLock lock(mutex_);
  bool found = false;
  for (Expectation& one : expectations_) {
    if (one.pid == 0) continue;
    const bool matches = one.pid == pid && one.file == file;
    if (now_ns >= one.until_ns || matches) {
      found = found || (matches && now_ns < one.until_ns);
      one.pid = 0;
      count_.fetch_sub(1);
    }
  }
  return found;
}

}  // namespace gatehouse
