#include "quarantine/isolator.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/display_text.h"
#include "quarantine/file_place.h"

namespace gatehouse {
namespace {

// A file that is being written all the time is denied until it is closed.
constexpr int kSealsMax = 3;
// Somebody swaps names under our hands; each turn undoes a wrong capture.
constexpr int kCapturesMax = 64;
constexpr std::chrono::seconds kScanLimit{30};
constexpr uint32_t kProtectedFlags = 0x10 | 0x20;  // FS_IMMUTABLE, FS_APPEND.
constexpr const char* kCapturedName = "captured";

std::string CaptureDirectoryName(const std::string& id) {
  return ".gatehouse-" + id;
}

bool IsOursAlone(const FileFacts& directory) {
  return directory.uid == ::geteuid() && (directory.mode & 077U) == 0;
}

// Another inode is another file even if it is a copy.
FileFacts ParentFacts(const ObjectHeader& header) {
  FileFacts facts;
  facts.dev = header.file.dev;
  facts.handle_type = header.parent_handle_type;
  facts.handle = header.parent_handle;
  return facts;
}

bool IsNotFound(const Error& error) {
  return error.code == ErrorCode::kNotFound;
}

}  // namespace

std::string NewThreatId() {
  std::array<uint8_t, 16> bytes = {};
  // Cannot fail for so few bytes once the kernel has started.
  (void)!::getrandom(bytes.data(), bytes.size(), 0);
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3fU) | 0x80U);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes.at(i) >> 4U];
    text += kDigits[bytes.at(i) & 0x0fU];
  }
  return text;
}

Isolator::Isolator(Vault& vault, std::unique_ptr<Scanner> scanner)
    : vault_(vault), files_(vault.files()), scanner_(std::move(scanner)) {}

// --- Seal -------------------------------------------------------------------

Isolation Isolator::Isolate(const Hit& hit) {
  ObjectHeader header;
  header.id = NewThreatId();
  header.time_ms = WallClockMilliseconds();
  header.threat_name = hit.threat_name;
  header.scan_id = hit.scan_id;
  Result<FileFacts> facts = files_.Facts(hit.unsafe_fd);
  if (!facts) {
    return {ThreatStatus::kQuarantineFailed, facts.error().message, header, {}};
  }
  header.file = std::move(*facts);
  header.path = files_.PathOf(hit.unsafe_fd).value_or("");
  std::optional<Isolation> unfit = RefuseUnfit(hit.unsafe_fd, header);
  if (unfit) return std::move(*unfit);
  return SealAndCapture(hit, std::move(header));
}

std::optional<Isolation> Isolator::RefuseUnfit(int fd,
                                               const ObjectHeader& header) {
  const auto refuse = [&header](ThreatStatus status, const char* why) {
    return Isolation{status, why, header, {}};
  };
  if (header.file.nlink == 0) {
    return refuse(ThreatStatus::kNotFound,
                  "it was deleted before it could be isolated");
  }
  if (!S_ISREG(header.file.mode)) {
    return refuse(ThreatStatus::kBlocked, "it is not a regular file");
  }
  if (files_.MayHang(fd)) {
    return refuse(ThreatStatus::kBlocked,
                  "its file system has a server that may hang");
  }
  if (header.file.size > kFileBytesMax) {
    return refuse(ThreatStatus::kBlocked,
                  "it is larger than what the vault takes (2 GiB)");
  }
  return std::nullopt;
}

// The scan that found it may have seen other bytes than we seal. A scan that
// does not come to a verdict does not acquit.
bool Isolator::IsStillMalicious(int fd, ObjectHeader& header) {
  ScanLimits limits;
  limits.give_up_at = MonotonicClock::now() + kScanLimit;
  const Verdict verdict = scanner_->Scan(fd, limits);
  header.signature_generation = verdict.generation;
  if (verdict.kind == VerdictKind::kInfected) {
    header.threat_name = verdict.threat_name;
  }
  return verdict.kind != VerdictKind::kClean;
}

