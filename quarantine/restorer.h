// Restorer: gives files back from the vault, or deletes them there.
//
// Thread-safe: one operation at a time. Blocks for I/O. The vault, the store
// and the exemptions must outlive it.
#pragma once

#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "quarantine/exemptions.h"
#include "quarantine/threat_store.h"
#include "quarantine/vault.h"

namespace gatehouse {

class Restorer {
 public:
  struct Parts {
    Vault& vault;
    ThreatStore& store;
    Exemptions& exemptions;
  };
  explicit Restorer(const Parts& parts) : parts_(parts) {}

  // Writes the file back under its own name: into `destination`, a directory
  // that the caller's client opened (O_PATH will do), or, if that is not
  // valid, into the directory it was taken from. Owner, mode (no set-id bits),
  // times and attributes are given back (no capabilities). What is written is
  // exempt: this very file with this very content is not taken again. The
  // object leaves the vault once all of this is durable. Returns the path.
  //
  // `uid` is who asked. Errors: kNotFound for an unknown id or a directory
  // that is not there any more; kNotPermitted without the right to write;
  // kOperational when the name is taken: nothing is ever overwritten.
  Result<std::string> Restore(const std::string& id, UniqueFd destination,
                              uint32_t uid);

  // Deletes it for good. Errors: kNotFound.
  Result<bool> Remove(const std::string& id);

 private:
  Result<UniqueFd> OriginalDirectory(const ObjectHeader& header);
  Result<UniqueFd> WriteBack(const ObjectHeader& header, int directory,
                             uint32_t uid);

  const Parts parts_;
  Mutex mutex_;
};

}  // namespace gatehouse
