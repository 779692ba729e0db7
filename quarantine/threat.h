// Threat: what is remembered of a malicious file, and what is shown of it.
//
// Plain values; thread-compatible; they own their text. Header-only and
// without third-party code: clients speak of threats too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

// The words below are on disk and in the protocol: never renumber, never
// rename.
enum class ThreatStatus : uint8_t {
  kDetected,          // Found; the file was left alone on purpose.
  kBlocked,           // It is in its place, denied; or killed where it runs.
  kQuarantined,       // Sealed in the vault, its name is gone.
  kQuarantineFailed,  // Should have been isolated and could not be.
  kRemoved,           // Deleted for good, from the vault or from its place.
  kRestored,          // Given back from the vault.
  kAllowed,           // Found again, and allowed by an administrator.
  kNotFound,          // Gone before it could be isolated.
};

inline constexpr std::array<std::string_view, 8> kThreatStatusWords = {
    "detected", "blocked",  "quarantined", "quarantine_failed",
    "removed",  "restored", "allowed",     "not_found"};

[[nodiscard]] constexpr std::string_view ThreatStatusWord(ThreatStatus status) {
  return kThreatStatusWords.at(static_cast<size_t>(status));
}

[[nodiscard]] constexpr std::optional<ThreatStatus> ThreatStatusOf(
    std::string_view word) {
  for (size_t i = 0; i < kThreatStatusWords.size(); ++i) {
    if (kThreatStatusWords[i] == word) return static_cast<ThreatStatus>(i);
  }
  return std::nullopt;
}

struct StatusChange {
  int64_t time_ms = 0;  // Wall clock, milliseconds since 1970.
  ThreatStatus status = ThreatStatus::kDetected;
  std::string detail;  // Why, in words; may be empty.
};

// One malicious file. Several detections of one file are one threat; equal
// content in different files is several.
struct Threat {
  std::string id;    // UUID, lower case, with dashes; the vault object's too.
  std::string name;  // "Virus:DOS/EICAR_Test_File"
  std::string type;  // "virus"
  std::string path;  // Bytes, as found. Display text, never identity.
  uint32_t owner_uid = 0;
  uint64_t file_bytes = 0;
  std::string sha256;   // 64 hex digits; empty if never read as a whole.
  std::string scan_id;  // The on-demand scan that found it; empty: real time.
  // Was its name gone within the deadline of the event that found it? Empty
  // when it was not isolated.
  std::optional<bool> isolated_in_time;
  // Of a file that was closed, which has no deadline: how long after that its
  // name was gone.
  std::optional<uint64_t> isolated_after_ms;
  std::vector<StatusChange> history;  // Oldest first; never empty.

  ThreatStatus status() const { return history.back().status; }
};

}  // namespace gatehouse
