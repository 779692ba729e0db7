#include "engine/deny_list.h"

#include <sys/stat.h>

#include <utility>

namespace gatehouse {
namespace {

// Empty: `fd` is no open file.
std::optional<std::pair<dev_t, ino_t>> KeyOf(int fd) {
  struct stat facts = {};
  if (::fstat(fd, &facts) != 0) return std::nullopt;
  return std::pair(facts.st_dev, facts.st_ino);
}

}  // namespace

DenyList::Entry DenyList::Add(int fd, const std::string& threat_name) {
  const auto key = KeyOf(fd);
  if (!key) return {};
  const MutexLock lock(mutex_);
  Denied& denied = denied_[*key];
  if (denied.entries == 0) denied.threat_name = threat_name;
  ++denied.entries;
  size_.store(denied_.size());
  return {*this, *key, true};
}

DenyList::Entry DenyList::AddUnpinned(int fd, const std::string& threat_name,
                                      IsSame is_same) {
  const auto key = KeyOf(fd);
  if (!key) return {};
  const MutexLock lock(mutex_);
  Denied& denied = denied_[*key];
  if (denied.entries == 0) denied.threat_name = threat_name;
  ++denied.unpinned;
  denied.is_same = std::move(is_same);
  size_.store(denied_.size());
  return {*this, *key, false};
}

std::optional<std::string> DenyList::Find(int fd) const {
  if (size_.load() == 0) return std::nullopt;
  const auto key = KeyOf(fd);
  if (!key) return std::nullopt;
  IsSame is_same;
  std::string threat_name;
  {
    const MutexLock lock(mutex_);
    const auto found = denied_.find(*key);
    if (found == denied_.end()) return std::nullopt;
    threat_name = found->second.threat_name;
    if (found->second.entries != 0) return threat_name;
    is_same = found->second.is_same;
  }
  if (!is_same(fd)) return std::nullopt;
  return threat_name;
}

bool DenyList::Contains(dev_t device, ino_t inode) const {
  if (size_.load() == 0) return false;
  const MutexLock lock(mutex_);
  return denied_.contains({device, inode});
}

void DenyList::Remove(const Entry::Key& key, bool is_pinned) {
  const MutexLock lock(mutex_);
  const auto found = denied_.find(key);
  if (found == denied_.end()) return;
  Denied& denied = found->second;
  --(is_pinned ? denied.entries : denied.unpinned);
  if (denied.entries == 0 && denied.unpinned == 0) denied_.erase(found);
  size_.store(denied_.size());
}

}  // namespace gatehouse
