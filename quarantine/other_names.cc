#include "quarantine/other_names.h"

#include <utility>
#include <vector>

namespace gatehouse {
namespace {

constexpr size_t kSweptAtOnce = 64;

}  // namespace

void OtherNames::Look(int fd, const std::string& threat_name) {
  Result<FileFacts> facts = files_.Identity(fd);
  // Without a handle, nothing tells it from a later file with its number.
  if (!facts || facts->handle.empty()) return;
  if (facts->nlink == 0) return Forget(*facts);
  const std::string key = FileKey(*facts);
  DenyList::Entry denied = deny_list_.AddUnpinned(
      fd, threat_name, [&files = files_, facts = *facts](int opened) {
        const Result<FileFacts> found = files.Identity(opened);
        return found && IsSameFile(*found, facts);
      });
  const MutexLock lock(mutex_);
  if (file_of_key_.size() >= kFilesMax && !file_of_key_.contains(key)) {
    file_of_key_.erase(file_of_key_.begin());
  }
  file_of_key_[key] = {std::move(*facts), std::move(denied)};
}

void OtherNames::Forget(const FileFacts& facts) {
  const MutexLock lock(mutex_);
  file_of_key_.erase(FileKey(facts));
}

void OtherNames::Sweep() {
  std::vector<FileFacts> some;
  {
    const MutexLock lock(mutex_);
    auto next = file_of_key_.upper_bound(swept_to_);
    for (; next != file_of_key_.end() && some.size() < kSweptAtOnce; ++next) {
      some.push_back(next->second.facts);
      swept_to_ = next->first;
    }
    if (next == file_of_key_.end()) swept_to_.clear();
  }
  for (const FileFacts& facts : some) {
    const Result<UniqueFd> file = files_.OpenByHandle(facts, -1);
    // A file system that is not mounted may come back.
    if (!file && file.error().code == ErrorCode::kNotFound) Forget(facts);
    if (!file) continue;
    const Result<FileFacts> now = files_.Identity(file->UnsafeFd());
    if (now && now->nlink == 0) Forget(facts);
  }
}

size_t OtherNames::size() const {
  const MutexLock lock(mutex_);
  return file_of_key_.size();
}

}  // namespace gatehouse
