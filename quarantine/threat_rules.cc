#include "quarantine/threat_rules.h"

#include <algorithm>
#include <utility>

namespace gatehouse {
namespace {

// The more visible, the greater.
int Rank(NotScannedReason reason) {
  if (reason == NotScannedReason::kAuditedThreat) return 3;
  if (reason == NotScannedReason::kAllowedThreat) return 2;
  return 1;
}

Verdict LeftAlone(const Verdict& verdict, NotScannedReason reason) {
  Verdict left = Verdict::NotScanned(reason);
  left.threat_name = verdict.threat_name;
  left.bytes_scanned = verdict.bytes_scanned;
  left.generation = verdict.generation;
  return left;
}

// A threat that is left alone says nothing of what was not looked at.
Verdict WithoutVerdict(const Verdict& verdict) {
  Verdict unfinished = verdict.error_number != 0
                           ? Verdict::FromErrno(verdict.error_number)
                           : Verdict::NotScanned(verdict.unfinished);
  unfinished.bytes_scanned = verdict.bytes_scanned;
  unfinished.generation = verdict.generation;
  return unfinished;
}

}  // namespace

std::optional<ThreatTypeAction> ThreatTypeActionOf(std::string_view word) {
  const auto* const found = std::find(kThreatTypeActionWords.begin(),
                                      kThreatTypeActionWords.end(), word);
  if (found == kThreatTypeActionWords.end()) return std::nullopt;
  return static_cast<ThreatTypeAction>(found - kThreatTypeActionWords.begin());
}

std::optional<size_t> ConfigurableTypeIndex(std::string_view type) {
  const auto* const found =
      std::find(kConfigurableTypes.begin(), kConfigurableTypes.end(), type);
  if (found == kConfigurableTypes.end()) return std::nullopt;
  return static_cast<size_t>(found - kConfigurableTypes.begin());
}

bool IsLeftAlone(const Verdict& verdict) {
  return verdict.kind == VerdictKind::kNotScanned &&
         (verdict.reason == NotScannedReason::kAllowedThreat ||
          verdict.reason == NotScannedReason::kAuditedThreat ||
          verdict.reason == NotScannedReason::kThreatTypeOff);
}

ThreatStatus StatusOfLeftAlone(const Verdict& verdict) {
  return verdict.reason == NotScannedReason::kAllowedThreat
             ? ThreatStatus::kAllowed
             : ThreatStatus::kDetected;
}

std::string WhyContentIsAllowed(std::string_view sha256) {
  std::string why = "its content is allowed: ";
  return why.append(sha256);
}

std::string WhyLeftAlone(const Verdict& verdict) {
  if (verdict.reason == NotScannedReason::kAllowedThreat) {
    return verdict.allowed_by.empty() ? "its name is allowed"
                                      : WhyContentIsAllowed(verdict.allowed_by);
  }
  return verdict.reason == NotScannedReason::kAuditedThreat
             ? kWhyAudited
             : "nothing is done about threats of its type";
}

void ThreatRules::Set(Rules rules) {
  const MutexLock lock(mutex_);
  allows_contents_.store(!rules.contents.empty());
  rules_ = std::move(rules);
  generation_.fetch_add(1);
}

bool ThreatRules::Allows(const Allowed& allowed, std::string_view key) const {
  const auto found = allowed.find(key);
  return found != allowed.end() &&
         (found->second == kNeverExpires || now_() < found->second);
}

NotScannedReason ThreatRules::ReasonToLeave(std::string_view name) const {
  if (Allows(rules_.names, CanonicalThreatName(name))) {
    return NotScannedReason::kAllowedThreat;
  }
  const std::optional<size_t> index = ConfigurableTypeIndex(ThreatType(name));
  if (!index) return NotScannedReason::kNone;
  switch (rules_.type_actions.at(*index)) {
    case ThreatTypeAction::kBlock:
      return NotScannedReason::kNone;
    case ThreatTypeAction::kAudit:
      return NotScannedReason::kAuditedThreat;
    case ThreatTypeAction::kOff:
      return NotScannedReason::kThreatTypeOff;
  }
  return NotScannedReason::kNone;
}

Verdict ThreatRules::Apply(const Verdict& verdict) const {
  if (verdict.kind != VerdictKind::kInfected) return verdict;
  const MutexLock lock(mutex_);
  if (Allows(rules_.contents, verdict.sha256)) {
    Verdict left = LeftAlone(verdict, NotScannedReason::kAllowedThreat);
    left.allowed_by = verdict.sha256;
    return left;
  }
  NotScannedReason reason = ReasonToLeave(verdict.threat_name);
  if (reason == NotScannedReason::kNone) return verdict;
  const std::string* name = &verdict.threat_name;
  for (const std::string& other : verdict.other_names) {
    const NotScannedReason another = ReasonToLeave(other);
    if (another == NotScannedReason::kNone) {
      Verdict acted_upon = verdict;
      acted_upon.threat_name = other;
      return acted_upon;
    }
    if (Rank(another) > Rank(reason)) {
      reason = another;
      name = &other;
    }
  }
  if (!verdict.knows_all_names) {
    const bool is_unfinished = verdict.error_number != 0 ||
                               verdict.unfinished != NotScannedReason::kNone;
    // More names than anybody needs: a disguise.
    return is_unfinished ? WithoutVerdict(verdict) : verdict;
  }
  Verdict left = LeftAlone(verdict, reason);
  left.threat_name = *name;
  return left;
}

}  // namespace gatehouse
