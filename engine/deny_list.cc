#include "engine/deny_list.h"

#include <sys/stat.h>

namespace gatehouse {

DenyList::Entry DenyList::Add(int fd, const std::string& threat_name) {
  struct stat facts = {};
  if (::fstat(fd, &facts) != 0) return {};
  const Entry::Key key(facts.st_dev, facts.st_ino);
  const MutexLock lock(mutex_);
  Denied& denied = denied_[key];
  if (denied.entries == 0) denied.threat_name = threat_name;
  ++denied.entries;
  size_.store(denied_.size());
  return {*this, key};
}

std::optional<std::string> DenyList::Find(int fd) const {
  if (size_.load() == 0) return std::nullopt;
  struct stat facts = {};
  if (::fstat(fd, &facts) != 0) return std::nullopt;
  const MutexLock lock(mutex_);
  const auto found = denied_.find({facts.st_dev, facts.st_ino});
  if (found == denied_.end()) return std::nullopt;
  return found->second.threat_name;
}

bool DenyList::Contains(dev_t device, ino_t inode) const {
  if (size_.load() == 0) return false;
  const MutexLock lock(mutex_);
  return denied_.contains({device, inode});
}

void DenyList::Remove(const Entry::Key& key) {
  const MutexLock lock(mutex_);
  const auto found = denied_.find(key);
  if (found == denied_.end()) return;
  if (--found->second.entries == 0) denied_.erase(found);
  size_.store(denied_.size());
}

}  // namespace gatehouse
