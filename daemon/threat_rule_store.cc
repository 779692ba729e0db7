#include "daemon/threat_rule_store.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "base/display_text.h"
#include "daemon/replace_file.h"
#include "daemon/threat_config.h"

namespace gatehouse {
namespace {

using Json = nlohmann::json;

// The names of the managed configuration, so that a file can be moved there.
constexpr const char* kAllowedKey = "allowedThreats";
constexpr const char* kTypesKey = "threatTypeSettings";

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Unexpected Managed(const std::string& what) {
  return Fail(ErrorCode::kNotPermitted, what + " by the managed configuration");
}

}  // namespace

// A missing file is no rules.
Result<ThreatRuleStore::Own> ThreatRuleStore::Read(const std::string& path) {
  std::ifstream file(path);
  if (!file.is_open()) {
    const int error_number = errno;
    if (error_number == ENOENT) return Own();
    return FailSystem("open '" + path + "'", error_number);
  }
  std::ostringstream text;
  text << file.rdbuf();
  const Json root = Json::parse(text.str(), nullptr, false);
  if (root.is_discarded() || !root.is_object()) {
    return Fail(ErrorCode::kInvalidInput, "'" + path + "' is no JSON object");
  }
  DaemonConfig read;
  for (const char* const key : {kAllowedKey, kTypesKey}) {
    const auto value = root.find(key);
    if (value == root.end()) continue;
    const Result<bool> done =
        ReadThreatKey(key, *value, "'" + path + "': " + key, read);
    if (!done) return Unexpected(done.error());
  }
  return Own{std::move(read.allowed_threats), read.threat_type_actions};
}

Result<bool> ThreatRuleStore::Load(const DaemonConfig& config,
                                   const std::string& state_directory) {
  const std::string path = state_directory + "/threat-rules.json";
  Result<Own> own = Read(path);
  if (!own) return Unexpected(own.error());
  const MutexLock lock(mutex_);
  path_ = path;
  own_ = std::move(*own);
  managed_allowed_ = config.allowed_threats;
  managed_actions_ = config.threat_type_actions;
  managed_actions_only_ = config.managed_threat_types_only;
  may_allow_ = config.may_allow_threats;
  may_restore_ = config.may_restore_threats;
  Apply();
  return true;
}

void ThreatRuleStore::Apply() {
  ThreatRules::Rules rules;
  rules.allowed_names.insert(managed_allowed_.begin(), managed_allowed_.end());
  // Where nobody may allow, what was allowed before does not count either.
  if (may_allow_) {
    rules.allowed_names.insert(own_.allowed.begin(), own_.allowed.end());
  }
  for (size_t i = 0; i < kConfigurableTypes.size(); ++i) {
    rules.type_actions.at(i) = PolicyOf(i).action;
  }
  rules_.Set(std::move(rules));
}

ThreatTypePolicy ThreatRuleStore::PolicyOf(size_t type) const {
  const std::optional<ThreatTypeAction>& managed = managed_actions_.at(type);
  ThreatTypePolicy policy;
  policy.type = kConfigurableTypes.at(type);
  policy.is_managed = managed_actions_only_ || managed.has_value();
  policy.action = managed.value_or(
      policy.is_managed
          ? kDefaultTypeActions.at(type)
          : own_.actions.at(type).value_or(kDefaultTypeActions.at(type)));
  return policy;
}

bool ThreatRuleStore::IsManaged(const std::string& name) const {
  return Contains(managed_allowed_, name);
}

Result<bool> ThreatRuleStore::Keep(Own own) {
  Json types = Json::array();
  for (size_t i = 0; i < kConfigurableTypes.size(); ++i) {
    const std::optional<ThreatTypeAction>& action = own.actions.at(i);
    if (!action) continue;
    types.push_back({{"key", kConfigurableTypes.at(i)},
                     {"value", ThreatTypeActionWord(*action)}});
  }
  const Json root = {{kAllowedKey, own.allowed}, {kTypesKey, types}};
  const Result<bool> kept =
      ReplaceFile(path_, root.dump(2) + "\n", Durability::kDurable);
  if (!kept) return kept;
  own_ = std::move(own);
  Apply();
  return true;
}

Result<bool> ThreatRuleStore::Allow(const std::string& name) {
  const Result<bool> checked = CheckThreatName(name);
  if (!checked) return checked;
  const MutexLock lock(mutex_);
  if (!may_allow_) return Managed("allowing threats is disallowed");
  if (IsManaged(name)) {
    return Managed("'" + DisplayText(name) + "' is allowed already");
  }
  if (Contains(own_.allowed, name)) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(name) + "' is allowed already");
  }
  if (own_.allowed.size() >= kAllowedMax) {
    return Fail(ErrorCode::kLimitExceeded,
                std::to_string(own_.allowed.size()) +
                    " names are allowed, and no more are possible");
  }
  Own own = own_;
  own.allowed.push_back(name);
  return Keep(std::move(own));
}

Result<bool> ThreatRuleStore::Disallow(const std::string& name) {
  const MutexLock lock(mutex_);
  if (IsManaged(name)) {
    return Managed("'" + DisplayText(name) + "' is allowed");
  }
  Own own = own_;
  if (std::erase(own.allowed, name) == 0) {
    return Fail(ErrorCode::kNotFound,
                "'" + DisplayText(name) + "' is not allowed");
  }
  return Keep(std::move(own));
}

Result<bool> ThreatRuleStore::SetAction(const std::string& type,
                                        const std::string& action) {
  const Result<size_t> index = CheckedThreatType(type);
  if (!index) return Unexpected(index.error());
  const Result<ThreatTypeAction> wanted = CheckedThreatTypeAction(action);
  if (!wanted) return Unexpected(wanted.error());
  const MutexLock lock(mutex_);
  if (PolicyOf(*index).is_managed) {
    return Managed("what is done about '" + type + "' is set");
  }
  Own own = own_;
  own.actions.at(*index) = *wanted;
  return Keep(std::move(own));
}

std::vector<AllowedThreat> ThreatRuleStore::allowed() const {
  const MutexLock lock(mutex_);
  std::vector<AllowedThreat> allowed;
  for (const std::string& name : managed_allowed_) {
    allowed.push_back({name, true});
  }
  if (!may_allow_) return allowed;
  for (const std::string& name : own_.allowed) {
    if (!IsManaged(name)) allowed.push_back({name, false});
  }
  return allowed;
}

std::vector<ThreatTypePolicy> ThreatRuleStore::policies() const {
  const MutexLock lock(mutex_);
  std::vector<ThreatTypePolicy> policies;
  for (size_t i = 0; i < kConfigurableTypes.size(); ++i) {
    policies.push_back(PolicyOf(i));
  }
  return policies;
}

Result<bool> ThreatRuleStore::CheckMayRestore() const {
  const MutexLock lock(mutex_);
  if (!may_restore_) return Managed("restoring threats is disallowed");
  return true;
}

}  // namespace gatehouse
