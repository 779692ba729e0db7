#include "quarantine/exemptions.h"

#include "quarantine/content_digest.h"

namespace gatehouse {

void Exemptions::Add(const std::string& key, const Sha256& sha256) {
  const MutexLock lock(mutex_);
  sha256_of_key_[key] = sha256;
  size_.store(sha256_of_key_.size());
}

void Exemptions::Remove(const std::string& key) {
  const MutexLock lock(mutex_);
  (void)sha256_of_key_.erase(key);
  size_.store(sha256_of_key_.size());
}

bool Exemptions::Covers(int fd) const {
  if (size_.load() == 0) return false;
  const Result<FileFacts> facts = files_.Identity(fd);
  if (!facts) return false;
  Sha256 sha256 = {};
  {
    const MutexLock lock(mutex_);
    const auto found = sha256_of_key_.find(ExemptionKey(*facts));
    if (found == sha256_of_key_.end()) return false;
    sha256 = found->second;
  }
  const Result<Sha256> found = DigestOf(files_, fd);
  return found && *found == sha256;
}

}  // namespace gatehouse
