#include "es_adapter/miss_policy.h"

namespace gatehouse {
namespace {

// As <sys/stat.h> has them; a custody of another system has them, too.
constexpr mode_t kWritableByOthers = 0022;
constexpr int32_t kInit = 1;

bool IsOfUsers(uid_t owner, mode_t mode) {
  return owner != 0 || (mode & kWritableByOthers) != 0;
}

}  // namespace

std::string_view MissProfileWord(MissProfile profile) {
  switch (profile) {
    case MissProfile::kDefault:
      return "default";
    case MissProfile::kStrict:
      return "strict";
  }
  return "";
}

bool IsUserWritable(const FileCustody& custody) {
  if (!custody.is_known) return false;
  return IsOfUsers(custody.owner, custody.mode) || custody.is_on_nosuid_mount ||
         (custody.is_directory_known &&
          IsOfUsers(custody.directory_owner, custody.directory_mode));
}

bool FailsClosed(const HeldSubject& subject,
                 const MissCircumstances& circumstances) {
  return circumstances.profile == MissProfile::kStrict &&
         subject.kind == FileEventKind::kExec && subject.pid != kInit &&
         !circumstances.package_manager_runs && !circumstances.is_degraded &&
         !subject.custody.is_in_system_libraries &&
         IsUserWritable(subject.custody);
}

bool IsMiss(const Verdict& verdict) {
  switch (verdict.kind) {
    case VerdictKind::kClean:
    case VerdictKind::kInfected:
    case VerdictKind::kSuspicious:
      return false;
    case VerdictKind::kError:
      return true;
    case VerdictKind::kNotScanned:
      break;
  }
  switch (verdict.reason) {
    case NotScannedReason::kDeadline:
    case NotScannedReason::kWorkLimit:
    case NotScannedReason::kTimeLimit:
    case NotScannedReason::kSizeLimit:
    case NotScannedReason::kScanCrashed:
    case NotScannedReason::kNoWorker:
    case NotScannedReason::kChangedWhileScanning:
      return true;
    // There is no program to start.
    case NotScannedReason::kNone:
    case NotScannedReason::kNotRegularFile:
    case NotScannedReason::kPseudoFileSystem:
    case NotScannedReason::kVanished:
    case NotScannedReason::kRemoteFileSystem:
    // Decided by others: an administrator, or whoever ends the daemon.
    case NotScannedReason::kCancelled:
    case NotScannedReason::kRestored:
    case NotScannedReason::kExcluded:
    case NotScannedReason::kAllowedThreat:
    case NotScannedReason::kAuditedThreat:
    case NotScannedReason::kThreatTypeOff:
      return false;
  }
  return false;
}

bool MissPolicy::MayFailClosed(FileEventKind kind, int32_t pid, int fd) const {
  const MissProfile profile = settings_.profile.load();
  if (profile != MissProfile::kStrict || kind != FileEventKind::kExec) {
    return false;
  }
  return FailsClosed({kind, pid, CustodyOf(fd, libraries_)},
                     {profile, false, false});
}

bool MissPolicy::MustFailOpen() const {
  return settings_.is_degraded.load() || package_locks_.IsAnyLocked();
}

}  // namespace gatehouse
