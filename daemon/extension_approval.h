// Whether the administrator approved that the system extension holds what
// programs do: `system-extension.json` in the state directory, written by
// `mdatp system-extension`.
//
// Thread-safe functions; concurrent changes are the caller's to order.
#pragma once

#include <string>

#include "base/result.h"

namespace gatehouse {

// True if it was approved; false if the file is not there or says so. Errors:
// kNotPermitted for a file that others than root (or our own user) could have
// written, kInvalidInput for one that is no approval; both name it.
Result<bool> ReadApproval(const std::string& state_directory);

// Durable when it returns. On error the old word stands.
Result<bool> WriteApproval(const std::string& state_directory,
                           bool is_approved);

}  // namespace gatehouse
