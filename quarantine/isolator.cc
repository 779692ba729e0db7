#include "quarantine/isolator.h"

#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "quarantine/content_digest.h"
#include "quarantine/inode_flags.h"
#include "quarantine/threat_id.h"

namespace gatehouse {
namespace {

// A file that is being written all the time is denied until it is closed.
constexpr int kSealsMax = 3;
// Somebody swaps names under our hands; each turn undoes a wrong capture.
constexpr int kCapturesMax = 64;
constexpr std::chrono::seconds kScanLimit{30};

bool IsNotFound(const Error& error) {
  return error.code == ErrorCode::kNotFound;
}

Isolator::Judge JudgeWith(std::unique_ptr<Scanner> scanner) {
  // Shared only because a std::function can be copied; it never is.
  return [scanner = std::shared_ptr<Scanner>(std::move(scanner))](
             int fd, const ScanLimits& limits) {
    return scanner->Scan(fd, limits);
  };
}

void SetPlace(const FilePlace& place, ObjectHeader& header) {
  header.path = place.path;
  header.parent_path = place.parent_path;
  header.parent_handle = place.parent_facts.handle;
  header.parent_handle_type = place.parent_facts.handle_type;
}

}  // namespace

Isolator::Isolator(Vault& vault, Judge judge, const ThreatRules* rules)
    : vault_(vault),
      files_(vault.files()),
      area_(vault),
      judge_(std::move(judge)),
      rules_(rules) {}

Isolator::Isolator(Vault& vault, std::unique_ptr<Scanner> scanner,
                   const ThreatRules* rules)
    : Isolator(vault, JudgeWith(std::move(scanner)), rules) {}

// --- Seal -------------------------------------------------------------------

// Protection is taken away before a capture: who looks again after that, or
// after a dead process did it, no longer sees what the file had.
void Isolator::KeepProtection(const FileFacts& before, FileFacts& now) {
  now.inode_flags |= before.inode_flags & kInodeFlagsOfProtection;
}

Isolation Isolator::Isolate(const Hit& hit) {
  if (!hit.threat_id.empty() && vault_.IsStaged(hit.threat_id)) {
    // It was begun and could not be finished, for a reason that may be gone.
    const Result<ObjectHeader> begun = vault_.Header(hit.threat_id);
    Result<UniqueFd> file = files_.Duplicate(hit.unsafe_fd);
    if (begun && file) return Resume(*begun, std::move(*file));
    // Not as another one: this one may have been captured.
    ObjectHeader header;
    header.id = hit.threat_id;
    header.threat_name = hit.threat_name;
    header.file = files_.Identity(hit.unsafe_fd).value_or(FileFacts());
    header.path = files_.PathOf(hit.unsafe_fd).value_or("");
    return LeaveForRecovery(header,
                            (begun ? file.error() : begun.error()).message);
  }
  std::optional<Isolation> from_copy = FromCopy(hit);
  if (from_copy) return std::move(*from_copy);
  ObjectHeader begun;
  const bool is_new = hit.threat_id.empty() || vault_.Contains(hit.threat_id);
  begun.id = is_new ? NewThreatId() : hit.threat_id;
  return IsolateAs(begun, false, hit);
}

Isolation Isolator::IsolateAs(const ObjectHeader& begun, bool is_staged,
                              const Hit& hit) {
  const std::string& id = begun.id;
  ObjectHeader header;
  header.id = id;
  header.time_ms = WallClockMilliseconds();
  header.threat_name = hit.threat_name;
  header.scan_id = hit.scan_id;
  Result<FileFacts> facts = files_.Facts(hit.unsafe_fd);
  if (!facts) {
    // The record needs to know at least where it is, and whose.
    header.file = files_.Identity(hit.unsafe_fd).value_or(begun.file);
    KeepProtection(begun.file, header.file);
    header.path = files_.PathOf(hit.unsafe_fd).value_or(begun.path);
    const std::string& why = facts.error().message;
    if (is_staged) {
      return GiveUp(header, hit.unsafe_fd, ThreatStatus::kQuarantineFailed,
                    why);
    }
    return {ThreatStatus::kQuarantineFailed, why, header, {}};
  }
  header.file = std::move(*facts);
  KeepProtection(begun.file, header.file);
  header.path = files_.PathOf(hit.unsafe_fd).value_or(begun.path);
  std::optional<Isolation> unfit = RefuseUnfit(hit.unsafe_fd, header);
  if (unfit) {
    if (!is_staged) return std::move(*unfit);
    return GiveUp(header, hit.unsafe_fd, unfit->status, unfit->detail);
  }
  if (header.file.nlink == 0) return SealDeleted(hit, std::move(header));
  return SealAndCapture(hit, std::move(header), is_staged);
}

std::optional<Isolation> Isolator::RefuseUnfit(int fd,
                                               const ObjectHeader& header) {
  const auto refuse = [&header](ThreatStatus status, const char* why) {
    return Isolation{status, why, header, {}};
  };
  if (!S_ISREG(header.file.mode)) {
    return refuse(ThreatStatus::kBlocked, "it is not a regular file");
  }
  if (files_.MayHang(fd)) {
    return refuse(ThreatStatus::kBlocked,
                  "its file system has a server that may hang");
  }
  if (DataBytes(files_, fd, header.file.size, kFileBytesMax) > kFileBytesMax) {
    return refuse(ThreatStatus::kBlocked,
                  "it has more data than what the vault takes (2 GiB)");
  }
  return std::nullopt;
}

// Somebody has it open, and no name leads to it: there is nothing to remove.
// `header` may be of an object that is staged already.
Isolation Isolator::SealDeleted(const Hit& hit, ObjectHeader header) {
  const std::optional<Acquittal> acquittal =
      Acquit(hit.unsafe_fd, hit.is_forced, header);
  if (acquittal) {
    return GiveUp(header, hit.unsafe_fd, acquittal->status, acquittal->why);
  }
  SetDeletedPlace(header);
  const int fd = hit.unsafe_fd;
  Result<ObjectHeader> staged = Fail(ErrorCode::kOperational, "");
  // Whoever has it open may write it.
  for (int i = 0; i < kSealsMax; ++i) {
    staged = vault_.IsStaged(header.id) ? vault_.StageAgain(header, fd)
                                        : vault_.Stage(header, fd);
    const Result<FileFacts> now = files_.Identity(fd);
    if (!now) break;
    if (staged && HoldsWhatWasSealed(fd, *staged, *now)) break;
    header.file.size = now->size;
    if (staged) staged = Fail(ErrorCode::kOperational, "it is being written");
  }
  Result<bool> done = true;
  if (staged) done = vault_.Publish(header.id);
  if (!staged || !done) {
    return GiveUp(header, hit.unsafe_fd, ThreatStatus::kNotFound,
                  "it was deleted before it could be isolated; no copy could "
                  "be kept: " +
                      (staged ? done.error() : staged.error()).message);
  }
  return {ThreatStatus::kRemoved,
          "it was deleted before it could be isolated; a sealed copy was kept",
          *staged,
          {}};
}

// The kernel marks the path of a file without a name.
void Isolator::SetDeletedPlace(ObjectHeader& header) {
  constexpr std::string_view kMark = " (deleted)";
  if (header.path.ends_with(kMark)) {
    header.path.resize(header.path.size() - kMark.size());
  }
  header.parent_path = DirectoryName(header.path);
  const Result<UniqueFd> parent = files_.OpenDirectory(header.parent_path);
  if (!parent) return;
  const Result<FileFacts> facts = files_.Identity(parent->UnsafeFd());
  if (!facts) return;
  header.parent_handle = facts->handle;
  header.parent_handle_type = facts->handle_type;
}

// The scan that found it may have seen other bytes than we seal. A scan that
// does not come to a verdict does not acquit.
std::optional<Isolator::Acquittal> Isolator::Acquit(int fd, bool is_forced,
                                                    ObjectHeader& header) {
  ScanLimits limits;
  limits.give_up_at = MonotonicClock::now() + kScanLimit;
  limits.wants_sha256 = rules_ != nullptr && rules_->allows_contents().load();
  Verdict verdict = judge_(fd, limits);
  if (rules_ != nullptr && !is_forced) verdict = rules_->Apply(verdict);
  header.signature_generation = verdict.generation;
  if (verdict.kind == VerdictKind::kClean) {
    return Acquittal{ThreatStatus::kDetected,
                     "its content changed and is not malicious any more"};
  }
  if (IsLeftAlone(verdict)) {
    header.threat_name = verdict.threat_name;
    return Acquittal{StatusOfLeftAlone(verdict), WhyLeftAlone(verdict)};
  }
  if (verdict.kind == VerdictKind::kInfected) {
    header.threat_name = verdict.threat_name;
  }
  return std::nullopt;
}

bool Isolator::HoldsWhatWasSealed(int fd, const ObjectHeader& sealed,
                                  const FileFacts& now) {
  if (now.size != sealed.file.size) return false;
  const auto digest = DigestOf(files_, fd);
  return digest && *digest == sealed.sha256;
}

Isolation Isolator::SealAndCapture(const Hit& hit, ObjectHeader header,
                                   bool is_staged) {
  const int fd = hit.unsafe_fd;
  const auto leave = [&](ThreatStatus status, std::string detail) {
    if (is_staged) return GiveUp(header, fd, status, std::move(detail));
    return Isolation{status, std::move(detail), header, {}};
  };
  for (int i = 0; i < kSealsMax; ++i) {
    const std::optional<Acquittal> acquittal =
        Acquit(fd, hit.is_forced, header);
    if (acquittal) return leave(acquittal->status, acquittal->why);
    Result<FilePlace> place = FindPlace(files_, fd, header.file);
    if (!place) {
      if (!IsNotFound(place.error())) {
        return leave(ThreatStatus::kQuarantineFailed, place.error().message);
      }
      header.file.nlink = 0;
      return SealDeleted(hit, std::move(header));
    }
    if (area_.IsInStage(*place)) {
      return LeaveForRecovery(header, "it was captured before");
    }
    SetPlace(*place, header);
    if (files_.IsReadOnly(place->parent.UnsafeFd())) {
      return KeepCopy(fd, std::move(header), is_staged);
    }
    const Result<ObjectHeader> staged =
        is_staged ? vault_.StageAgain(header, fd) : vault_.Stage(header, fd);
    is_staged = is_staged || staged;
    Result<FileFacts> now = files_.Facts(fd);
    // A new name moves the change time, too: no reason to begin again.
    const bool changed = now && !IsUnchanged(header.file, *now) &&
                         !(staged && HoldsWhatWasSealed(fd, *staged, *now));
    if (staged && now && !changed) {
      return Capture(hit, *staged, std::move(*place));
    }
    if (!now || (!staged && !changed)) {
      return leave(ThreatStatus::kQuarantineFailed,
                   now ? staged.error().message : now.error().message);
    }
    KeepProtection(header.file, *now);
    header.file = *now;
  }
  return leave(ThreatStatus::kBlocked,
               "somebody is writing it; it will be isolated when he closes it");
}

// --- Capture, verify, undo --------------------------------------------------

// The staged object gets the directory that the file is in now.
Result<bool> Isolator::StageMoved(int fd, const FilePlace& place,
                                  ObjectHeader& header) {
  const bool is_there = place.parent_facts.handle == header.parent_handle &&
                        place.path == header.path;
  if (is_there) return true;
  SetPlace(place, header);
  Result<ObjectHeader> staged = vault_.StageAgain(header, fd);
  if (!staged) return Unexpected(staged.error());
  header = std::move(*staged);
  return true;
}

Isolation Isolator::Capture(const Hit& hit, ObjectHeader header,
                            FilePlace place) {
  Error last{ErrorCode::kOperational, "its name kept changing"};
  CapturedFile captured;
  captured.is_forced = hit.is_forced;
  for (int i = 0; i < kCapturesMax; ++i) {
    if (i != 0) {
      Result<FilePlace> again = FindPlace(files_, hit.unsafe_fd, header.file);
      if (!again) {
        last = again.error();
        if (IsNotFound(last)) break;
        continue;
      }
      place = std::move(*again);
      // Recovery looks for what is captured where the object says.
      const Result<bool> moved = StageMoved(hit.unsafe_fd, place, header);
      if (!moved) {
        last = moved.error();
        break;
      }
    }
    captured.header = header;
    captured.parent = std::move(place.parent);
    captured.base_name = place.base_name;
    Result<bool> done = area_.Prepare(captured);
    if (!done) {
      last = done.error();
      break;
    }
    done = CaptureOnce(hit, captured);
    if (done && *done) return FinishOrWait(std::move(captured));
    if (!done) last = done.error();
    if (area_.Holds(captured)) {
      return LeaveForRecovery(header, last.message);
    }
    if (!done && !IsNotFound(last)) break;
  }
  area_.RemoveDirectory(captured);
  // That a name is gone does not say that the file is.
  const Result<FileFacts> now = files_.Identity(hit.unsafe_fd);
  if (now && now->nlink == 0) {
    ObjectHeader deleted = header;
    deleted.file.nlink = 0;
    return SealDeleted(hit, std::move(deleted));
  }
  return GiveUp(header, hit.unsafe_fd, ThreatStatus::kQuarantineFailed,
                last.message);
}

// False: somebody else's file was there, and has been put back.
Result<bool> Isolator::CaptureOnce(const Hit& hit, CapturedFile& captured) {
  Result<UniqueFd> file = files_.Duplicate(hit.unsafe_fd);
  if (!file) return Unexpected(file.error());
  captured.file = std::move(*file);
  const FileFacts& wanted = captured.header.file;
  if ((wanted.inode_flags & kInodeFlagsOfProtection) != 0) {
    Result<bool> cleared =
        files_.ChangeInodeFlags(hit.unsafe_fd, kInodeFlagsOfProtection, 0);
    if (!cleared) return cleared;
  }
  const int directory = area_.DirectoryFd(captured);
  const std::string name = CaptureArea::NameOf(captured);
  Result<bool> renamed = files_.Rename(captured.parent.UnsafeFd(),
                                       captured.base_name, directory, name);
  if (!renamed) return renamed;
  const Result<FileFacts> found = area_.Identity(captured);
  if (found && IsSameFile(*found, wanted)) {
    captured.captured = *found;
    return true;
  }
  const Result<bool> back = area_.PutBack(captured);
  if (!back) return back;
  return false;
}

// What was taken away for the capture. If it cannot be given back, the record
// of the threat is all that says so.
void Isolator::Protect(int fd, const ObjectHeader& header) {
  const uint32_t flags = header.file.inode_flags & kInodeFlagsOfProtection;
  if (flags != 0 && fd >= 0)
    (void)files_.ChangeInodeFlags(fd, kInodeFlagsOfProtection, flags);
}

Isolation Isolator::GiveUp(const ObjectHeader& header, int fd,
                           ThreatStatus status, std::string detail) {
  Protect(fd, header);
  (void)vault_.DropStaged(header.id);
  return {status, std::move(detail), header, {}};
}

// A captured file that cannot be dealt with: the staged object stays, and the
// next start tries again.
Isolation Isolator::LeaveForRecovery(const ObjectHeader& header,
                                     const std::string& why) {
  return {
      ThreatStatus::kQuarantineFailed,
      "it is in the vault's hands, but unfinished until the next start: " + why,
      header,
      {}};
}

Isolation Isolator::Undo(const CapturedFile& captured, ThreatStatus status,
                         std::string detail) {
  const Result<bool> back = area_.PutBack(captured);
  if (!back) {
    return LeaveForRecovery(captured.header,
                            detail + "; " + back.error().message);
  }
  area_.RemoveDirectory(captured);
  return GiveUp(captured.header, captured.file.UnsafeFd(), status,
                std::move(detail));
}

// --- Unlink -----------------------------------------------------------------

Isolation Isolator::FinishOrWait(CapturedFile captured) {
  std::optional<Isolation> finished = Finish(captured, false);
  if (finished) return std::move(*finished);
  ObjectHeader header = captured.header;
  return {ThreatStatus::kQuarantined, "somebody still has it open",
          std::move(header), std::move(captured)};
}

std::optional<Isolation> Isolator::Finish(CapturedFile& captured,
                                          bool is_last_call) {
  const Result<bool> in_use = files_.IsOpenElsewhere(captured.file.UnsafeFd());
  if (in_use && *in_use && !is_last_call) return std::nullopt;
  std::optional<Isolation> ended = SealAgainIfChanged(captured);
  if (ended) return ended;
  return Unlink(captured);
}

// Empty: the sealed copy is what the file holds. Times do not say so: what is
// written through a mapping leaves no trace in them.
std::optional<Isolation> Isolator::SealAgainIfChanged(CapturedFile& captured) {
  const int fd = captured.file.UnsafeFd();
  Result<FileFacts> now = files_.Facts(fd);
  // The capture itself changed the change time.
  FileFacts sealed = captured.header.file;
  sealed.ctime = captured.captured.ctime;
  if (!now) {
    return Undo(captured, ThreatStatus::kQuarantineFailed, now.error().message);
  }
  const bool is_unchanged = IsUnchanged(sealed, *now);
  if (is_unchanged && HoldsWhatWasSealed(fd, captured.header, *now)) {
    return std::nullopt;
  }
  // Whoever has it open, or opens another name of it, may write it meanwhile;
  // he does not keep us from an end.
  for (int i = 0; i < kSealsMax; ++i) {
    const std::optional<Acquittal> acquittal =
        Acquit(fd, captured.is_forced, captured.header);
    if (acquittal) {
      return Undo(captured, acquittal->status,
                  acquittal->why + "; it was put back");
    }
    KeepProtection(captured.header.file, *now);
    captured.header.file = *now;
    Result<ObjectHeader> sealed_again = vault_.StageAgain(captured.header, fd);
    if (sealed_again) captured.header = std::move(*sealed_again);
    now = files_.Facts(fd);
    if (sealed_again && now && HoldsWhatWasSealed(fd, captured.header, *now)) {
      break;
    }
    const bool is_last = i + 1 == kSealsMax;
    if (!now || (!sealed_again && is_last)) {
      return Undo(captured, ThreatStatus::kQuarantineFailed,
                  (now ? sealed_again.error() : now.error()).message);
    }
  }
  return std::nullopt;
}

Isolation Isolator::Unlink(CapturedFile& captured) {
  const int directory = area_.DirectoryFd(captured);
  Result<bool> done = files_.Unlink(directory, CaptureArea::NameOf(captured));
  if (!done) {
    return Undo(captured, ThreatStatus::kQuarantineFailed,
                done.error().message);
  }
  done = files_.Sync(directory);
  area_.RemoveDirectory(captured);
  (void)files_.Sync(captured.parent.UnsafeFd());
  // If one of them fails, recovery finds the original gone and tries again.
  if (done) done = vault_.Publish(captured.header.id);
  return {ThreatStatus::kQuarantined,
          done ? "" : done.error().message,
          captured.header,
          {}};
}

}  // namespace gatehouse
