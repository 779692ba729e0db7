// A LoadReport as bytes, to be kept with the set that was loaded.
//
// Thread-safe: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "signatures/load_report.h"

namespace gatehouse {

[[nodiscard]] std::string PackLoadReport(const LoadReport& report);

// Errors: kInvalidInput when PackLoadReport of this version has not made it.
Result<LoadReport> OpenLoadReport(std::string_view bytes);

}  // namespace gatehouse
