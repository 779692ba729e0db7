// Vault: sealed copies of malicious files, by id, below the state directory.
//
//     vault.key               the root key
//     vault/vault.key.escrow  a copy of it
//     vault/stage/ID.q        sealed, its original not yet known to be gone
//     vault/stage/ID.c        an original that was taken from its name
//     vault/stage/ID.d        a sealed note: the directory of a capture
//     vault/stage/ID.r        a sealed note: where a file is restored to
//     vault/data/ID.q         sealed, its original gone: finished
//
// Where an object lies says only where to look; what happened is decided from
// facts (isolator.h). docs/vault-format.md has the format.
//
// Thread-safe: two threads must not work on one id at a time. Blocks for I/O;
// what returned is durable. `files` must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "quarantine/file_operations.h"
#include "quarantine/sealed_object.h"
#include "quarantine/vault_key.h"

namespace gatehouse {

class Vault {
 public:
  // What stays free on the vault's file system: a user who makes us seal file
  // after file must not fill it.
  static constexpr uint64_t kFreeBytesMin = uint64_t{256} << 20;

  // Makes directories and key if there are none. Errors: those of
  // LoadOrCreateVaultKey, and directories that are not ours alone.
  static Result<std::unique_ptr<Vault>> Open(const std::string& state_directory,
                                             FileOperations& files);
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;

  // Seals what `source_fd` holds; returns the completed header. On error there
  // is no object. kLimitExceeded: kFreeBytesMin would not stay free.
  Result<ObjectHeader> Stage(const ObjectHeader& header, int source_fd);
  // The same for an object that is staged already and takes its place.
  Result<ObjectHeader> StageAgain(const ObjectHeader& header, int source_fd);
  Result<bool> DropStaged(const std::string& id);
  // What a process left that died in StageAgain. REQUIRES: nobody else works
  // on the vault.
  Result<bool> DropHalfStaged();
  // The original is gone: from now on the object is finished.
  Result<bool> Publish(const std::string& id);

  [[nodiscard]] bool Contains(const std::string& id);
  // True until Publish: an isolation of it is in progress. In doubt, true.
  [[nodiscard]] bool IsStaged(const std::string& id);
  Result<std::vector<std::string>> StagedIds();
  Result<std::vector<std::string>> PublishedIds();
  // Both look for published objects first, then for staged ones. kNotFound.
  Result<ObjectHeader> Header(const std::string& id);
  Result<ObjectHeader> Unseal(const std::string& id, int target_fd);
  Result<bool> Remove(const std::string& id);

  // What somebody should look after: a key file that is missing now, or was
  // when the vault was opened. Reads both files anew. Empty: all is well.
  std::vector<std::string> KeyProblems();

  // Notes: sealed objects without content whose header says what is about to
  // happen to which file, so that facts decide when the process was killed. A
  // new note of the same kind and id replaces the one before. Durable when
  // WriteNote returns; DropNote is not.
  enum class NoteKind : uint8_t {
    kRestore,  // `file` is the new file, `path` the name it is to get.
    kCapture,  // `file` is the directory made for a capture.
  };
  Result<bool> WriteNote(NoteKind kind, const ObjectHeader& note);
  Result<std::vector<std::string>> NotedIds(NoteKind kind);
  Result<ObjectHeader> Note(NoteKind kind, const std::string& id);
  Result<bool> DropNote(NoteKind kind, const std::string& id);

  FileOperations& files() { return files_; }
  // Borrowed. The state directory.
  int UnsafeStateFd() const { return state_.UnsafeFd(); }
  // Borrowed. For captures of files on the vault's own mount.
  int UnsafeStageFd() const { return stage_.UnsafeFd(); }

 private:
  struct Directories {
    UniqueFd state;
    UniqueFd vault;
    UniqueFd stage;
    UniqueFd data;
  };
  Vault(FileOperations& files, Directories directories, LoadedVaultKey loaded);

  static Result<Directories> OpenDirectories(const std::string& state_directory,
                                             FileOperations& files);
  Result<ObjectHeader> SealAs(const ObjectHeader& header, int source_fd,
                              const std::string& name);
  Result<std::vector<std::string>> Ids(int directory, std::string_view suffix);
  Result<UniqueFd> OpenObject(const std::string& id);

  FileOperations& files_;
  const UniqueFd state_;
  const UniqueFd vault_;
  const UniqueFd stage_;
  const UniqueFd data_;
  const VaultKey key_;
  const std::string key_notice_;
};

}  // namespace gatehouse
