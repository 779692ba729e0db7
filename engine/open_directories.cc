#include "engine/open_directories.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

namespace gatehouse {
namespace {

constexpr size_t kDescriptorsPerThreadMin = 2;
constexpr size_t kDescriptorsPerThreadMax = 64;
// For standard streams, definitions, the allocator's and the sink's needs.
constexpr size_t kDescriptorsReserved = 32;
// The file a thread is scanning and the directory it is about to open.
constexpr size_t kDescriptorsInUse = 2;

}  // namespace

OpenDirectories::OpenDirectories(size_t descriptors_max)
    : descriptors_max_(descriptors_max) {
  assert(descriptors_max_ >= kDescriptorsPerThreadMin);
}

OpenedDirectory OpenDirectories::Open(const DirectoryRef& directory,
                                      int root_fd) {
  assert(directory.valid());
  missing_.clear();
  // Upwards to the nearest directory that is open here.
  DirectoryRef nearest = directory;
  size_t keep = 0;
  while (nearest->parent.valid()) {
    const size_t top = open_.empty() ? 0 : open_.front().directory->depth;
    const size_t index = nearest->depth - top;
    if (nearest->depth >= top && index < open_.size() &&
        open_[index].directory.IsSame(nearest)) {
      keep = index + 1;
      break;
    }
    missing_.push_back(nearest);
    nearest = nearest->parent;
  }
  open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(keep), open_.end());
  // Downwards again.
  while (!missing_.empty()) {
    const int parent_fd = open_.empty() ? root_fd : open_.back().fd.UnsafeFd();
    const int error_number = Descend(parent_fd, missing_.back());
    if (error_number != 0) return {-1, error_number};
    missing_.pop_back();
  }
  return {open_.empty() ? root_fd : open_.back().fd.UnsafeFd(), 0};
}

// Opens `directory` below its parent. Returns 0 or errno.
int OpenDirectories::Descend(int parent_fd, const DirectoryRef& directory) {
  UniqueFd fd(::openat(
      parent_fd, directory->name.c_str(),
      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return errno;
  struct stat status = {};
  if (::fstat(fd.UnsafeFd(), &status) != 0) return errno;
  const DirectoryIdentity identity{status.st_dev, status.st_ino};
  if (!directory->is_identified) {
    directory->identity = identity;
    directory->is_identified = true;
  } else if (directory->identity != identity) {
    return ESTALE;
  }
  if (open_.size() == descriptors_max_) open_.pop_front();
  open_.push_back({directory, std::move(fd)});
  return 0;
}

size_t DirectoryDescriptorsMax(size_t threads) {
  assert(threads > 0);
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kDescriptorsPerThreadMin;
  const size_t all = std::min<size_t>(limit.rlim_cur, 1U << 20);
  const size_t others = kDescriptorsReserved + threads * kDescriptorsInUse;
  return std::clamp(all > others ? (all - others) / threads : 0,
                    kDescriptorsPerThreadMin, kDescriptorsPerThreadMax);
}

}  // namespace gatehouse
