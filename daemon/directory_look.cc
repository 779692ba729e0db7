#include "daemon/directory_look.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "signatures/clamav/signature_text.h"

namespace gatehouse {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { (void)::closedir(directory); }
};

bool IsSameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

bool DirectoryLook::File::operator==(const File& other) const {
  return name == other.name && device == other.device && inode == other.inode &&
         size == other.size && IsSameTime(modified, other.modified) &&
         IsSameTime(changed, other.changed);
}

DirectoryLook::DirectoryLook(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> stream(::opendir(path.c_str()));
  if (stream == nullptr) return;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): this stream is ours alone.
  while (const dirent* const entry = ::readdir(stream.get())) {
    struct stat facts = {};
    if (!FormatOfFile(entry->d_name) ||
        ::fstatat(::dirfd(stream.get()), entry->d_name, &facts, 0) != 0) {
      continue;
    }
    files_.push_back({entry->d_name, facts.st_dev, facts.st_ino, facts.st_size,
                      facts.st_mtim, facts.st_ctim});
  }
  std::sort(files_.begin(), files_.end(),
            [](const File& a, const File& b) { return a.name < b.name; });
}

}  // namespace gatehouse
