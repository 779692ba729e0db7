// The entries of a folder of /proc that are numbers: processes, their threads,
// their descriptors.
#pragma once

#include <string>
#include <vector>

namespace gatehouse {

// In the order of the kernel; empty if the folder is gone, or not ours to look
// at. Thread-safe.
[[nodiscard]] std::vector<int> NumbersIn(const std::string& folder);

}  // namespace gatehouse
