#include "tests/quarantine/loop_disk.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <utility>

#include "tests/quarantine/system_call_runner.h"

namespace gatehouse {
namespace {

// xfs takes no less; what is not used takes no space.
constexpr off_t kImageBytes = off_t{640} << 20;
// FS_IOC_SHUTDOWN of the kernel: it is in no header for programs.
constexpr unsigned long kShutDown = _IOR('X', 125, uint32_t);
constexpr int kTriesMax = 1000000;

bool IsSame(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

Unexpected Refuse(const std::string& path, const std::string& why) {
  return Fail(ErrorCode::kNotPermitted,
              "no power is cut at '" + path + "': " + why);
}

}  // namespace

Result<LoopDisk> LoopDisk::Make(const std::string& folder,
                                const std::string& name,
                                const std::string& kind) {
  LoopDisk disk;
  disk.kind_ = kind;
  disk.path_ = folder + "/" + name;
  disk.image_path_ = disk.path_ + ".img";
  disk.image_.Reset(::open(disk.image_path_.c_str(),
                           O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!disk.image_.valid() ||
      ::ftruncate(disk.image_.UnsafeFd(), kImageBytes) != 0 ||
      ::mkdir(disk.path_.c_str(), 0755) != 0) {
    return FailSystem("make '" + disk.image_path_ + "'", errno);
  }
  const ProgramEnd made =
      RunProgram({"/sbin/mkfs." + kind, "-q", disk.image_path_}, nullptr);
  if (made.exit_code != 0) {
    return Fail(ErrorCode::kOperational, "mkfs." + kind + ": " + made.output);
  }
  const Result<bool> attached = disk.AttachDevice();
  if (!attached) return Unexpected(attached.error());
  const Result<bool> mounted = disk.Mount();
  if (!mounted) return Unexpected(mounted.error());
  return disk;
}

// Another process may take the device that was free a moment ago.
Result<bool> LoopDisk::AttachDevice() {
  const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.valid()) return FailSystem("open /dev/loop-control", errno);
  loop_config config = {};
  config.fd = static_cast<uint32_t>(image_.UnsafeFd());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  for (int i = 0; i < kTriesMax; ++i) {
    const int number = ::ioctl(control.UnsafeFd(), LOOP_CTL_GET_FREE);
    if (number < 0) return FailSystem("find a loop device", errno);
    device_path_ = "/dev/loop" + std::to_string(number);
    loop_.Reset(::open(device_path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!loop_.valid()) return FailSystem("open " + device_path_, errno);
    if (::ioctl(loop_.UnsafeFd(), LOOP_CONFIGURE, &config) == 0) return true;
    if (errno != EBUSY) return FailSystem("configure " + device_path_, errno);
  }
  return Fail(ErrorCode::kBusy, "no loop device stays free");
}

Result<bool> LoopDisk::Mount() {
  if (::mount(device_path_.c_str(), path_.c_str(), kind_.c_str(), 0, "") != 0) {
    return FailSystem("mount '" + path_ + "'", errno);
  }
  struct stat facts = {};
  if (::stat(path_.c_str(), &facts) != 0) {
    return FailSystem("look at '" + path_ + "'", errno);
  }
  device_ = facts.st_dev;
  return true;
}

LoopDisk::~LoopDisk() {
  if (image_path_.empty() || !image_.valid()) return;
  (void)::umount2(path_.c_str(), MNT_DETACH);
  loop_.Reset();  // The device forgets its file now.
  (void)::rmdir(path_.c_str());
  (void)::unlink(image_path_.c_str());
}

Result<bool> LoopDisk::CutPower(Cut cut) const {
  return CutPowerAt(path_, cut);
}

Result<bool> LoopDisk::CutPowerAt(const std::string& path, Cut cut) const {
  const UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat place = {};
  struct stat root = {};
  struct stat image = {};
  struct stat backing = {};
  if (!fd.valid() || ::fstat(fd.UnsafeFd(), &place) != 0 ||
      ::stat("/", &root) != 0 || ::fstat(image_.UnsafeFd(), &image) != 0) {
    return FailSystem("look at '" + path + "'", errno);
  }
  if (place.st_dev == root.st_dev) return Refuse(path, "it is the root");
  if (major(place.st_dev) != LOOP_MAJOR) {
    return Refuse(path, "it is not on a loop device");
  }
  const std::string facts = "/sys/block/loop" +
                            std::to_string(minor(place.st_dev)) +
                            "/loop/backing_file";
  std::string backing_file;
  std::getline(std::ifstream(facts), backing_file);
  if (backing_file.empty() || ::stat(backing_file.c_str(), &backing) != 0 ||
      !IsSame(backing, image)) {
    return Refuse(path, "its file '" + backing_file + "' was not made for it");
  }
  auto how = static_cast<uint32_t>(cut);
  if (::ioctl(fd.UnsafeFd(), kShutDown, &how) != 0) {
    return FailSystem("shut down '" + path + "'", errno);
  }
  return true;
}

Result<bool> LoopDisk::MountAgain() {
  for (int i = 0; ::umount2(path_.c_str(), 0) != 0; ++i) {
    if (errno != EBUSY || i == kTriesMax) {
      return FailSystem("unmount '" + path_ + "'", errno);
    }
    (void)::sched_yield();
  }
  return Mount();
}

Result<bool> LoopDisk::SyncAll() const {
  const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::syncfs(fd.UnsafeFd()) != 0) {
    return FailSystem("flush '" + path_ + "'", errno);
  }
  return true;
}

}  // namespace gatehouse
