#include "tests/system/mutations.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <string>

#include "base/unique_fd.h"
#include "tests/system/small_ring.h"

namespace gatehouse {

void Mutated::LetGo() const {
  if (mapping != nullptr) (void)::munmap(mapping, kFileBytes);
  if (fd >= 0) (void)::close(fd);
}

namespace {

constexpr std::array<char, kGapBytes> kZeros = {};

Mutated Done(bool is_done) {
  Mutated done;
  if (!is_done) done.error = errno;
  return done;
}

UniqueFd OpenToWrite(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
}

// A clean file beside the others that is all zero.
UniqueFd OpenZeros(const std::string& path) {
  const std::string zeros = path.substr(0, path.rfind('/')) + "/zeros";
  return UniqueFd(::open(zeros.c_str(), O_RDONLY | O_CLOEXEC));
}

std::string TwinOf(const std::string& path) { return path + ".evil"; }

// Puts back the times that can be put back.
class Times {
 public:
  explicit Times(const std::string& path) : path_(path) {
    (void)::stat(path_.c_str(), &before_);
  }
  Times(const Times&) = delete;
  Times& operator=(const Times&) = delete;
  ~Times() {
    const std::array<timespec, 2> times = {before_.st_atim, before_.st_mtim};
    (void)::utimensat(AT_FDCWD, path_.c_str(), times.data(), 0);
  }

