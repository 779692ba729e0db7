// The keys of the managed configuration that are about threats and their
// history: docs/threats.md.
//
// Thread-safe functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/options.h"

namespace gatehouse {

// True for a key of the section antivirusEngine that ReadThreatKey reads.
[[nodiscard]] bool IsThreatKey(std::string_view key);

// `where` is the file and the key. Errors: kInvalidInput, which names it.
Result<bool> ReadThreatKey(std::string_view key, const nlohmann::json& value,
                           const std::string& where, DaemonConfig& config);

// kNotFound: no type that has an action has this name.
Result<size_t> CheckedThreatType(const std::string& type);
// kInvalidInput.
Result<ThreatTypeAction> CheckedThreatTypeAction(const std::string& word);

}  // namespace gatehouse
