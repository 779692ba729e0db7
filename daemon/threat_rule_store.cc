#include "daemon/threat_rule_store.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "daemon/replace_file.h"
#include "daemon/threat_config.h"

namespace gatehouse {
namespace {

using Json = nlohmann::json;
using AllowedList = std::vector<AllowedThreat>;

// The names of the managed configuration, so that a file can be moved there.
constexpr const char* kAllowedKey = "allowedThreats";
constexpr const char* kTypesKey = "threatTypeSettings";
constexpr const char* kChangesKey = "allowedThreatChanges";  // Not there.

AllowedList::iterator Find(AllowedList& list, const AllowedThreat& threat) {
  return std::find_if(list.begin(), list.end(),
                      [key = KeyOf(threat)](const AllowedThreat& other) {
                        return KeyOf(other) == key;
                      });
}

Unexpected Managed(const std::string& what) {
  return Fail(ErrorCode::kNotPermitted, what + " by the managed configuration");
}

Unexpected AllowedAlready(const AllowedThreat& threat) {
  return Fail(ErrorCode::kInvalidInput,
              ShownThreat(threat) + " is allowed already");
}

Result<bool> ReadChanges(const Json& root, const std::string& where,
                         std::deque<AllowedChange>& changes) {
  const auto list = root.find(kChangesKey);
  if (list == root.end()) return true;
  if (!list->is_array()) {
    return Fail(ErrorCode::kInvalidInput, where + ": must be a list");
  }
  for (const Json& value : *list) {
    Result<AllowedChange> change = ReadAllowedChange(value, where);
    if (!change) return Unexpected(change.error());
    changes.push_back(std::move(*change));
  }
  return true;
}

void AllowIn(ThreatRules::Rules& rules, const AllowedThreat& threat) {
  if (threat.sha256.empty()) {
    rules.names.emplace(CanonicalThreatName(threat.name), threat.expires_ms);
  } else {
    rules.contents.emplace(threat.sha256, threat.expires_ms);
  }
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
  Own own{std::move(read.allowed_threats), {}, read.threat_type_actions};
  const Result<bool> done =
      ReadChanges(root, "'" + path + "': " + kChangesKey, own.changes);
  if (!done) return Unexpected(done.error());
  return own;
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
  managed_keys_.clear();
  for (AllowedThreat& threat : managed_allowed_) {
    threat.is_managed = true;
    threat.is_expired = false;  // The clock decides.
    threat.added.reset();
    managed_keys_.insert(KeyOf(threat));
  }
  managed_actions_ = config.threat_type_actions;
  managed_actions_only_ = config.managed_threat_types_only;
  may_allow_ = config.may_allow_threats;
  may_restore_ = config.may_restore_threats;
  Apply();
  return true;
}

void ThreatRuleStore::Apply() {
  ThreatRules::Rules rules;
  next_expiry_ms_ = ThreatRules::kNeverExpires;
  const auto allow = [&](const AllowedThreat& threat) {
    if (threat.is_expired) return;
    AllowIn(rules, threat);
    next_expiry_ms_ = std::min(next_expiry_ms_, threat.expires_ms);
  };
  for (const AllowedThreat& threat : managed_allowed_) allow(threat);
  // Where nobody may allow, what was allowed before does not count either; what
  // the managed configuration allows, for as long as that says.
  for (const AllowedThreat& threat : own_.allowed) {
    if (may_allow_ && !IsManaged(threat)) allow(threat);
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

bool ThreatRuleStore::IsManaged(const AllowedThreat& threat) const {
  return !managed_keys_.empty() && managed_keys_.contains(KeyOf(threat));
}

bool ThreatRuleStore::IsOver(const AllowedThreat& threat) const {
  return threat.is_expired ||
         (threat.expires_ms != ThreatRules::kNeverExpires &&
          threat.expires_ms <= now_());
}

Result<bool> ThreatRuleStore::Write(const Own& own) const {
  Json allowed = Json::array();
  for (const AllowedThreat& threat : own.allowed) {
    allowed.push_back(AllowedThreatJson(threat));
  }
  Json changes = Json::array();
  for (const AllowedChange& change : own.changes) {
    changes.push_back(AllowedChangeJson(change));
  }
  Json types = Json::array();
  for (size_t i = 0; i < kConfigurableTypes.size(); ++i) {
    const std::optional<ThreatTypeAction>& action = own.actions.at(i);
    if (!action) continue;
    types.push_back({{"key", kConfigurableTypes.at(i)},
                     {"value", ThreatTypeActionWord(*action)}});
  }
  const Json root = {{kAllowedKey, std::move(allowed)},
                     {kChangesKey, std::move(changes)},
                     {kTypesKey, std::move(types)}};
  return ReplaceFile(path_, root.dump(2) + "\n", Durability::kDurable);
}

Result<bool> ThreatRuleStore::Keep(Own own) {
  const Result<bool> kept = Write(own);
  if (!kept) return kept;
  own_ = std::move(own);
  Apply();
  return true;
}

void ThreatRuleStore::Note(Own& own, AllowedChangeKind kind,
                           const AllowedThreat& threat,
                           const ChangeOrigin& origin) {
  own.changes.push_back({kind, threat, origin});
  while (own.changes.size() > kChangesMax) own.changes.pop_front();
}

Result<bool> ThreatRuleStore::Allow(AllowedThreat threat,
                                    const ChangeOrigin& origin) {
  Result<bool> checked = CheckAllowedThreat(threat);
  if (!checked) return checked;
  if (IsOver(threat)) {
    return Fail(ErrorCode::kInvalidInput,
                "allow " + ShownThreat(threat) + ": its end is in the past");
  }
  threat.is_managed = false;
  threat.added = origin;
  const MutexLock lock(mutex_);
  if (!may_allow_) return Managed("allowing threats is disallowed");
  if (IsManaged(threat)) {
    return Managed(ShownThreat(threat) + " is allowed already");
  }
  Own own = own_;
  const auto known = Find(own.allowed, threat);
  if (known != own.allowed.end()) {
    const bool is_same = !IsOver(*known) &&
                         known->expires_ms == threat.expires_ms &&
                         known->comment == threat.comment;
    if (is_same) return AllowedAlready(threat);
    own.allowed.erase(known);
  }
  if (own.allowed.size() >= kAllowedMax) {
    return Fail(ErrorCode::kLimitExceeded,
                std::to_string(own.allowed.size()) +
                    " threats are allowed, and no more are possible");
  }
  Note(own, AllowedChangeKind::kAdded, threat, origin);
  own.allowed.push_back(std::move(threat));
  return Keep(std::move(own));
}

Result<bool> ThreatRuleStore::Disallow(AllowedThreat threat,
                                       const ChangeOrigin& origin) {
  Result<bool> checked = CheckAllowedThreat(threat);
  if (!checked) return checked;
  const MutexLock lock(mutex_);
  if (IsManaged(threat)) return Managed(ShownThreat(threat) + " is allowed");
  Own own = own_;
  const auto known = Find(own.allowed, threat);
  if (known == own.allowed.end()) {
    return Fail(ErrorCode::kNotFound, ShownThreat(threat) + " is not allowed");
  }
  Note(own, AllowedChangeKind::kRemoved, *known, origin);
  own.allowed.erase(known);
  return Keep(std::move(own));
}

std::vector<AllowedThreat> ThreatRuleStore::TakeExpired() {
  const int64_t now_ms = now_();
  const MutexLock lock(mutex_);
  AllowedList expired;
  if (now_ms < next_expiry_ms_) return expired;
  Own own = own_;
  const auto take = [&](AllowedList& list) {
    for (AllowedThreat& threat : list) {
      const bool counts = threat.is_managed || !IsManaged(threat);
      if (threat.is_expired || !IsOver(threat) || !counts) continue;
      threat.is_expired = true;
      expired.push_back(threat);
      if (threat.is_managed) continue;
      Note(own, AllowedChangeKind::kExpired, threat, {now_ms, 0, 0, ""});
    }
  };
  take(managed_allowed_);
  if (may_allow_) take(own.allowed);
  own_ = std::move(own);
  (void)Write(own_);  // Best effort: the next change writes it, too.
  Apply();
  return expired;
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

std::vector<AllowedThreat> ThreatRuleStore::ListAllowed() const {
  AllowedList allowed = managed_allowed_;
  if (may_allow_) {
    for (const AllowedThreat& threat : own_.allowed) {
      if (!IsManaged(threat)) allowed.push_back(threat);
    }
  }
  for (AllowedThreat& threat : allowed) threat.is_expired = IsOver(threat);
  return allowed;
}

std::vector<AllowedThreat> ThreatRuleStore::allowed() const {
  const MutexLock lock(mutex_);
  return ListAllowed();
}

AllowedCounts ThreatRuleStore::counts() const {
  AllowedCounts counts;
  const MutexLock lock(mutex_);
  for (const AllowedThreat& threat : ListAllowed()) {
    ++(threat.is_expired ? counts.expired : counts.in_force);
  }
  return counts;
}

std::vector<AllowedChange> ThreatRuleStore::changes() const {
  const MutexLock lock(mutex_);
  return {own_.changes.begin(), own_.changes.end()};
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
