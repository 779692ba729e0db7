// Verdict: the answer to "is this file malicious?".
//
// Thread-compatible plain value; owns its text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse {

// Only kClean means that every byte was looked at and nothing was found. A
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
  kTimeLimit,             // Longer than ScanLimits::give_up_at allowed.
  kCancelled,             // The caller asked to stop.
  kDeadline,              // The AUTH deadline came before the verdict.
  kScanCrashed,           // This content killed the scanner twice.
  kNoWorker,              // No worker process was there to judge.
  kRestored,              // Malicious, and an administrator restored it.
  kRemoteFileSystem,      // A server that may hang would hold us up.
  kExcluded,              // By an administrator.
};
inline constexpr size_t kNotScannedReasonCount = 14;

// The word for output and counters: "time_limit".
[[nodiscard]] std::string_view ReasonWord(NotScannedReason reason);
// "clean", "infected", "suspicious", "not_scanned", "error".
[[nodiscard]] std::string_view VerdictWord(VerdictKind kind);

// The text before ':' in a threat name, lower-cased, else "malware".
[[nodiscard]] std::string ThreatType(std::string_view threat_name);

struct Verdict {
  VerdictKind kind = VerdictKind::kError;
  NotScannedReason reason = NotScannedReason::kNone;
  int error_number = 0;        // errno, only with kError.
  uint64_t bytes_scanned = 0;  // Bytes read and matched.
  uint64_t generation = 0;     // Of the SignatureSet that judged.
  std::string threat_name;     // Only with kInfected and kSuspicious.

  static Verdict NotScanned(NotScannedReason reason);
  static Verdict Infected(std::string threat_name);
  static Verdict FromErrno(int error_number);
};

}  // namespace gatehouse
