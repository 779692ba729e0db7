// ThreatRules: what is malicious and is to be left alone all the same, because
// an administrator allowed its name, or chose to do less about its type.
//
// A file is left alone only if every name that matched in it is, and if no
// other can have been missed: nothing hides behind an allowed name.
//
// Thread-safe. Nobody who judges waits for long: the rules are copied in when
// they change.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/mutex.h"
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

class ThreatRules {
 public:
  struct Rules {
    std::set<std::string, std::less<>> allowed_names;
    ThreatTypeActions type_actions = kDefaultTypeActions;
  };

  void Set(Rules rules);
  // Grows with each Set.
  [[nodiscard]] uint64_t generation() const { return generation_.load(); }

  // What is to be done about a verdict. One that is not kInfected stays what it
  // is. Of one that is, the name is the first that is not to be left alone. If
  // all are, it becomes kNotScanned with the reason (IsLeftAlone) and the name
  // that is the reason, the most visible of them: audited, allowed, off. If all
  // are, but the scan did not come to its end, it becomes what ended it.
  [[nodiscard]] Verdict Apply(const Verdict& verdict) const;

 private:
  // kNone: it is to be acted upon.
  [[nodiscard]] NotScannedReason ReasonToLeave(std::string_view name) const
      GATEHOUSE_REQUIRES(mutex_);

  std::atomic<uint64_t> generation_{0};
  mutable Mutex mutex_;
  Rules rules_ GATEHOUSE_GUARDED_BY(mutex_);
};

inline constexpr const char* kWhyAudited =
    "threats of its type are only recorded";

// A threat that a rule leaves where it is.
[[nodiscard]] bool IsLeftAlone(const Verdict& verdict);
// How it is recorded, and why. REQUIRES: IsLeftAlone.
[[nodiscard]] ThreatStatus StatusOfLeftAlone(const Verdict& verdict);
[[nodiscard]] const char* WhyLeftAlone(const Verdict& verdict);

}  // namespace gatehouse
