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

// A hit on a file of which there is a copy already. Empty: it can be isolated
// now. The copy stays, and ends with its time: what is isolated gets another
// id.
std::optional<Isolation> Isolator::FromCopy(const Hit& hit) {
  if (hit.threat_id.empty()) return std::nullopt;
  Result<ObjectHeader> copy = vault_.Header(hit.threat_id);
  if (!copy || !copy->is_copy) return std::nullopt;
  const Result<FileFacts> now = files_.Identity(hit.unsafe_fd);
  if (!now || !IsSameFile(*now, copy->file)) return std::nullopt;
  const Result<FilePlace> place = FindPlace(files_, hit.unsafe_fd, *now);
  if (!place || !files_.IsReadOnly(place->parent.UnsafeFd())) {
    return std::nullopt;
  }
  return Isolation{
      ThreatStatus::kQuarantineFailed, kDetail, std::move(*copy), {}};
}

}  // namespace gatehouse
