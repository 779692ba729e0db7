// ArtefactStore: the compiled signature sets that one user keeps.
//
// A directory of the user's own that nobody else may write to: a secret, and
// one artefact for each set, named by its key. A file that is not the user's
// own, or that others may write to or read, counts as missing. Several
// processes may use one store.
//
// Thread-compatible. Owns the descriptor of the directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <utility>

#include "base/digest.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "signatures/word_buffer.h"

namespace gatehouse {

// More than these are removed, those that were not used longest first.
inline constexpr size_t kArtefactsMax = 4;

class ArtefactStore {
 public:
  // Makes the directory, the one above it, and the secret, unless they are
  // there. Errors: kNotPermitted when the directory or the secret is somebody
  // else's or open to others; else of the system.
  static Result<ArtefactStore> Open(const std::string& directory);

  // The image of the set with this key, and marks it as used. Errors:
  // kNotFound; kNotPermitted when others had power over the file; those of
  // ReadArtefact.
  Result<WordBuffer> Find(const Sha256Digest& key) const;
  // Flushed before it has its name: there is a whole file of that name or none,
  // whenever the machine stops. REQUIRES: the lock is held.
  Result<bool> Publish(const Sha256Digest& key,
                       std::span<const uint64_t> image) const;
  // The key of the set that is in use: it is not removed as surplus. Errors:
  // kNotFound when none was noted; kInvalidInput; of the system.
  Result<Sha256Digest> Active() const;
  Result<bool> NoteActive(const Sha256Digest& key) const;
  // So that no two compile the same set. Waits for the other; freed when the
  // descriptor is closed. Errors: kBusy when asked to stop; of the system.
  Result<UniqueFd> Lock(const std::stop_token& stop = {}) const;

 private:
  ArtefactStore(std::string directory, UniqueFd fd)
      : directory_(std::move(directory)), fd_(std::move(fd)) {}

  Result<bool> LoadSecret();
  Result<bool> WriteFile(const char* name, ByteView bytes, bool replaces) const;
  Result<bool> MakeSecret() const;
  Result<UniqueFd> OpenOwnFile(const std::string& name) const;
  void RemoveSurplus() const;

  std::string directory_;
  UniqueFd fd_;
  SecretKey secret_ = {};
};

}  // namespace gatehouse
