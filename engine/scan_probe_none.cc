#include "engine/scan_probe.h"

namespace gatehouse {

void BeforeScan(int /*fd*/) noexcept {}

}  // namespace gatehouse