Isolation Isolator::SealAndCapture(const Hit& hit, ObjectHeader header) {
  const int fd = hit.unsafe_fd;
  for (int i = 0; i < kSealsMax; ++i) {
    if (!IsStillMalicious(fd, header)) {
      return {ThreatStatus::kDetected,
              "its content changed and is not malicious any more",
              std::move(header),
              {}};
    }
    Result<FilePlace> place = FindPlace(files_, fd, header.file);
    if (!place) {
      const bool gone = IsNotFound(place.error());
      return {gone ? ThreatStatus::kNotFound : ThreatStatus::kQuarantineFailed,
              place.error().message,
              std::move(header),
              {}};
    }
    header.path = place->path;
    header.parent_path = place->parent_path;
    header.parent_handle = place->parent_facts.handle;
    header.parent_handle_type = place->parent_facts.handle_type;
    const Result<ObjectHeader> staged = vault_.Stage(header, fd);
    const Result<FileFacts> now = files_.Facts(fd);
    const bool changed = now && !IsUnchanged(header.file, *now);
    if (staged && now && !changed) {
      return Capture(hit, *staged, std::move(*place));
    }
    if (staged) (void)vault_.DropStaged(header.id);
    if (!now || (!staged && !changed)) {
      return {ThreatStatus::kQuarantineFailed,
              now ? staged.error().message : now.error().message,
              std::move(header),
              {}};
    }
    header.file = *now;
  }
  return {ThreatStatus::kBlocked,
          "somebody is writing it; it will be isolated when he closes it",
          std::move(header),
          {}};
}

// --- Capture, verify, undo --------------------------------------------------

int Isolator::DirectoryFd(const CapturedFile& captured) const {
  return captured.directory.valid() ? captured.directory.UnsafeFd()
                                    : vault_.UnsafeStageFd();
}

std::string Isolator::NameOf(const CapturedFile& captured) {
  return captured.directory.valid() ? kCapturedName : captured.header.id + ".c";
}

// Not valid when the file can go to our stage: only a rename within one mount
// is a rename of the very same inode.
Result<UniqueFd> Isolator::CaptureDirectory(int parent, const std::string& id) {
  if (files_.IsOnSameMount(parent, vault_.UnsafeStageFd())) return UniqueFd();
  const std::string name = CaptureDirectoryName(id);
  const Result<bool> made = files_.MakeDirectory(parent, name);
  if (!made && made.error().error_number != EEXIST) {
    return Unexpected(made.error());
  }
  Result<UniqueFd> directory = files_.OpenDirectoryIn(parent, name);
  if (!directory) return directory;
  // Whoever may write to the parent may have put another one here.
  const Result<FileFacts> facts = files_.Identity(directory->UnsafeFd());
  if (!facts || !IsOursAlone(*facts)) {
    return Fail(ErrorCode::kNotPermitted,
                "the directory for its capture was exchanged");
  }
  return directory;
}

Isolation Isolator::Capture(const Hit& hit, const ObjectHeader& header,
                            FilePlace place) {
  Error last{ErrorCode::kOperational, "its name kept changing"};
  for (int i = 0; i < kCapturesMax; ++i) {
    if (i != 0) {
      Result<FilePlace> again = FindPlace(files_, hit.unsafe_fd, header.file);
      if (!again) {
        last = again.error();
        if (IsNotFound(last)) break;
        continue;
      }
      place = std::move(*again);
    }
    Result<UniqueFd> directory =
        CaptureDirectory(place.parent.UnsafeFd(), header.id);
    if (!directory) {
      return GiveUp(header, ThreatStatus::kQuarantineFailed,
                    directory.error().message);
    }
    CapturedFile captured;
    captured.header = header;
    captured.parent = std::move(place.parent);
    captured.directory = std::move(*directory);
    captured.base_name = place.base_name;
    Result<bool> done = CaptureOnce(hit, captured);
    if (done && *done) return FinishOrWait(std::move(captured));
    RemoveCaptureDirectory(captured);
    if (!done) last = done.error();
    if (!done && !IsNotFound(last)) break;
  }
  return GiveUp(header,
                IsNotFound(last) ? ThreatStatus::kNotFound
                                 : ThreatStatus::kQuarantineFailed,
                last.message);
}

