#include "engine/verdict.h"

#include <cassert>
#include <utility>

namespace gatehouse {
namespace {

constexpr std::string_view kUnofficial = ".UNOFFICIAL";

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

std::string_view ReasonWord(NotScannedReason reason) {
  switch (reason) {
    case NotScannedReason::kNone:
      return "none";
    case NotScannedReason::kNotRegularFile:
      return "not_regular_file";
    case NotScannedReason::kPseudoFileSystem:
      return "pseudo_file_system";
    case NotScannedReason::kVanished:
      return "vanished";
    case NotScannedReason::kChangedWhileScanning:
      return "changed_while_scanning";
    case NotScannedReason::kSizeLimit:
      return "size_limit";
    case NotScannedReason::kWorkLimit:
      return "work_limit";
    case NotScannedReason::kTimeLimit:
      return "time_limit";
    case NotScannedReason::kCancelled:
      return "cancelled";
    case NotScannedReason::kDeadline:
      return "deadline";
    case NotScannedReason::kScanCrashed:
      return "scan_crashed";
    case NotScannedReason::kNoWorker:
      return "no_worker";
    case NotScannedReason::kRestored:
      return "restored";
    case NotScannedReason::kRemoteFileSystem:
      return "remote_file_system";
    case NotScannedReason::kExcluded:
      return "excluded";
    case NotScannedReason::kAllowedThreat:
      return "allowed_threat";
    case NotScannedReason::kAuditedThreat:
      return "audited_threat";
    case NotScannedReason::kThreatTypeOff:
      return "threat_type_off";
  }
  return "unknown";
}

std::string_view VerdictWord(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kClean:
      return "clean";
    case VerdictKind::kInfected:
      return "infected";
    case VerdictKind::kSuspicious:
      return "suspicious";
    case VerdictKind::kNotScanned:
      return "not_scanned";
    case VerdictKind::kError:
      return "error";
  }
  return "unknown";
}

std::string ThreatType(std::string_view threat_name) {
  const std::string word =
      LowerCase(threat_name.substr(0, threat_name.find_first_of(".:/")));
  const bool has_colon =
      threat_name.size() > word.size() && threat_name.at(word.size()) == ':';
  // "PUABundler:Win32/X" is one; "Puaro.A" is not.
  if (word == "pua" || (has_colon && threat_name.starts_with("PUA"))) {
    return std::string(kUnwantedType);
  }
  if (word == "archivebomb" || word == kArchiveBombType) {
    return std::string(kArchiveBombType);
  }
  const size_t colon = threat_name.find(':');
  if (colon == std::string_view::npos || colon == 0) return "malware";
  return LowerCase(threat_name.substr(0, colon));
}

std::string_view CanonicalThreatName(std::string_view name) {
  // A name that is nothing else stays what it is.
  if (name.size() > kUnofficial.size() && name.ends_with(kUnofficial)) {
    name.remove_suffix(kUnofficial.size());
  }
  return name;
}

Verdict Verdict::NotScanned(NotScannedReason reason) {
  assert(reason != NotScannedReason::kNone);
  Verdict verdict;
  verdict.kind = VerdictKind::kNotScanned;
  verdict.reason = reason;
  return verdict;
}

Verdict Verdict::Infected(std::string threat_name) {
  assert(!threat_name.empty());
  Verdict verdict;
  verdict.kind = VerdictKind::kInfected;
  verdict.threat_name = std::move(threat_name);
  return verdict;
}

Verdict Verdict::FromErrno(int error_number) {
  assert(error_number != 0);
  Verdict verdict;
  verdict.kind = VerdictKind::kError;
  verdict.error_number = error_number;
  return verdict;
}

}  // namespace gatehouse
