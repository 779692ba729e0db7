// Health: what `mdatp health` shows, derived from live state when it is asked
// for. docs/health.md says what each field means.
//
// Thread-compatible values and pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/allowed_threats.h"
#include "daemon/definitions_json.h"
#include "daemon/protection.h"
#include "daemon/shared_state.h"
#include "daemon/system_extension.h"
#include "es_adapter/miss_policy.h"
#include "es_linux.h"
#include "quarantine/history_keeper.h"
#include "quarantine/remediator.h"

namespace gatehouse {

// Times, since the start, that something was lost for lack of room.
struct EventLosses {
  uint64_t notifications = 0;  // Of files that were written.
  uint64_t processes = 0;      // Program starts.
  uint64_t names = 0;
  uint64_t tree_changes = 0;  // By inotify.
  uint64_t rescans = 0;
};
[[nodiscard]] EventLosses FindLosses(const SharedState& shared,
                                     const esl_journal_t* journal);

struct HistorySettings {
  uint64_t retention_days = HistoryKeeper::kRetentionDaysDefault;
  bool is_retention_managed = false;  // By the configuration file.
  uint64_t items_max = kHistoryItemsDefault;
  bool is_items_max_managed = false;
};

struct HealthFacts {
  ProtectionState protection;
  SystemExtensionState extension;
  size_t exclusions = 0;                      // In force.
  bool real_time_protection_enabled = false;  // What was asked for.
  bool real_time_protection_managed = false;  // By the configuration file.
  std::string release_ring;
  DefinitionsHealth definitions;
  int64_t now_ms = 0;
  std::string quarantine_error;  // Empty: it is open.
  const RemediatorStatistics& quarantine;
  std::vector<std::string> conflicting_applications;
  MissProfile miss_profile = MissProfile::kDefault;
  bool miss_profile_managed = false;  // By the configuration file.
  KernelFeatures kernel = {};
  esl_recording_t recording = {};
  EventLosses losses = {};
  std::vector<std::string> left_out = {};  // Protection::LeftOut.
  std::vector<std::string> quarantine_problems = {};
  HistorySettings history = {};
  AllowedCounts allowed = {};
  // Others are told nothing that depends on what other users do.
  bool is_for_administrator = true;
};

// The object of docs/ipc.md, command "system_extension".
[[nodiscard]] nlohmann::json SystemExtensionJson(
    const SystemExtensionState& extension);

// The names of the features that the kernel lacks, separated by ", ".
[[nodiscard]] std::string MissingFeatures(const KernelFeatures& kernel);

// The object of docs/ipc.md, command "health".
[[nodiscard]] nlohmann::json HealthJson(const HealthFacts& facts);

}  // namespace gatehouse
