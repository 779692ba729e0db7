#include "daemon/health.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "base/result.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr int64_t kMillisecondsPerMinute = 60'000;
constexpr size_t kLeftOutShownMax = 64;
constexpr size_t kLeftOutTextBytesMax = 256;
constexpr size_t kIssueReasonBytesMax = 512;

std::vector<std::string> Issues(const HealthFacts& facts) {
  std::vector<std::string> issues = facts.protection.issues;
  const SystemExtensionState& extension = facts.extension;
  const bool is_wanted = facts.real_time_protection_enabled;
  if (is_wanted && extension.state != ApprovalState::kActive) {
    // Defender's words for an extension that was not let in.
    if (!extension.is_approved) {
      issues.emplace_back("full disk access has not been granted");
    }
    issues.push_back(std::string("system extension ") +
                     ApprovalStateWord(extension.state) + ": " +
                     extension.reason);
  }
  if (!facts.real_time_protection_enabled) {
    issues.emplace_back("real-time protection is disabled");
  }
  if (!facts.quarantine_error.empty()) {
    issues.push_back("quarantine is not available: " + facts.quarantine_error);
  }
  for (const std::string& problem : facts.quarantine_problems) {
    issues.push_back("quarantine: " + problem);
  }
  if (facts.is_for_administrator &&
      facts.quarantine.record_errors.load() != 0) {
    issues.emplace_back("threats could not be recorded: see the log");
  }
  if (facts.losses.notifications != 0) {
    issues.push_back("the kernel lost notifications of written files, " +
                     std::to_string(facts.losses.notifications) +
                     " times: they are judged when they are opened");
  }
  if (!facts.definitions.state.fail_reason.empty()) {
    issues.push_back("definitions are not those of their directory: " +
                     CutText(DisplayText(facts.definitions.state.fail_reason),
                             kIssueReasonBytesMax));
  }
  if (!facts.conflicting_applications.empty()) {
    issues.push_back("another program holds opens, too: " +
                     facts.conflicting_applications.front());
  }
  return issues;
}

// As `mdatp health --details kernel_features` shows it.
nlohmann::json KernelFeaturesJson(const KernelFeatures& kernel) {
  const esl_kernel_features_t& fanotify = kernel.fanotify;
  return nlohmann::json{
      {"fanotify", kernel.error_number == 0
                       ? "available"
                       : SystemError("refused", kernel.error_number).message},
      {"fanotifyPermissionEvents", fanotify.permission_events},
      {"fanotifyExecPermissionEvents", fanotify.exec_permission_events},
      {"fanotifyAccessEvents", fanotify.access_events},
      {"fanotifyDenyErrno", fanotify.deny_errno},
      {"fanotifyEvictableMarks", fanotify.evictable_marks},
      {"fanotifyMountEvents", fanotify.mount_events},
      {"fanotifyNameEvents", fanotify.name_events},
      {"fanotifyProcessDescriptors", fanotify.process_descriptors},
      {"processConnector", fanotify.process_events}};
}

// As `mdatp health --details left_out` shows it. A frame has a limit.
nlohmann::json LeftOutJson(const std::vector<std::string>& left_out) {
  std::vector<std::string> texts;
  for (const std::string& one : left_out) {
    if (texts.size() == kLeftOutShownMax) break;
    texts.push_back(CutText(DisplayText(one), kLeftOutTextBytesMax));
  }
  return nlohmann::json{{"leftOut", texts}, {"leftOutCount", left_out.size()}};
}

// As `mdatp health --details event_recording` shows it.
nlohmann::json RecordingJson(const esl_recording_t& recording) {
  return nlohmann::json{
      {"recordingActive", recording.active},
      {"recordingEvents", recording.events},
      {"recordingAnswers", recording.answers},
      {"recordingLost", recording.lost},
      {"recordingBytes", recording.bytes},
      {"recordingError",
       recording.error_number == 0
           ? ""
           : SystemError("write", recording.error_number).message}};
}

// As `mdatp health --details event_losses` shows it.
nlohmann::json LossesJson(const EventLosses& losses) {
  return nlohmann::json{{"notificationsLost", losses.notifications},
                        {"processesLost", losses.processes},
                        {"namesLost", losses.names},
                        {"treeChangesLost", losses.tree_changes},
                        {"rescansLost", losses.rescans}};
}

nlohmann::json Setting(nlohmann::json value, bool is_managed) {
  return nlohmann::json{{"displayValue", true},
                        {"isManaged", is_managed},
                        {"value", std::move(value)}};
}

// As `mdatp health --details antivirus` shows it.
nlohmann::json AntivirusJson(const HealthFacts& facts) {
  const bool is_wanted = facts.real_time_protection_enabled;
  const bool is_managed = facts.real_time_protection_managed;
  return nlohmann::json{
      {"realTimeProtectionEnabled", Setting(is_wanted, is_managed)},
      {"realTimeProtectionAvailable", facts.protection.is_available},
      {"realTimeProtectionSubsystem", facts.protection.subsystem},
      {"scanHistoryCleanupIntervalHours", HistoryKeeper::kPeriod.count()},
      {"scanResultsRetentionDays", Setting(facts.history.retention_days,
                                           facts.history.is_retention_managed)},
      {"scanHistoryMaximumItems",
       Setting(facts.history.items_max, facts.history.is_items_max_managed)},
      {"enforcementLevel",
       Setting(is_wanted ? "real_time" : "on_demand", is_managed)}};
}

