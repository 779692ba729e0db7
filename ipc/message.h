// The words of the protocol, and the messages that carry errors and threats.
// docs/ipc.md describes them.
//
// Thread-safe: constants and pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ipc/json.h"
#include "quarantine/threat.h"

namespace gatehouse {

// The words are in the protocol: never rename.
enum class IpcCommand : uint8_t {
  kHealth,
  kVersion,
  kThreatList,
  kThreatGet,
  kQuarantineList,
  kQuarantineRestore,
  kQuarantineRemove,
  kQuarantineRemoveAll,
  kQuarantineAdd,
  kThreatAllowedAdd,
  kThreatAllowedRemove,
  kThreatAllowedList,
  kThreatPolicySet,
  kThreatPolicyList,
  kConfigSet,
  kSystemExtension,
  kExclusionAdd,
  kExclusionRemove,
  kExclusionList,
  kRealTimeStatistics,
  kHotEventSources,
  kEventProviderStatistics,
  kDefinitionsUpdate,
  kDefinitionsStatus,
  kRecordBegin,
  kRecordEnd,
  kScanBegin,
  kScanFiles,  // These two only within a scan.
  kScanEnd,
};

inline constexpr std::array<std::string_view, 29> kIpcCommandWords = {
    "health",
    "version",
    "threat_list",
    "threat_get",
    "quarantine_list",
    "quarantine_restore",
    "quarantine_remove",
    "quarantine_remove_all",
    "quarantine_add",
    "threat_allowed_add",
    "threat_allowed_remove",
    "threat_allowed_list",
    "threat_policy_set",
    "threat_policy_list",
    "config_set",
    "system_extension",
    "exclusion_add",
    "exclusion_remove",
    "exclusion_list",
    "real_time_protection_statistics",
    "hot_event_sources",
    "event_provider_statistics",
    "definitions_update",
    "definitions_status",
    "record_begin",
    "record_end",
    "scan_begin",
    "scan_files",
    "scan_end"};

[[nodiscard]] constexpr std::string_view IpcCommandWord(IpcCommand command) {
  return kIpcCommandWords.at(static_cast<size_t>(command));
}
[[nodiscard]] std::optional<IpcCommand> IpcCommandOf(std::string_view word);

// The "$type" of an answer.
inline constexpr std::string_view kErrorType = "error";
inline constexpr std::string_view kHealthType = "getHealthAllResult";
inline constexpr std::string_view kVersionType = "version";
inline constexpr std::string_view kThreatType = "threat";
inline constexpr std::string_view kScanType = "scan";
inline constexpr std::string_view kEndType = "end";
inline constexpr std::string_view kRestoredType = "restored";
inline constexpr std::string_view kRemovedType = "removed";
inline constexpr std::string_view kQuarantinedType = "quarantined";
inline constexpr std::string_view kAllowedThreatType = "allowedThreat";
inline constexpr std::string_view kAllowedChangeType = "allowedThreatChange";
inline constexpr std::string_view kThreatPolicyType = "threatPolicy";
inline constexpr std::string_view kConfiguredType = "configured";
inline constexpr std::string_view kSystemExtensionType = "systemExtension";
inline constexpr std::string_view kExclusionType = "exclusion";
inline constexpr std::string_view kProcessActivityType = "processActivity";
inline constexpr std::string_view kActivityWindowType = "activityWindow";
inline constexpr std::string_view kSourceActivityType = "sourceActivity";
inline constexpr std::string_view kEventProviderType = "eventProvider";
inline constexpr std::string_view kDefinitionsType = "definitions";
inline constexpr std::string_view kDefinitionsFileType = "definitionsFile";
inline constexpr std::string_view kDefinitionsProblemType =
    "definitionsProblem";
inline constexpr std::string_view kDefinitionsIgnoredType =
    "definitionsIgnoredFile";
inline constexpr std::string_view kRecordingType = "recording";
inline constexpr std::string_view kRecordedType = "recorded";
inline constexpr std::string_view kScanReadyType = "scan_ready";
inline constexpr std::string_view kScannedType = "scanned";
inline constexpr std::string_view kScanResultType = "scan_result";

// {"$type":"error","code":WORD,"message":...}. kUnreachable becomes
// "operational": the peer is reached. `message` longer than
// kErrorMessageBytesMax is cut.
inline constexpr size_t kErrorMessageBytesMax = 4096;
[[nodiscard]] Json ErrorFrame(ErrorCode code, std::string_view message);
[[nodiscard]] Json ErrorFrame(const Error& error);

// The error of an error frame; whatever is wrong with the frame, it is one.
[[nodiscard]] Error ErrorOf(const Json& frame);

// "threat" frames. Of a long history the oldest and the newest entries go:
// kThreatFrameHistoryMax of them. Display text is the receiver's business.
inline constexpr size_t kThreatFrameHistoryMax = 64;
inline constexpr size_t kThreatDetailBytesMax = 256;
inline constexpr size_t kPathBytesMax = 8192;
inline constexpr size_t kThreatNameBytesMax = 1024;
[[nodiscard]] Json ThreatFrame(const Threat& threat);
// Errors: kInvalidInput, kLimitExceeded.
Result<Threat> ThreatOf(const Json& frame);

// An on-demand scan that threats refer to.
struct IpcScan {
  std::string scan_id;
  std::string type;  // "custom"
  int64_t start_time_ms = 0;
  int64_t end_time_ms = 0;  // 0: not yet, or it was cut off.
  uint64_t files_scanned = 0;
  std::string state;  // "Running", "Succeeded", "Failed", "Cancelled".
};
[[nodiscard]] Json ScanFrame(const IpcScan& scan);
Result<IpcScan> IpcScanOf(const Json& frame);

[[nodiscard]] Json EndFrame(uint64_t count);

// Times are text: many readers of JSON cannot hold 64 bits.
void PutTime(Json& object, const std::string& name, int64_t time_ms);
// Milliseconds since 1970, not negative. Errors: kInvalidInput.
Result<int64_t> TimeMember(const Json& object, const std::string& name);

// 8-4-4-4-12 lower-case hexadecimal digits.
[[nodiscard]] bool IsUuid(std::string_view text);

}  // namespace gatehouse
