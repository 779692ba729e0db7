// Which other programs hold opens, too: each open then waits for all of them.
//
// Thread-safe: reads /proc, changes nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

// No more than these are named, as in Defender's health.
inline constexpr size_t kConflictingApplicationsMax = 10;

// True if the text of a /proc/PID/fdinfo/FD file (proc_pid_fdinfo(5)) is that
// of a fanotify group with a mark that holds opens, program starts or reads.
[[nodiscard]] bool HoldsOpens(std::string_view fdinfo);

// "clamonacc (4711)" for each such process but this one and its parent, with
// which it shares its descriptors. Looks at every descriptor of every process
// that it may look at: some milliseconds.
[[nodiscard]] std::vector<std::string> FindConflictingApplications();

}  // namespace gatehouse