// What tells of other users' files, or counts them.
void HideFromUsers(nlohmann::json& health) {
  for (const char* const name :
       {"threatsIsolatedWithinDeadline", "threatsIsolatedLate",
        "threatsIsolatedAfterClose", "threatsNotIsolated", "isolationsPending",
        "allowedThreatsCount", "allowedThreatsExpired"}) {
    health[name] = nullptr;
  }
  for (const char* const name : {"eventRecording", "leftOut"}) {
    health[name]["value"] = nullptr;
  }
}

// A feature that only --details shows.
nlohmann::json Hidden(nlohmann::json value) {
  return nlohmann::json{{"displayValue", false},
                        {"isManaged", false},
                        {"value", std::move(value)}};
}

}  // namespace

EventLosses FindLosses(const SharedState& shared,
                       const esl_journal_t* journal) {
  esl_statistics_t source = {};
  esl_journal_statistics(journal, &source);
  EventLosses losses;
  losses.notifications = source.queue_overflows;
  losses.processes = source.processes_lost;
  losses.names = source.names_lost;
  losses.tree_changes = shared.tree.overflows.load();
  losses.rescans = source.rescans_lost + shared.rescans.lost.load();
  return losses;
}

std::string MissingFeatures(const KernelFeatures& kernel) {
  std::string names;
  const nlohmann::json features = KernelFeaturesJson(kernel);
  for (const auto& [name, value] : features.items()) {
    if (value != false) continue;
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

nlohmann::json SystemExtensionJson(const SystemExtensionState& extension) {
  return nlohmann::json{
      {"$type", kSystemExtensionType},
      {"networkExtensionEnabled", false},
      {"networkExtensionInstalled", false},
      {"endpointSecurityExtensionReady",
       extension.state == ApprovalState::kActive},
      {"endpointSecurityExtensionInstalled", true},
      {"endpointSecurityExtensionApproved",
       {{"displayValue", true},
        {"isManaged", extension.is_managed},
        {"value", extension.is_approved}}},
      {"endpointSecurityExtensionState", ApprovalStateWord(extension.state)},
      {"endpointSecurityExtensionReason", extension.reason},
      {"approvalSecondsLeft", extension.seconds_left},
  };
}

nlohmann::json HealthJson(const HealthFacts& facts) {
  const std::vector<std::string> issues = Issues(facts);
  const int64_t age_ms =
      std::max<int64_t>(facts.now_ms - facts.definitions.updated_ms, 0);
  const RemediatorStatistics& quarantine = facts.quarantine;
  nlohmann::json health{
      {"$type", "getHealthAllResult"},
      {"healthy", issues.empty()},
      {"healthIssues", issues},
      {"engineVersion", GATEHOUSE_VERSION},
      {"appVersion", GATEHOUSE_VERSION},
      {"releaseRing", facts.release_ring},
      {"realTimeProtectionEnabled",
       {{"displayValue", true},
        {"isManaged", facts.real_time_protection_managed},
        {"value", facts.real_time_protection_enabled}}},
      {"realTimeProtectionAvailable", facts.protection.is_available},
      {"realTimeProtectionSubsystem", facts.protection.subsystem},
      {"missPolicy",
       {{"displayValue", true},
        {"isManaged", facts.miss_profile_managed},
        {"value", MissProfileWord(facts.miss_profile)}}},
      {"kernelFeatures", Hidden(KernelFeaturesJson(facts.kernel))},
      {"eventRecording", Hidden(RecordingJson(facts.recording))},
      {"eventLosses", Hidden(LossesJson(facts.losses))},
      {"leftOut", Hidden(LeftOutJson(facts.left_out))},
      {"fullDiskAccessEnabled", facts.extension.is_approved},
      {"definitionsUpdated", std::to_string(facts.definitions.updated_ms)},
      {"definitionsUpdatedMinutesAgo", age_ms / kMillisecondsPerMinute},
      {"definitionsVersion", facts.definitions.version},
      {"definitionsStatus",
       {{"$type", DefinitionsStatusWord(facts.definitions, age_ms)}}},
      {"conflictingApplications", facts.conflicting_applications},
      {"exclusionsCount", facts.exclusions},
      {"allowedThreatsCount", facts.allowed.in_force},
      {"allowedThreatsExpired", facts.allowed.expired},
      {"threatsIsolatedWithinDeadline", quarantine.isolated_in_time.load()},
      {"threatsIsolatedLate", quarantine.isolated_late.load()},
      {"threatsIsolatedAfterClose", quarantine.isolated_after_close.load()},
      {"threatsNotIsolated", quarantine.not_isolated.load()},
      {"isolationsPending", quarantine.pending.load()},
      {"antivirus", Hidden(AntivirusJson(facts))},
      {"definitions",
       Hidden(DefinitionsDetailsJson(facts.definitions, age_ms))},
  };
  if (!facts.is_for_administrator) HideFromUsers(health);
  return health;
}

}  // namespace gatehouse