// False: somebody else's file was there, and has been put back.
Result<bool> Isolator::CaptureOnce(const Hit& hit, CapturedFile& captured) {
  Result<UniqueFd> file = Duplicate(hit.unsafe_fd);
  if (!file) return Unexpected(file.error());
  captured.file = std::move(*file);
  const FileFacts& wanted = captured.header.file;
  if ((wanted.inode_flags & kProtectedFlags) != 0) {
    Result<bool> cleared = files_.ClearProtection(hit.unsafe_fd);
    if (!cleared) return cleared;
  }
  const int directory = DirectoryFd(captured);
  const std::string name = NameOf(captured);
  Result<bool> renamed = files_.Rename(captured.parent.UnsafeFd(),
                                       captured.base_name, directory, name);
  if (!renamed) return renamed;
  const Result<FileFacts> found = files_.IdentityIn(directory, name);
  if (found && IsSameFile(*found, wanted)) {
    captured.captured = *found;
    return true;
  }
  PutBack(captured);
  return false;
}

// The name may have been taken meanwhile; nothing is overwritten.
void Isolator::PutBack(const CapturedFile& captured) {
  const int directory = DirectoryFd(captured);
  const int parent = captured.parent.UnsafeFd();
  Result<bool> done =
      files_.Rename(directory, NameOf(captured), parent, captured.base_name);
  if (!done && done.error().error_number == EEXIST) {
    done =
        files_.Rename(directory, NameOf(captured), parent,
                      captured.base_name + ".restored-" + captured.header.id);
  }
  (void)files_.Sync(parent);
}

void Isolator::RemoveCaptureDirectory(const CapturedFile& captured) {
  if (!captured.directory.valid()) return;
  // Not ours to force: somebody may have moved something in.
  (void)files_.RemoveDirectory(captured.parent.UnsafeFd(),
                               CaptureDirectoryName(captured.header.id));
}

