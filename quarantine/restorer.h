// Restorer: gives files back from the vault, or deletes them there.
//
//   new file without a name -> content, facts -> durable -> exempt -> note
//   -> name -> durable -> immutable again -> recorded -> object gone
//
// The note in the vault says which new file gets which name. A restore that
// was killed is judged by it: the file has a name, and the restore is finished,
// or it has none, and nothing has happened.
//
// Thread-safe: one operation at a time. Blocks for I/O. The vault, the store
// and the exemptions must outlive it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "quarantine/exemptions.h"
#include "quarantine/threat_store.h"
#include "quarantine/vault.h"

namespace gatehouse {

struct RestoreOptions {
  uint32_t uid = 0;  // Who asked.
  // Give set-id bits, sticky bit and capabilities back, too.
  bool preserve_privileges = false;
};

struct RestoredFile {
  std::string path;
  // What the new file lacks of the old one, in words; see MissingFacts.
  std::vector<std::string> not_given_back;
};

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
  // valid, into the very directory it was taken from. Content, holes, owner,
  // mode, times, attributes, flags and project are given back as far as the
  // file system there takes them. What is written is exempt: this very file
  // with this very content is not taken again. The object leaves the vault
  // once all of this is durable.
  //
  // Errors: kNotFound for an unknown id or a directory that is not there any
  // more; kNotPermitted without the right to write; kInvalidInput for an
  // object that is damaged; kNotSupported where a server may hang;
  // kOperational when the name is taken: nothing is ever overwritten. On error
  // the object stays, and there is no new file, unless the message says so.
  Result<RestoredFile> Restore(const std::string& id, UniqueFd destination,
                               const RestoreOptions& options);

  // Deletes it for good; `detail` says why, in the history. Errors: kNotFound.
  Result<bool> Remove(const std::string& id, const std::string& detail = "");

  // Finishes what a dead process was restoring. Returns what it could not;
  // that is tried again at the next start. Call it before anything else, and
  // before exemptions are read from the store.
  std::vector<Error> Recover();

 private:
  struct NewFile {
    UniqueFd fd;
    ObjectHeader note;
    Exemption exemption;
    std::vector<std::string> not_given_back;
  };

  Result<UniqueFd> OriginalDirectory(const ObjectHeader& header);
  Result<UniqueFd> OpenDestination(const ObjectHeader& header,
                                   UniqueFd destination);
  Result<NewFile> WriteBack(const ObjectHeader& header, int directory,
                            const RestoreOptions& options);
  Result<bool> Announce(const NewFile& file);
  Result<bool> GiveName(const NewFile& file, int directory);
  void Forget(const Exemption& exemption);
  Result<bool> Conclude(const std::string& id, const std::string& detail);
  Result<bool> FinishBegun(const std::string& id);
  Result<bool> RecoverOne(const std::string& id);
  Result<UniqueFd> Find(const ObjectHeader& note, int parent);
  Result<bool> FinishFound(const ObjectHeader& note, int parent, int unsafe_fd);

  const Parts parts_;
  Mutex mutex_;
};

}  // namespace gatehouse
