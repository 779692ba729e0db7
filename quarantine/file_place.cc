#include "quarantine/file_place.h"

#include <utility>

namespace gatehouse {
namespace {

Result<FilePlace> PlaceAt(FileOperations& files, std::string path,
                          const FileFacts& facts) {
  FilePlace place;
  place.base_name = BaseName(path);
  place.parent_path = DirectoryName(path);
  place.path = std::move(path);
  Result<UniqueFd> parent = files.OpenDirectory(place.parent_path);
  if (!parent) return Unexpected(parent.error());
  place.parent = std::move(*parent);
  const Result<FileFacts> found =
      files.IdentityIn(place.parent.UnsafeFd(), place.base_name);
  if (!found) return Unexpected(found.error());
  if (!IsSameFile(*found, facts)) {
    return Fail(ErrorCode::kOperational, "another file has its name");
  }
  Result<FileFacts> parent_facts = files.Identity(place.parent.UnsafeFd());
  if (!parent_facts) return Unexpected(parent_facts.error());
  place.parent_facts = std::move(*parent_facts);
  return place;
}

}  // namespace

std::string DirectoryName(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string BaseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0.
}

// Another inode is another directory even if it has the name.
Result<UniqueFd> FindParent(FileOperations& files, const ObjectHeader& header,
                            int hint) {
  Result<UniqueFd> parent = files.OpenDirectory(header.parent_path);
  Result<FileFacts> facts = Fail(ErrorCode::kNotFound, "");
  if (parent) facts = files.Identity(parent->UnsafeFd());
  if (facts && facts->handle == header.parent_handle &&
      facts->handle_type == header.parent_handle_type) {
    return parent;
  }
  FileFacts wanted;
  wanted.dev = header.file.dev;
  wanted.handle_type = header.parent_handle_type;
  wanted.handle = header.parent_handle;
  parent = files.OpenByHandle(wanted, hint);
  if (parent) return files.Reopen(parent->UnsafeFd());
  const ErrorCode code = parent.error().code;
  const bool is_gone =
      code == ErrorCode::kNotFound || code == ErrorCode::kNotSupported;
  if (is_gone) return UniqueFd();
  return parent;
}

Result<UniqueFd> OpenSameFile(FileOperations& files, int directory,
                              const std::string& name, const FileFacts& facts) {
  Result<FileFacts> found = files.IdentityIn(directory, name);
  if (!found) return Unexpected(found.error());
  if (!IsSameFileAfterReboot(*found, facts)) {
    return Fail(ErrorCode::kNotFound, "another file has its name");
  }
  Result<UniqueFd> file = files.OpenFileIn(directory, name);
  if (!file) return file;
  found = files.Identity(file->UnsafeFd());
  if (!found) return Unexpected(found.error());
  if (!IsSameFileAfterReboot(*found, facts)) {
    return Fail(ErrorCode::kNotFound, "another file got its name");
  }
  return file;
}

Result<FilePlace> FindPlace(FileOperations& files, int fd,
                            const FileFacts& facts) {
  const Result<std::string> path = files.PathOf(fd);
  if (!path) return Unexpected(path.error());
  Result<FilePlace> place = PlaceAt(files, *path, facts);
  if (place) return place;
  const Result<FileFacts> now = files.Identity(fd);
  if (now && now->nlink == 0) {
    return Fail(ErrorCode::kNotFound,
                "it was deleted before it could be isolated");
  }
  // Not kNotFound from here on: it has a name, only none that we can reach.
  const auto unreachable = [](const Error& why) {
    return Fail(ErrorCode::kOperational,
                "no name of it can be reached: " + why.message);
  };
  const Result<UniqueFd> ours = files.OpenByHandle(facts, -1);
  if (!ours) return unreachable(place.error());
  const Result<std::string> our_path = files.PathOf(ours->UnsafeFd());
  if (!our_path) return unreachable(our_path.error());
  Result<FilePlace> second = PlaceAt(files, *our_path, facts);
  if (!second) return unreachable(second.error());
  return second;
}

}  // namespace gatehouse