 private:
  const std::string path_;
  struct stat before_ = {};
};

// --- By a descriptor ---------------------------------------------------------

bool FillGap(const UniqueFd& file) {
  return ::pwrite(file.UnsafeFd(), kZeros.data(), kGapBytes, kGap) ==
         static_cast<ssize_t>(kGapBytes);
}

Mutated ByWrite(const std::string& path) {
  const Times times(path);
  return Done(FillGap(OpenToWrite(path)));
}

Mutated ByWriteStillOpen(const std::string& path) {
  UniqueFd file = OpenToWrite(path);
  Mutated done = Done(FillGap(file));
  done.fd = file.Release();
  return done;
}

Mutated ByIoUring(const std::string& path) {
  const Times times(path);
  const UniqueFd file = OpenToWrite(path);
  Mutated done;
  done.error = WriteByRing(file.UnsafeFd(), kZeros.data(), kGapBytes, kGap);
  return done;
}

Mutated BySplice(const std::string& path) {
  const Times times(path);
  const UniqueFd file = OpenToWrite(path);
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Done(false);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  off_t offset = kGap;
  return Done(::write(in.UnsafeFd(), kZeros.data(), kGapBytes) > 0 &&
              ::splice(out.UnsafeFd(), nullptr, file.UnsafeFd(), &offset,
                       kGapBytes, 0) == kGapBytes);
}

Mutated ByCopyFileRange(const std::string& path) {
  const Times times(path);
  const UniqueFd zeros = OpenZeros(path);
  const UniqueFd file = OpenToWrite(path);
  off_t from = 0;
  off_t to = kGap;
  return Done(::copy_file_range(zeros.UnsafeFd(), &from, file.UnsafeFd(), &to,
                                kGapBytes, 0) == kGapBytes);
}

Mutated BySendfile(const std::string& path) {
  const Times times(path);
  const UniqueFd zeros = OpenZeros(path);
  const UniqueFd file = OpenToWrite(path);
  return Done(::lseek(file.UnsafeFd(), kGap, SEEK_SET) == kGap &&
              ::sendfile(file.UnsafeFd(), zeros.UnsafeFd(), nullptr,
                         kGapBytes) == kGapBytes);
}

Mutated ByFallocate(const std::string& path, int mode) {
  const Times times(path);
  const UniqueFd file = OpenToWrite(path);
  return Done(::fallocate(file.UnsafeFd(), mode, kGap, kGapBytes) == 0);
}

Mutated ByPunchHole(const std::string& path) {
  return ByFallocate(path, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
}

Mutated ByZeroRange(const std::string& path) {
  return ByFallocate(path, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
}

Mutated ByClone(const std::string& path) {
  const Times times(path);
  const UniqueFd zeros = OpenZeros(path);
  const UniqueFd file = OpenToWrite(path);
  file_clone_range range = {};
  range.src_fd = zeros.UnsafeFd();
  range.src_length = kBlockBytes;
  range.dest_offset = kGap;
  return Done(::ioctl(file.UnsafeFd(), FICLONERANGE, &range) == 0);
}

// The same length again, and the times that utimens can set.
Mutated ByTruncateAndRewrite(const std::string& path) {
  const Times times(path);
  const UniqueFd file = OpenToWrite(path);
  std::array<char, kFileBytes> bytes = {};
  const auto whole = static_cast<ssize_t>(bytes.size());
  if (::pread(file.UnsafeFd(), bytes.data(), bytes.size(), 0) != whole ||
      ::ftruncate(file.UnsafeFd(), 0) != 0) {
    return Done(false);
  }
  std::fill_n(bytes.begin() + kGap, kGapBytes, '\0');
  return Done(::pwrite(file.UnsafeFd(), bytes.data(), bytes.size(), 0) ==
              whole);
}

Mutated ByTruncateToSameSize(const std::string& path) {
  const Times times(path);
  const UniqueFd file = OpenToWrite(path);
  return Done(FillGap(file) && ::ftruncate(file.UnsafeFd(), kFileBytes) == 0);
}

// --- By name -----------------------------------------------------------------

// Nobody opens the file: cut off before the gap, and made long again.
Mutated ByTruncate(const std::string& path) {
  const Times times(path);
  return Done(::truncate(path.c_str(), kGap) == 0 &&
              ::truncate(path.c_str(), kFileBytes) == 0);
}

Mutated ByRename(const std::string& path) {
  return Done(::rename(TwinOf(path).c_str(), path.c_str()) == 0);
}

Mutated ByExchange(const std::string& path) {
  return Done(::renameat2(AT_FDCWD, TwinOf(path).c_str(), AT_FDCWD,
                          path.c_str(), RENAME_EXCHANGE) == 0);
}

Mutated ByLink(const std::string& path) {
  return Done(::unlink(path.c_str()) == 0 &&
              ::link(TwinOf(path).c_str(), path.c_str()) == 0);
}

Mutated BySymlink(const std::string& path) {
  return Done(::unlink(path.c_str()) == 0 &&
              ::symlink(TwinOf(path).c_str(), path.c_str()) == 0);
}

// --- Through a mapping -------------------------------------------------------

char* Map(const UniqueFd& file) {
  void* mapping = ::mmap(nullptr, kFileBytes, PROT_READ | PROT_WRITE,
                         MAP_SHARED, file.UnsafeFd(), 0);
  return mapping == MAP_FAILED ? nullptr : static_cast<char*>(mapping);
}

enum class Before { kNothing, kRead, kStore };
enum class After { kKeep, kLetGo };

// `before`: what is done to the page before the store that counts.
Mutated ByMapping(const std::string& path, Before before, After after) {
  const Times times(path);
  UniqueFd file = OpenToWrite(path);
  char* mapping = Map(file);
  if (mapping == nullptr) return Done(false);
  volatile char* last = mapping + kGap + kBlockBytes - 1;  // Of the page.
  const char byte = before == Before::kNothing ? '\0' : *last;
  if (before == Before::kStore) *last = byte;
  std::fill_n(mapping + kGap, kGapBytes, '\0');
  Mutated done;
  done.mapping = mapping;
  if (after == After::kKeep) return done;
  done.LetGo();
  return {};
}

Mutated ByFirstTouch(const std::string& path) {
  return ByMapping(path, Before::kNothing, After::kKeep);
}
Mutated ByFirstTouchAndLetGo(const std::string& path) {
  return ByMapping(path, Before::kNothing, After::kLetGo);
}
Mutated ByTouchAfterRead(const std::string& path) {
  return ByMapping(path, Before::kRead, After::kLetGo);
}
Mutated ByDirtyPage(const std::string& path) {
  return ByMapping(path, Before::kStore, After::kKeep);
}

std::map<std::string, char*>& HeldMappings() {
  static std::map<std::string, char*> mappings;
  return mappings;
}

// The page is dirty, and stays mapped: more stores leave no trace.
int MakeDirtyAndHold(const std::string& path) {
  char* mapping = Map(OpenToWrite(path));
  if (mapping == nullptr) return errno;
  volatile char* last = mapping + kGap + kBlockBytes - 1;
  const char byte = *last;
  *last = byte;
  HeldMappings()[path] = mapping;
  return 0;
}

Mutated ByHeldMapping(const std::string& path) {
  std::fill_n(HeldMappings().at(path) + kGap, kGapBytes, '\0');
  return {};
}

// The page stays dirty after this, and nobody has it mapped.
int MakeDirty(const std::string& path) {
  const UniqueFd file = OpenToWrite(path);
  char* mapping = Map(file);
  if (mapping == nullptr) return errno;
  volatile char* last = mapping + kGap + kBlockBytes - 1;  // Of the page.
  const char byte = *last;
  *last = byte;
  return ::munmap(mapping, kFileBytes) == 0 ? 0 : errno;
}

// --- By the kernel, into a page that was mapped ------------------------------

PinnedPages& Pins() {
  static PinnedPages pins;
  return pins;
}

int Pin(const std::string& path) {
  const UniqueFd file = OpenToWrite(path);
  char* mapping = Map(file);
  if (mapping == nullptr) return errno;
  // A page that is there, and writable.
  volatile char* last = mapping + kGap + kBlockBytes - 1;  // Of the page.
  const char byte = *last;
  *last = byte;
  const int error = Pins().Add(path, mapping, kFileBytes);
  (void)::munmap(mapping, kFileBytes);
  return error;
}

Mutated ByPinnedPage(const std::string& path) {
  Mutated done;
  const UniqueFd zeros = OpenZeros(path);
  done.error = Pins().ReadInto(path, zeros.UnsafeFd(), kGapBytes, kGap);
  return done;
}

constexpr std::array kMutations = {
    Mutation{"write", ByWrite},
    Mutation{"write_still_open", ByWriteStillOpen},
    Mutation{"io_uring", ByIoUring},
    Mutation{"splice", BySplice},
    Mutation{"copy_file_range", ByCopyFileRange},
    Mutation{"sendfile", BySendfile},
    Mutation{"punch_hole", ByPunchHole},
    Mutation{"zero_range", ByZeroRange},
    Mutation{"clone", ByClone},
    Mutation{"truncate_and_rewrite", ByTruncateAndRewrite},
    Mutation{"truncate_to_same_size", ByTruncateToSameSize},
    Mutation{"truncate", ByTruncate},
    Mutation{"rename", ByRename},
    Mutation{"exchange", ByExchange},
    Mutation{"link", ByLink},
    Mutation{"symlink", BySymlink},
    Mutation{"first_touch", ByFirstTouch},
    Mutation{"first_touch_and_let_go", ByFirstTouchAndLetGo},
    Mutation{"touch_after_read", ByTouchAfterRead},
    Mutation{"dirty_page", ByDirtyPage},
    Mutation{"dirty_page_again", ByTouchAfterRead, MakeDirty},
    Mutation{"held_mapping", ByHeldMapping, MakeDirtyAndHold},
    Mutation{"pinned_page", ByPinnedPage, Pin},
};

}  // namespace

const Mutation* FindMutation(std::string_view name) {
  const auto* found =
      std::find_if(kMutations.begin(), kMutations.end(),
                   [&](const Mutation& one) { return one.name == name; });
  return found == kMutations.end() ? nullptr : found;
}

}  // namespace gatehouse
