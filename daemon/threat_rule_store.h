// ThreatRuleStore: the names of threats that administrators allowed, and what
// they want done about types of threats; kept in `threat-rules.json` in the
// state directory, joined with the managed configuration, and given to whoever
// judges.
//
// Thread-safe. `rules` must outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "daemon/options.h"
#include "quarantine/threat_rules.h"

namespace gatehouse {

struct AllowedThreat {
  std::string name;
  bool is_managed = false;
};

struct ThreatTypePolicy {
  std::string_view type;
  ThreatTypeAction action = ThreatTypeAction::kAudit;
  bool is_managed = false;
};

class ThreatRuleStore {
 public:
  static constexpr size_t kAllowedMax = 10000;

  explicit ThreatRuleStore(ThreatRules& rules) : rules_(rules) {}

  // Reads what was kept. Errors: kInvalidInput names the file and what is wrong
  // with it; those of the system.
  Result<bool> Load(const DaemonConfig& config,
                    const std::string& state_directory);

  // Durable and in force when they return. Errors: kInvalidInput for what
  // cannot be a name or is allowed already, kNotFound for what is not,
  // kNotPermitted where the managed configuration says otherwise,
  // kLimitExceeded above kAllowedMax, those of ReplaceFile.
  Result<bool> Allow(const std::string& name);
  Result<bool> Disallow(const std::string& name);
  Result<bool> SetAction(const std::string& type, const std::string& action);

  // Those in force: managed ones first.
  [[nodiscard]] std::vector<AllowedThreat> allowed() const;
  [[nodiscard]] std::vector<ThreatTypePolicy> policies() const;

  // Errors: kNotPermitted while the managed configuration disallows it.
  [[nodiscard]] Result<bool> CheckMayRestore() const;

 private:
  using TypeActions =
      std::array<std::optional<ThreatTypeAction>, kConfigurableTypes.size()>;
  // What administrators said with mdatp.
  struct Own {
    std::vector<std::string> allowed;
    TypeActions actions = {};
  };

  static Result<Own> Read(const std::string& path);
  Result<bool> Keep(Own own) GATEHOUSE_REQUIRES(mutex_);
  void Apply() GATEHOUSE_REQUIRES(mutex_);
  ThreatTypePolicy PolicyOf(size_t type) const GATEHOUSE_REQUIRES(mutex_);
  bool IsManaged(const std::string& name) const GATEHOUSE_REQUIRES(mutex_);

  ThreatRules& rules_;
  mutable Mutex mutex_;
  std::string path_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<std::string> managed_allowed_ GATEHOUSE_GUARDED_BY(mutex_);
  TypeActions managed_actions_ GATEHOUSE_GUARDED_BY(mutex_) = {};
  bool managed_actions_only_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  bool may_allow_ GATEHOUSE_GUARDED_BY(mutex_) = true;
  bool may_restore_ GATEHOUSE_GUARDED_BY(mutex_) = true;
  Own own_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
