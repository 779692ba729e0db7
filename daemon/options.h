// The command line of wdavdaemon, and what the configuration file adds.
//
// Plain value; thread-compatible.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/allowed_threats.h"
#include "engine/exclusions.h"
#include "es_adapter/miss_policy.h"
#include "quarantine/threat_rules.h"

namespace gatehouse {

struct DaemonOptions {
  std::vector<std::string> protect;  // Mount points.
  bool protect_all = false;          // Whatever is mounted anywhere.
  // Empty: what freshclam fills, if it is there. "none": only the built-in
  // rule.
  std::string definitions_directory;
  // How often to look whether definitions have changed.
  std::chrono::seconds definitions_interval{10};
  std::string state_directory = "/var/lib/gatehouse";
  std::string run_directory = "/run/gatehouse";
  std::string config_path = "/etc/gatehouse/mdatp_managed.json";
  bool config_is_default = true;  // A missing default file is no error.
  bool allow_root_file_system = false;
  std::string record_path;  // Where to record every event; empty: nowhere.
  // How long to wait for the approval of the system extension.
  std::chrono::seconds approval_window{60};
  // How long it must be calm before the circuit breaker closes.
  std::chrono::seconds breaker_calm{60};
  // Without fanotify: how many directories inotify may watch.
  size_t inotify_watches_max = 262'144;
  // Without inotify: how long after the end of a scan the next one begins.
  std::chrono::seconds scan_interval{600};
  // For tests: as kernels are that lack it.
  bool pretend_no_permission_events = false;
  bool pretend_no_exec_events = false;
  bool isolates = true;       // --no-quarantine: deny and record, move nothing.
  std::string notify_socket;  // $NOTIFY_SOCKET
  uint64_t watchdog_microseconds = 0;  // $WATCHDOG_USEC; 0: none.

  [[nodiscard]] bool protects() const {
    return protect_all || !protect.empty();
  }
};

struct ParsedOptions {
  DaemonOptions options;
  // Set when there is nothing to run: --help, --version, or a usage error
  // whose text has been printed.
  bool exit_now = false;
  int exit_code = 0;
};

// Prints help and usage errors itself. Never throws.
[[nodiscard]] ParsedOptions ParseCommandLine(int argc, char** argv);

inline constexpr uint32_t kRetentionDaysMin = 1;
inline constexpr uint32_t kRetentionDaysMax = 180;
inline constexpr uint32_t kHistoryItemsMin = 5000;
inline constexpr uint32_t kHistoryItemsMax = 15000;

// What of the configuration file the daemon acts on.
struct DaemonConfig {
  // antivirusEngine.enforcementLevel; empty: the file does not say.
  std::optional<bool> real_time_protection;
  // gatehouse.systemExtensionApproved; empty: the file does not say.
  std::optional<bool> extension_approved;
  // gatehouse.missPolicy; empty: the file does not say.
  std::optional<MissProfile> miss_profile;
  bool any_size_hashes = true;  // gatehouse.anySizeHashes
  // antivirusEngine.exclusions and exclusionSettings.exclusions.
  std::vector<Exclusion> exclusions;
  bool managed_exclusions_only = false;  // A merge policy of admin_only.
  // antivirusEngine.allowedThreats
  std::vector<AllowedThreat> allowed_threats;
  // antivirusEngine.threatTypeSettings; empty: the file does not say.
  std::array<std::optional<ThreatTypeAction>, kConfigurableTypes.size()>
      threat_type_actions = {};
  bool managed_threat_types_only = false;  // Its merge policy is admin_only.
  // antivirusEngine.disallowedThreatActions
  bool may_allow_threats = true;
  bool may_restore_threats = true;
  // antivirusEngine.scanResultsRetentionDays, .scanHistoryMaximumItems; empty:
  // the file does not say.
  std::optional<uint32_t> retention_days;
  std::optional<uint32_t> history_items_max;
  std::string release_ring = "Production";  // gatehouse.releaseRing
  std::vector<std::string> warnings;        // Unknown keys and the like.
};

// Reads and checks the JSON file. A missing file is an error unless it is the
// default one. Unknown keys are warnings; wrong types and values are errors
// that name file and key.
Result<DaemonConfig> ReadConfig(const DaemonOptions& options);

}  // namespace gatehouse
