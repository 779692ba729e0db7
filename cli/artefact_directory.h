// Where this user's compiled definitions are kept.
#pragma once

#include <string>

#include "base/result.h"

namespace gatehouse {

// For root under the daemon's state directory, else under $XDG_CACHE_HOME or
// ~/.cache. Errors: kNotFound without a home. Thread-compatible.
Result<std::string> DefaultArtefactDirectory();

}  // namespace gatehouse
