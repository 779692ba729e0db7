#include "quarantine/exemptions.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>

#include "engine/file_digest.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;

std::optional<Exemptions::Sha256> Sha256Of(int fd) {
  DigestNeeds needs = {};
  needs.at(static_cast<size_t>(DigestAlgorithm::kSha256)) = true;
  Result<FileDigests> digests = FileDigests::Create(needs);
  if (!digests) return std::nullopt;
  digests->Start(needs);
  const auto block = std::make_unique<std::array<uint8_t, kBlockBytes>>();
  off_t offset = 0;
  while (true) {
    const ssize_t got = ::pread(fd, block->data(), block->size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    digests->Update(ByteView(*block).first(static_cast<size_t>(got)));
    offset += got;
  }
  const Digest digest = digests->Finish(DigestAlgorithm::kSha256);
  Exemptions::Sha256 sha256 = {};
  std::copy_n(digest.bytes.begin(), sha256.size(), sha256.begin());
  return sha256;
}

}  // namespace

void Exemptions::Add(const std::string& key, const Sha256& sha256) {
  const MutexLock lock(mutex_);
  sha256_of_key_[key] = sha256;
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
  return Sha256Of(fd) == sha256;
}

}  // namespace gatehouse
