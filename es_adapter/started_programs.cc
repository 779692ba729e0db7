#include "es_adapter/started_programs.h"

namespace gatehouse {

bool StartedPrograms::Add(int32_t pid) {
  const bool has_room = starts_.TryPush(pid);
  if (!has_room) is_look_due_.store(true);
  Ring();
  return has_room;
}

void StartedPrograms::Missed() {
  is_look_due_.store(true);
  Ring();
}

void StartedPrograms::SetWanted(bool is_wanted) {
  if (!is_wanted_.exchange(is_wanted) && is_wanted) Missed();
}

// Costs a call of the kernel only while somebody sleeps.
void StartedPrograms::Ring() {
  (void)bell_.fetch_add(1);
  bell_.notify_all();
}

std::optional<int32_t> StartedPrograms::Take(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] { Ring(); });
  while (true) {
    // Before the look: what comes after it moves the bell.
    const uint32_t bell = bell_.load();
    if (stop.stop_requested()) return std::nullopt;
    if (std::optional<int32_t> pid = starts_.TryPop()) return pid;
    if (is_look_due_.exchange(false)) return kAllProcesses;
    bell_.wait(bell);
  }
}

}  // namespace gatehouse
