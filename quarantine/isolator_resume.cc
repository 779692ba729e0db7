// What the isolator does with an object that a dead process left in stage/.
#include <utility>

#include "quarantine/content_digest.h"
#include "quarantine/inode_flags.h"
#include "quarantine/isolator.h"

namespace gatehouse {

// The name it was found by is gone; what is left are other hard links, which
// are judged when somebody opens them.
bool Isolator::HasLostAName(const ObjectHeader& header, const UniqueFd& file) {
  const Result<FileFacts> facts = files_.Identity(file.UnsafeFd());
  return facts && facts->nlink < header.file.nlink;
}

Isolation Isolator::ResumeCaptured(CapturedFile captured) {
  Result<FileFacts> found = area_.Identity(captured);
  if (!found) return LeaveForRecovery(captured.header, found.error().message);
  Result<UniqueFd> opened = area_.Open(captured);
  if (!opened) return LeaveForRecovery(captured.header, opened.error().message);
  captured.captured = std::move(*found);
  captured.file = std::move(*opened);
  // Whoever took its protection away, us or its owner: that may not have been
  // on disk.
  const int fd = captured.file.UnsafeFd();
  const Result<FileFacts> now = files_.Facts(fd);
  if (now) KeepProtection(*now, captured.header.file);
  if ((captured.header.file.inode_flags & kInodeFlagsOfProtection) != 0) {
    const Result<bool> cleared =
        files_.ChangeInodeFlags(fd, kInodeFlagsOfProtection, 0);
    if (!cleared) {
      return LeaveForRecovery(captured.header, cleared.error().message);
    }
  }
  return FinishOrWait(std::move(captured));
}

// The name is gone. Where other names are left, nobody knows whether we removed
// it or its owner did, nor whether the copy was ever compared with the file.
Isolation Isolator::PublishUnlinked(ObjectHeader header, const UniqueFd& file,
                                    size_t others) {
  uint64_t names = 0;
  if (file.valid()) {
    const Result<FileFacts> now = files_.Identity(file.UnsafeFd());
    if (now) names = now->nlink;
  }
  const bool is_twice = others != 0 && header.file.nlink != 0 &&
                        names + others >= header.file.nlink;
  if (is_twice) {
    // Somebody who could not read this object began anew.
    Isolation twice = GiveUp(header, -1, ThreatStatus::kNotFound,
                             "it is in quarantine by another id");
    twice.is_known_otherwise = true;
    return twice;
  }
  Result<UniqueFd> opened{UniqueFd()};
  if (file.valid()) opened = files_.Reopen(file.UnsafeFd());
  if (opened && opened->valid()) {
    const int fd = opened->UnsafeFd();
    const auto digest = DigestOf(files_, fd);
    if (digest && *digest != header.sha256) {
      const std::optional<Acquittal> acquittal = Acquit(fd, false, header);
      if (acquittal) {
        return GiveUp(header, fd, acquittal->status, acquittal->why);
      }
      header.file.size = files_.Identity(fd).value_or(header.file).size;
      Result<ObjectHeader> staged = vault_.StageAgain(header, fd);
      if (staged) header = std::move(*staged);
    }
  }
  const Result<bool> published = vault_.Publish(header.id);
  const ThreatStatus status = header.is_copy ? ThreatStatus::kQuarantineFailed
                                             : ThreatStatus::kQuarantined;
  return {status,
          published ? "" : published.error().message,
          std::move(header),
          {}};
}

Isolation Isolator::Resume(const ObjectHeader& header,
                           Result<UniqueFd> original, size_t others) {
  if (!original && original.error().code != ErrorCode::kNotFound) {
    return LeaveForRecovery(header, original.error().message);
  }
  const UniqueFd file = original ? std::move(*original) : UniqueFd();
  CapturedFile captured;
  captured.header = header;
  captured.base_name = BaseName(header.path);
  Result<UniqueFd> parent = FindParent(files_, header, file.UnsafeFd());
  if (!parent) return LeaveForRecovery(header, parent.error().message);
  captured.parent = std::move(*parent);
  const Result<bool> is_captured = area_.Find(captured);
  if (!is_captured) {
    return LeaveForRecovery(header, is_captured.error().message);
  }
  if (*is_captured) {
    const Result<FileFacts> found = area_.Identity(captured);
    if (found && IsSameFileAfterReboot(*found, header.file)) {
      return ResumeCaptured(std::move(captured));
    }
    // Killed between a wrong capture and its undo.
    const Result<bool> back = area_.PutBack(captured);
    if (!back) return LeaveForRecovery(header, back.error().message);
    area_.RemoveDirectory(captured);
  }
  Result<UniqueFd> opened = Fail(ErrorCode::kNotFound, "");
  if (captured.parent.valid()) {
    opened = OpenSameFile(files_, captured.parent.UnsafeFd(),
                          captured.base_name, header.file);
  }
  if (!opened && opened.error().code != ErrorCode::kNotFound) {
    return LeaveForRecovery(header, opened.error().message);
  }
  if (!opened && (!file.valid() || HasLostAName(header, file))) {
    // Its name may be gone in memory only, and come back with the power. Best
    // effort: it is as good as it was before.
    if (captured.parent.valid()) {
      (void)files_.Sync(captured.parent.UnsafeFd());
    }
    return PublishUnlinked(header, file, others);
  }
  // In its place, or moved by its owner: what was sealed may be out of date.
  if (!opened) opened = files_.Reopen(file.UnsafeFd());
  if (!opened) {
    return GiveUp(header, -1, ThreatStatus::kQuarantineFailed,
                  opened.error().message);
  }
  // The old object stays until then: it is all that tells of the file.
  return IsolateAs(header, true,
                   {opened->UnsafeFd(), header.threat_name, header.scan_id,
                    header.id, false});
}

}  // namespace gatehouse
