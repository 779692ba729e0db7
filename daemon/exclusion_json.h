// Exclusions as JSON: Defender's objects, in the managed configuration and in
// our own file.
//
// Thread-safe: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/exclusions.h"

namespace gatehouse {

// {"$type":"excludedPath","isDirectory":true,"path":"/x","scopes":["epp"]}
// {"$type":"excludedFileExtension","extension":".pdf","scopes":["epp"]}
// {"$type":"excludedFileName","name":"/bin/cat","scopes":["global"]}: a
// process.
[[nodiscard]] nlohmann::json ExclusionJson(const Exclusion& exclusion);

// Without scopes: `scope_if_absent`. Errors: kInvalidInput begins with `where`.
Result<Exclusion> ExclusionOfJson(const nlohmann::json& json,
                                  const std::string& where,
                                  ExclusionScope scope_if_absent);

// An array of them. Errors name the index.
Result<std::vector<Exclusion>> ExclusionsOfJson(const nlohmann::json& json,
                                                const std::string& where,
                                                ExclusionScope scope_if_absent);

}  // namespace gatehouse
