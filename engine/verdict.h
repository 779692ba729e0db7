// Verdict: the answer to "is this file malicious?".
//
// Thread-compatible plain value; owns its text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

// Only kClean means that every byte was looked at and nothing was found, or
// that what was found is known to be harmless. A
// scan that hit any limit is kNotScanned, never kClean.
enum class VerdictKind : uint8_t {
  kClean,
  kInfected,
  kSuspicious,
  kNotScanned,
  kError,
};

enum class NotScannedReason : uint8_t {
  kNone,                  // Only with a kind other than kNotScanned.
  kNotRegularFile,        // FIFO, socket, device, symbolic link.
  kPseudoFileSystem,      // /proc, /sys and their like.
  kVanished,              // The name was gone before it could be opened.
  kChangedWhileScanning,  // Its size would not hold still.
  kSizeLimit,             // Longer than ScanLimits::bytes_max.
  kWorkLimit,             // A closer look took more than WorkBudget allows.
  kTimeLimit,             // Longer than ScanLimits::give_up_at allowed.
  kCancelled,             // The caller asked to stop.
  kDeadline,              // The AUTH deadline came before the verdict.
  kScanCrashed,           // This content killed the scanner twice.
  kNoWorker,              // No worker process was there to judge.
  kRestored,              // Malicious, and an administrator restored it.
  kRemoteFileSystem,      // A server that may hang would hold us up.
  kExcluded,              // By an administrator.
  // Malicious, and left alone: its name is allowed, or what is done about
  // threats of its type is to record them, or nothing.
  kAllowedThreat,
  kAuditedThreat,
  kThreatTypeOff,
};
inline constexpr size_t kNotScannedReasonCount = 18;

// The word for output and counters: "time_limit".
[[nodiscard]] std::string_view ReasonWord(NotScannedReason reason);
// "clean", "infected", "suspicious", "not_scanned", "error".
[[nodiscard]] std::string_view VerdictWord(VerdictKind kind);

// The types that an administrator may set an action for.
inline constexpr std::string_view kUnwantedType =
    "potentially_unwanted_application";
inline constexpr std::string_view kArchiveBombType = "archive_bomb";

// The type of a threat, which only its name tells. kUnwantedType for what is
// called PUA (ClamAV: "PUA.Win.Tool.X") or begins so (Microsoft:
// "PUABundler:Win32/X"); kArchiveBombType for "ArchiveBomb" and
// "Archive_Bomb" before a '.' or ':'; else the text before ':', lower-cased;
// without one "malware".
[[nodiscard]] std::string ThreatType(std::string_view threat_name);

// `name` without the .UNOFFICIAL at its end that ClamAV shows behind names of
// signatures that are not its own: with and without, it is one name.
[[nodiscard]] std::string_view CanonicalThreatName(std::string_view name);

struct Verdict {
  VerdictKind kind = VerdictKind::kError;
  NotScannedReason reason = NotScannedReason::kNone;
  int error_number = 0;        // errno, with kError or of an unfinished scan.
  uint64_t bytes_scanned = 0;  // Bytes read and matched.
  uint64_t generation = 0;     // Of the SignatureSet that judged.
  // With kInfected, kSuspicious, and the reasons for leaving a threat alone.
  std::string threat_name;
  // With kClean, whose threat_name then tells what was found: the hash by which
  // the signatures themselves call the file harmless (.fp, .sfp). With
  // kAllowedThreat: the SHA-256 by which an administrator allowed the content;
  // empty if it is the name.
  std::string allowed_by;
  // Only with kInfected, of a Scanner.
  std::vector<std::string> other_names;  // What else matched; no repeats.
  bool knows_all_names = false;          // There are no more than those.
  // What ended the scan after the hit; kNone and no error: nothing did.
  NotScannedReason unfinished = NotScannedReason::kNone;
  // Of the whole content, 64 hex digits; empty: ScanLimits did not want it, or
  // the file could not be read to its end.
  std::string sha256;

  static Verdict NotScanned(NotScannedReason reason);
  static Verdict Infected(std::string threat_name);
  static Verdict FromErrno(int error_number);
};

}  // namespace gatehouse
