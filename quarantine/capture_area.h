// CaptureArea: where a file lies that has lost its name and is not yet gone:
// where only we can reach it, on the mount it was on.
//
// That is the vault's stage/, or, when the vault is on another mount, a
// directory of ours in the parent of the file: only a rename within one mount
// is a rename of the very same inode. Whoever may write to that parent may
// move the directory away, so a note in the vault says which one it is before
// anything is put in.
//
// One thread at a time. The vault and its FileOperations must outlive it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "quarantine/file_facts.h"
#include "quarantine/file_operations.h"
#include "quarantine/file_place.h"
#include "quarantine/object_header.h"
#include "quarantine/vault.h"

namespace gatehouse {

// A file that lost its name and is still there.
struct CapturedFile {
  ObjectHeader header;
  UniqueFd file;           // The only descriptor of ours on it.
  UniqueFd parent;         // Where its name was; not valid: nobody knows.
  UniqueFd directory;      // Where it is now; not valid: in stage/.
  std::string base_name;   // In `parent`.
  FileFacts captured;      // As it was right after the capture.
  bool is_forced = false;  // Whatever the rules say of its name.
};

class CaptureArea {
 public:
  explicit CaptureArea(Vault& vault);

  // Sets `captured.directory` to one that takes a file out of
  // `captured.parent`: the one that it has, if that still does, else a new
  // one; not valid: stage/ is near enough.
  Result<bool> Prepare(CapturedFile& captured);
  // Removes the directory and its note, wherever somebody moved it. What cannot
  // be removed now is, by its note, at some other start.
  void RemoveDirectory(const CapturedFile& captured);

  // Its name is the one that it has when it is captured.
  bool IsInStage(const FilePlace& place);
  // Borrowed: valid as long as `captured` and the vault.
  int DirectoryFd(const CapturedFile& captured) const;
  static std::string NameOf(const CapturedFile& captured);
  Result<FileFacts> Identity(const CapturedFile& captured);
  Result<UniqueFd> Open(const CapturedFile& captured);
  // Something lies there; in doubt, yes.
  bool Holds(const CapturedFile& captured);

  // Gives it a name in its parent again, its own if nobody has taken it;
  // nothing is overwritten. On error it is still captured, and the staged
  // object must stay: without it nobody would ever look for the file.
  Result<bool> PutBack(const CapturedFile& captured);

  // After a dead process. Sets `captured.directory`. True: a file is there, the
  // one that was meant or what was taken for it. False: nothing was captured.
  Result<bool> Find(CapturedFile& captured);
  // Removes the directories of isolations that have ended and that came back
  // with the power. Returns what is still there.
  std::vector<Error> RemoveLeftDirectories();

 private:
  Result<UniqueFd> MakeDirectory(int parent, const ObjectHeader& header);
  Result<bool> WriteNote(const ObjectHeader& header,
                         const FileFacts& directory);
  Result<UniqueFd> FindDirectory(const std::string& id, int parent);
  Result<bool> RemoveFrom(int parent, const CapturedFile& captured,
                          const FileFacts& facts);
  Result<bool> RemoveWhereItIs(const CapturedFile& captured);
  void RemoveWhatCameBack(const CapturedFile& captured);

  Vault& vault_;
  FileOperations& files_;
  const int unsafe_stage_fd_;
};

}  // namespace gatehouse
