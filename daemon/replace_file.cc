#include "daemon/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "base/whole_transfer.h"

namespace gatehouse {
namespace {

Result<bool> SyncDirectoryOf(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/') + 1) + ".";
  const UniqueFd fd(
      ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.UnsafeFd()) != 0) {
    return FailSystem("sync '" + directory + "'", errno);
  }
  return true;
}

}  // namespace

Result<bool> ReplaceFile(const std::string& path, std::string_view text,
                         Durability durability) {
  const std::string temporary = path + ".new";
  (void)::unlink(temporary.c_str());  // Of a process that died half way.
  const UniqueFd fd(::open(temporary.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                           S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH));
  if (!fd.valid()) return FailSystem("create '" + temporary + "'", errno);
  const Result<bool> written =
      WriteFully(fd.UnsafeFd(), AsBytes(text), "write '" + temporary + "'");
  if (!written) return written;
  if (durability == Durability::kDurable && ::fsync(fd.UnsafeFd()) != 0) {
    return FailSystem("sync '" + temporary + "'", errno);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return FailSystem("rename '" + temporary + "'", errno);
  }
  if (durability == Durability::kDurable) return SyncDirectoryOf(path);
  return true;
}

}  // namespace gatehouse