Isolation Isolator::GiveUp(const ObjectHeader& header, ThreatStatus status,
                           std::string detail) {
  (void)vault_.DropStaged(header.id);
  return {status, std::move(detail), header, {}};
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

// Empty: the sealed copy is what the file holds.
std::optional<Isolation> Isolator::SealAgainIfChanged(CapturedFile& captured) {
  const int fd = captured.file.UnsafeFd();
  Result<FileFacts> now = files_.Facts(fd);
  // The capture itself changed the change time.
  FileFacts sealed = captured.header.file;
  sealed.ctime = captured.captured.ctime;
  if (now && IsUnchanged(sealed, *now)) return std::nullopt;
  const auto undo = [&](ThreatStatus status, std::string detail) {
    PutBack(captured);
    RemoveCaptureDirectory(captured);
    return GiveUp(captured.header, status, std::move(detail));
  };
  if (!now) return undo(ThreatStatus::kQuarantineFailed, now.error().message);
  if (!IsStillMalicious(fd, captured.header)) {
    return undo(ThreatStatus::kDetected,
                "its writer made it harmless; it was put back");
  }
  captured.header.file = *now;
  Result<ObjectHeader> sealed_again = vault_.StageAgain(captured.header, fd);
  if (!sealed_again) {
    return undo(ThreatStatus::kQuarantineFailed, sealed_again.error().message);
  }
  captured.header = std::move(*sealed_again);
  return std::nullopt;
}

Isolation Isolator::Unlink(CapturedFile& captured) {
  const int directory = DirectoryFd(captured);
  Result<bool> done = files_.Unlink(directory, NameOf(captured));
  if (!done) {
    PutBack(captured);
    RemoveCaptureDirectory(captured);
    return GiveUp(captured.header, ThreatStatus::kQuarantineFailed,
                  done.error().message);
  }
  (void)files_.Sync(directory);
  RemoveCaptureDirectory(captured);
  (void)files_.Sync(captured.parent.UnsafeFd());
  // If this fails, recovery finds the original gone and tries again.
  done = vault_.Publish(captured.header.id);
  return {ThreatStatus::kQuarantined,
          done ? "" : done.error().message,
          captured.header,
          {}};
}

// --- Recovery ---------------------------------------------------------------

// Where a dead process left the file, or what it took for it.
std::optional<CapturedFile> Isolator::FindCaptured(const ObjectHeader& header,
                                                   const UniqueFd& file) {
  CapturedFile captured;
  captured.header = header;
  captured.base_name = BaseName(header.path);
  Result<UniqueFd> parent = files_.OpenDirectory(header.parent_path);
  Result<FileFacts> facts = Fail(ErrorCode::kNotFound, "");
  if (parent) facts = files_.Identity(parent->UnsafeFd());
  if (!facts || facts->handle != header.parent_handle) {
    parent = files_.OpenByHandle(ParentFacts(header), file.UnsafeFd());
    if (parent) parent = files_.Reopen(parent->UnsafeFd());
  }
  if (!parent) return std::nullopt;
  captured.parent = std::move(*parent);
  if (files_.IdentityIn(vault_.UnsafeStageFd(), NameOf(captured))) {
    return captured;
  }
  Result<UniqueFd> directory = files_.OpenDirectoryIn(
      captured.parent.UnsafeFd(), CaptureDirectoryName(header.id));
  if (!directory && file.valid()) {
    // The directory around a captured file may have been renamed.
    directory = OpenParentOf(files_, file.UnsafeFd());
    const Result<FileFacts> found =
        directory ? files_.Identity(directory->UnsafeFd())
                  : Result<FileFacts>(Unexpected(directory.error()));
    if (!found || !IsOursAlone(*found)) return std::nullopt;
  }
  if (!directory) return std::nullopt;
  captured.directory = std::move(*directory);
  if (files_.IdentityIn(DirectoryFd(captured), kCapturedName)) return captured;
  RemoveCaptureDirectory(captured);
  return std::nullopt;
}

Isolation Isolator::Resume(const ObjectHeader& header, UniqueFd file) {
  std::optional<CapturedFile> captured = FindCaptured(header, file);
  if (captured) {
    const int directory = DirectoryFd(*captured);
    Result<FileFacts> found = files_.IdentityIn(directory, NameOf(*captured));
    Result<UniqueFd> opened = files_.OpenFileIn(directory, NameOf(*captured));
    if (found && opened && IsSameFileAfterReboot(*found, header.file)) {
      captured->captured = std::move(*found);
      captured->file = std::move(*opened);
      return FinishOrWait(std::move(*captured));
    }
    PutBack(*captured);  // Killed between a wrong capture and its undo.
    RemoveCaptureDirectory(*captured);
  }
  if (!file.valid()) {
    const Result<bool> published = vault_.Publish(header.id);
    return {ThreatStatus::kQuarantined,
            published ? "" : published.error().message,
            header,
            {}};
  }
  // In its place, or moved by its owner: what was sealed may be out of date.
  Result<UniqueFd> opened = files_.Reopen(file.UnsafeFd());
  if (!opened) {
    return GiveUp(header, ThreatStatus::kQuarantineFailed,
                  opened.error().message);
  }
  (void)vault_.DropStaged(header.id);
  return Isolate({opened->UnsafeFd(), header.threat_name, header.scan_id});
}

}  // namespace gatehouse
