// ThreatRuleStore: what administrators allowed, by name or by content, who did
// so, and what they want done about types of threats; kept in
// `threat-rules.json` in the state directory, joined with the managed
// configuration, and given to whoever judges.
//
// Thread-safe. `rules` must outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "daemon/allowed_threats.h"
#include "daemon/options.h"
#include "quarantine/threat_rules.h"

namespace gatehouse {

struct ThreatTypePolicy {
  std::string_view type;
  ThreatTypeAction action = ThreatTypeAction::kAudit;
  bool is_managed = false;
};

class ThreatRuleStore {
 public:
  static constexpr size_t kAllowedMax = 10000;
  // Of more, the oldest are forgotten here; the log has them all.
  static constexpr size_t kChangesMax = 1000;

  explicit ThreatRuleStore(ThreatRules& rules,
                           WallClock now = WallClockMilliseconds)
      : rules_(rules), now_(std::move(now)) {}

  // Reads what was kept. Errors: kInvalidInput names the file and what is wrong
  // with it; those of the system.
  Result<bool> Load(const DaemonConfig& config,
                    const std::string& state_directory);

  // Durable, with the record of the change, and in force when they return.
  // What has expired, and what comes with another expiry or comment, may be
  // allowed again. Errors: kInvalidInput for what cannot be allowed, has
  // expired or is allowed already, kNotFound for what is not, kNotPermitted
  // where the managed configuration says otherwise, kLimitExceeded above
  // kAllowedMax, those of ReplaceFile.
  Result<bool> Allow(AllowedThreat threat, const ChangeOrigin& origin);
  Result<bool> Disallow(AllowedThreat threat, const ChangeOrigin& origin);
  Result<bool> SetAction(const std::string& type, const std::string& action);

  // What has expired since the last call, or before the start and was never
  // told: no more of it counts, though the clock were set back. Cheap while
  // nothing has. If that cannot be kept, it is told again after the next start.
  [[nodiscard]] std::vector<AllowedThreat> TakeExpired();

  // Those in force and those that have expired: managed ones first.
  [[nodiscard]] std::vector<AllowedThreat> allowed() const;
  [[nodiscard]] AllowedCounts counts() const;
  // Oldest first; not of managed ones.
  [[nodiscard]] std::vector<AllowedChange> changes() const;
  [[nodiscard]] std::vector<ThreatTypePolicy> policies() const;

  // Errors: kNotPermitted while the managed configuration disallows it.
  [[nodiscard]] Result<bool> CheckMayRestore() const;

 private:
  using TypeActions =
      std::array<std::optional<ThreatTypeAction>, kConfigurableTypes.size()>;
  // What administrators said with mdatp.
  struct Own {
    std::vector<AllowedThreat> allowed;
    std::deque<AllowedChange> changes;
    TypeActions actions = {};
  };

  static Result<Own> Read(const std::string& path);
  static void Note(Own& own, AllowedChangeKind kind,
                   const AllowedThreat& threat, const ChangeOrigin& origin);
  Result<bool> Write(const Own& own) const GATEHOUSE_REQUIRES(mutex_);
  Result<bool> Keep(Own own) GATEHOUSE_REQUIRES(mutex_);
  void Apply() GATEHOUSE_REQUIRES(mutex_);
  bool IsOver(const AllowedThreat& threat) const;
  std::vector<AllowedThreat> ListAllowed() const GATEHOUSE_REQUIRES(mutex_);
  ThreatTypePolicy PolicyOf(size_t type) const GATEHOUSE_REQUIRES(mutex_);
  bool IsManaged(const AllowedThreat& threat) const GATEHOUSE_REQUIRES(mutex_);

  ThreatRules& rules_;
  const WallClock now_;
  mutable Mutex mutex_;
  std::string path_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<AllowedThreat> managed_allowed_ GATEHOUSE_GUARDED_BY(mutex_);
  std::set<std::string> managed_keys_ GATEHOUSE_GUARDED_BY(mutex_);
  TypeActions managed_actions_ GATEHOUSE_GUARDED_BY(mutex_) = {};
  bool managed_actions_only_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  bool may_allow_ GATEHOUSE_GUARDED_BY(mutex_) = true;
  bool may_restore_ GATEHOUSE_GUARDED_BY(mutex_) = true;
  Own own_ GATEHOUSE_GUARDED_BY(mutex_);
  // When the next of them expires.
  int64_t next_expiry_ms_ GATEHOUSE_GUARDED_BY(mutex_) =
      ThreatRules::kNeverExpires;
};

}  // namespace gatehouse
