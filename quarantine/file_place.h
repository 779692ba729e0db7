// FilePlace: the directory and the name by which a file can be reached now.
//
// Thread-safe functions; they block for I/O.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "quarantine/file_operations.h"
#include "quarantine/object_header.h"

namespace gatehouse {

struct FilePlace {
  UniqueFd parent;
  FileFacts parent_facts;
  std::string path;  // Of the file.
  std::string parent_path;
  std::string base_name;
};

// Finds a name that leads to the very file behind `fd`. What the kernel says
// its path is may be a lie: whoever has a mount namespace of his own chooses
// it. So the name must lead to the same inode; if it does not, the file is
// opened by its handle through a mount of ours, and asked again.
//
// kNotFound: it has no name any more. Other errors: none could be found.
Result<FilePlace> FindPlace(FileOperations& files, int fd,
                            const FileFacts& facts);

// The directory where the header's file has, or had, its name. `hint`: see
// OpenByHandle. Not valid: it is gone, or its file system is not mounted. On
// error nobody can tell now.
Result<UniqueFd> FindParent(FileOperations& files, const ObjectHeader& header,
                            int hint);

// The file of that name for reading, if it is the one that `facts` are of.
// kNotFound: there is none, or another one.
Result<UniqueFd> OpenSameFile(FileOperations& files, int directory,
                              const std::string& name, const FileFacts& facts);

// What is before the last '/'; "/" for a name in it.
[[nodiscard]] std::string DirectoryName(const std::string& path);
// What follows the last '/'.
[[nodiscard]] std::string BaseName(const std::string& path);

}  // namespace gatehouse
