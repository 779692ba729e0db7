// Opens or runs one file in one way, and says how that went. A program of its
// own, because a held process holds everything in it.
//
//   gatehouse_test_way WAY PATH
//
// One line on stdout: "0" if the way led to the content, else the errno.
// Ways: see main.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

// What a descriptor gives: 0, or the errno it stands for.
int ReadsFrom(int fd) {
  if (fd < 0) return errno;
  std::array<char, 64> content = {};
  const ssize_t bytes = ::read(fd, content.data(), content.size());
  const int error = bytes < 0 ? errno : (bytes == 0 ? ENODATA : 0);
  (void)::close(fd);
  return error;
}

int ByOpen(const char* path) { return ReadsFrom(::open(path, O_RDONLY)); }

int ByOpenat2(const char* path) {
  open_how how = {};
  how.flags = O_RDONLY;
  return ReadsFrom(static_cast<int>(
      ::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how))));
}

// A descriptor that only names the file, opened again through /proc.
int ByOPath(const char* path) {
  const int fd = ::open(path, O_PATH);
  if (fd < 0) return errno;
  return ByOpen(("/proc/self/fd/" + std::to_string(fd)).c_str());
}

int ByHandle(const char* path) {
  alignas(file_handle)
      std::array<std::byte, sizeof(file_handle) + MAX_HANDLE_SZ>
          named = {};
  auto* handle = reinterpret_cast<file_handle*>(named.data());
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  if (::name_to_handle_at(AT_FDCWD, path, handle, &mount_id, 0) != 0) {
    return errno;
  }
  const std::string folder(path, std::string_view(path).rfind('/'));
  const int mount = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (mount < 0) return errno;
  return ReadsFrom(::open_by_handle_at(mount, handle, O_RDONLY));
}

int ByMapping(const char* path) {
  const int fd = ::open(path, O_RDONLY);
  if (fd < 0) return errno;
  const void* mapped =
      ::mmap(nullptr, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  return mapped == MAP_FAILED ? errno : 0;
}

struct Ring {
  std::byte* submissions = nullptr;
  std::byte* completions = nullptr;
  io_uring_sqe* entries = nullptr;
};

template <typename T>
T* At(std::byte* base, uint32_t offset) {
  return reinterpret_cast<T*>(base + offset);
}

std::byte* MapRing(int fd, size_t bytes, off_t offset) {
  void* mapped =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  return mapped == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapped);
}

// One openat by io_uring, without liburing.
int ByIoUring(const char* path) {
  io_uring_params parameters = {};
  const int fd =
      static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters));
  if (fd < 0) return errno;
  constexpr size_t kBytes = 65536;
  const Ring ring = {MapRing(fd, kBytes, IORING_OFF_SQ_RING),
                     MapRing(fd, kBytes, IORING_OFF_CQ_RING),
                     reinterpret_cast<io_uring_sqe*>(
                         MapRing(fd, sizeof(io_uring_sqe), IORING_OFF_SQES))};
  if (ring.submissions == nullptr || ring.completions == nullptr ||
      ring.entries == nullptr) {
    return errno;
  }
  ring.entries->opcode = IORING_OP_OPENAT;
  ring.entries->fd = AT_FDCWD;
  ring.entries->addr = reinterpret_cast<uint64_t>(path);
  ring.entries->open_flags = O_RDONLY;
  *At<uint32_t>(ring.submissions, parameters.sq_off.array) = 0;
  std::atomic_ref(*At<uint32_t>(ring.submissions, parameters.sq_off.tail))
      .store(1);
  if (::syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, nullptr,
                0) < 0) {
    return errno;
  }
  const auto* done = At<io_uring_cqe>(ring.completions, parameters.cq_off.cqes);
  return done->res < 0 ? -done->res : ReadsFrom(done->res);
}

// The errno of an exec that fails; 0 if the program ran.
template <typename Exec>
int InAChild(Exec exec) {
  std::array<int, 2> failed = {};
  if (::pipe2(failed.data(), O_CLOEXEC) != 0) return errno;
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) {
    exec();
    const int error = errno;
    (void)!::write(failed[1], &error, sizeof(error));
    ::_exit(1);
  }
  (void)::close(failed[1]);
  int error = 0;
  const ssize_t bytes = ::read(failed[0], &error, sizeof(error));
  (void)::waitpid(child, nullptr, 0);
  return bytes == sizeof(error) ? error : 0;
}

char* const* Arguments() {
  static char name[] = "program";
  static char null_device[] = "/dev/null";
  static char* arguments[] = {name, null_device, nullptr};
  return arguments;
}

int ByExec(const char* path) {
  return InAChild([&] { (void)::execve(path, Arguments(), environ); });
}

int ByExecOfOPath(const char* path) {
  return InAChild([&] {
    const int fd = ::open(path, O_PATH);
    if (fd < 0) return;
    (void)::syscall(SYS_execveat, fd, "", Arguments(), environ, AT_EMPTY_PATH);
  });
}

// From memory: `path` is read while it may be, and is on no file system then.
int ByExecOfMemory(const char* path) {
  const int from = ::open(path, O_RDONLY | O_CLOEXEC);
  if (from < 0) return errno;
  const int memory = ::memfd_create("program", MFD_CLOEXEC);
  std::array<char, 65536> piece = {};
  for (ssize_t bytes = 0;
       (bytes = ::read(from, piece.data(), piece.size())) > 0;) {
    if (::write(memory, piece.data(), static_cast<size_t>(bytes)) != bytes) {
      return EIO;
    }
  }
  return InAChild([&] {
    (void)::syscall(SYS_execveat, memory, "", Arguments(), environ,
                    AT_EMPTY_PATH);
  });
}

int InAChroot(const char* path) {
  const std::string whole(path);
  const size_t slash = whole.rfind('/');
  if (::chroot(whole.substr(0, slash).c_str()) != 0 || ::chdir("/") != 0) {
    return errno;
  }
  return ByOpen(whole.substr(slash).c_str());
}

struct Way {
  std::string_view name;
  int (*go)(const char* path);
};

constexpr std::array kWays = {
    Way{"open", ByOpen},
    Way{"openat2", ByOpenat2},
    Way{"o_path", ByOPath},
    Way{"handle", ByHandle},
    Way{"mmap_exec", ByMapping},
    Way{"io_uring", ByIoUring},
    Way{"exec", ByExec},
    Way{"exec_o_path", ByExecOfOPath},
    Way{"exec_memory", ByExecOfMemory},
    Way{"chroot", InAChroot},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  for (const Way& way : kWays) {
    if (way.name != argv[1]) continue;
    std::printf("%d\n", way.go(argv[2]));
    return 0;
  }
  return 2;
}
