// CaptureArea: where a file lies that has lost its name and is not yet gone:
// where only we can reach it, on the mount it was on.
//
// That is the vault's stage/, or, when the vault is on another mount, a
// directory of ours in the parent of the file: only a rename within one mount
// is a rename of the very same inode.
//
// One thread at a time. The vault and its FileOperations must outlive it.
#pragma once

#include <string>

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
  UniqueFd file;          // The only descriptor of ours on it.
  UniqueFd parent;        // Where its name was; not valid: it is gone, too.
  UniqueFd directory;     // Where it is now; not valid: in stage/.
  std::string base_name;  // In `parent`.
  FileFacts captured;     // As it was right after the capture.
  // Somebody had it open: a mapping writes without leaving a trace in times.
  bool was_in_use = false;
  bool is_forced = false;  // Whatever the rules say of its name.
};

class CaptureArea {
 public:
  explicit CaptureArea(Vault& vault);

  // The directory for a file out of `parent`; not valid: stage/ is near enough.
  Result<UniqueFd> MakeDirectory(int parent, const std::string& id);
  // Unless somebody put something in. On error it is still there, and the
  // staged object must stay: nothing else leads to it.
  Result<bool> RemoveDirectory(const CapturedFile& captured);

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

  // After a dead process. `file`: the original if OpenByHandle found it, else
  // not valid. The directory where its name was; not valid when it is gone.
  UniqueFd FindParent(const ObjectHeader& header, const UniqueFd& file);
  // Sets `captured.directory`. True: a file is there, the one that was meant or
  // what was taken for it; false: nothing was captured.
  Result<bool> Find(CapturedFile& captured, const UniqueFd& file);

 private:
  UniqueFd FindDirectory(const ObjectHeader& header, int parent,
                         const UniqueFd& file);

  FileOperations& files_;
  const int unsafe_stage_fd_;
};

}  // namespace gatehouse
