// ThreatRules: what is malicious and is to be left alone all the same, because
// an administrator allowed its content or its name, or chose to do less about
// its type.
//
// A file whose content is allowed is left alone whatever matched in it. Else
// every name that matched must be, and no other can have been missed: nothing
// hides behind an allowed name.
//
// Thread-safe. Nobody who judges waits for long: the rules are copied in when
// they change.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "base/time.h"
#include "engine/verdict.h"
#include "quarantine/threat.h"

namespace gatehouse {

// What is done about threats of a type. The words are on disk and in the
// protocol.
enum class ThreatTypeAction : uint8_t {
  kBlock,  // As about any threat.
  kAudit,  // It is recorded, and left alone.
  kOff,    // It is counted, and left alone.
};
inline constexpr std::array<std::string_view, 3> kThreatTypeActionWords = {
    "block", "audit", "off"};

[[nodiscard]] constexpr std::string_view ThreatTypeActionWord(
    ThreatTypeAction action) {
  return kThreatTypeActionWords.at(static_cast<size_t>(action));
}
[[nodiscard]] std::optional<ThreatTypeAction> ThreatTypeActionOf(
    std::string_view word);

// The types that have an action; all others are blocked.
inline constexpr std::array<std::string_view, 2> kConfigurableTypes = {
    kUnwantedType, kArchiveBombType};
[[nodiscard]] std::optional<size_t> ConfigurableTypeIndex(
    std::string_view type);
using ThreatTypeActions =
    std::array<ThreatTypeAction, kConfigurableTypes.size()>;
inline constexpr ThreatTypeActions kDefaultTypeActions = {
    ThreatTypeAction::kAudit, ThreatTypeAction::kAudit};

// Milliseconds since 1970; injected by tests.
using WallClock = std::function<int64_t()>;

class ThreatRules {
 public:
  static constexpr int64_t kNeverExpires = std::numeric_limits<int64_t>::max();
  // What is allowed, and the wall-clock time from which on it is not any more.
  using Allowed = std::map<std::string, int64_t, std::less<>>;
  struct Rules {
    Allowed names;     // By their canonical form.
    Allowed contents;  // By their SHA-256: 64 hex digits, lower case.
    ThreatTypeActions type_actions = kDefaultTypeActions;
  };

  explicit ThreatRules(WallClock now = WallClockMilliseconds)
      : now_(std::move(now)) {}

  void Set(Rules rules);
  // True while a content is allowed: what is found is then digested
  // (ScanLimits::wants_sha256).
  [[nodiscard]] const std::atomic<bool>& allows_contents() const {
    return allows_contents_;
  }
  // Grows with each Set.
  [[nodiscard]] uint64_t generation() const { return generation_.load(); }

  // What is to be done about a verdict, at this moment: what has expired does
  // not count. One that is not kInfected stays what it is. One of an allowed
  // content becomes kNotScanned (IsLeftAlone) with its name, and allowed_by. Of
  // others, the name is the first that is not to be left alone. If all are, it
  // becomes kNotScanned with the reason (IsLeftAlone) and the name that is the
  // reason, the most visible of them: audited, allowed, off. If all are, but
  // the scan did not come to its end, it becomes what ended it.
  [[nodiscard]] Verdict Apply(const Verdict& verdict) const;

 private:
  // kNone: it is to be acted upon.
  [[nodiscard]] NotScannedReason ReasonToLeave(std::string_view name) const
      GATEHOUSE_REQUIRES(mutex_);

  [[nodiscard]] bool Allows(const Allowed& allowed, std::string_view key) const;

  const WallClock now_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<bool> allows_contents_{false};
  mutable Mutex mutex_;
  Rules rules_ GATEHOUSE_GUARDED_BY(mutex_);
};

inline constexpr const char* kWhyAudited =
    "threats of its type are only recorded";

// A threat that a rule leaves where it is.
[[nodiscard]] bool IsLeftAlone(const Verdict& verdict);
// How it is recorded, and why. REQUIRES: IsLeftAlone.
[[nodiscard]] ThreatStatus StatusOfLeftAlone(const Verdict& verdict);
[[nodiscard]] std::string WhyLeftAlone(const Verdict& verdict);
// The same of a content that is allowed.
[[nodiscard]] std::string WhyContentIsAllowed(std::string_view sha256);

}  // namespace gatehouse
