// What the isolator does with a file whose name cannot be taken: nothing can be
// changed where it is. It stays there, denied, and the vault keeps a copy.
#include <utility>

#include "quarantine/isolator.h"

namespace gatehouse {
namespace {

constexpr const char* kDetail =
    "its file system is read-only: it is denied where it is, and a sealed copy "
    "is kept";

}  // namespace

Isolation Isolator::KeepCopy(int fd, ObjectHeader header, bool is_staged) {
  header.is_copy = true;
  const Result<ObjectHeader> staged =
      is_staged ? vault_.StageAgain(header, fd) : vault_.Stage(header, fd);
  Result<bool> done = true;
  if (staged) {
    done = vault_.Publish(header.id);
  } else {
    done = Unexpected(staged.error());
  }
  if (!done) {
    return GiveUp(header, fd, ThreatStatus::kQuarantineFailed,
                  "its file system is read-only, and no copy could be kept: " +
                      done.error().message);
  }
  return {ThreatStatus::kQuarantineFailed, kDetail, *staged, {}};
}

// A hit on a file of which there is a copy already. Empty: it is to be isolated
// like any other, by the same id; the copy is gone then.
std::optional<Isolation> Isolator::FromCopy(const Hit& hit) {
  if (hit.threat_id.empty()) return std::nullopt;
  Result<ObjectHeader> copy = vault_.Header(hit.threat_id);
  if (!copy || !copy->is_copy) return std::nullopt;
  const Result<FileFacts> now = files_.Identity(hit.unsafe_fd);
  if (now && IsSameFile(*now, copy->file) && IsUnchanged(copy->file, *now)) {
    const Result<FilePlace> place = FindPlace(files_, hit.unsafe_fd, *now);
    if (place && files_.IsReadOnly(place->parent.UnsafeFd())) {
      return Isolation{
          ThreatStatus::kQuarantineFailed, kDetail, std::move(*copy), {}};
    }
  }
  // The original is there, and has more to say.
  (void)vault_.Remove(hit.threat_id);
  return std::nullopt;
}

}  // namespace gatehouse
