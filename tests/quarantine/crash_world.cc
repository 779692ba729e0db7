#include "tests/quarantine/crash_world.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/quarantine/driver_operations.h"
#include "tests/quarantine/driver_part.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

constexpr int kProtection = FS_IMMUTABLE_FL | FS_APPEND_FL;
constexpr size_t kChunk = size_t{64} << 10;

// No chunk like its neighbours.
std::string Malicious(size_t bytes) {
  std::string content(kDriverMarker);
  while (content.size() < bytes) {
    content += std::to_string(content.size()) + std::string(250, '.');
  }
  content.resize(bytes);
  return content;
}

void Write(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  EXPECT_TRUE(file.good()) << path;
}

void SetFlags(const std::string& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(::ioctl(fd.UnsafeFd(), FS_IOC_SETFLAGS, &flags), 0) << path;
}

// A user and a group more than the mode says, as the kernel encodes it.
std::string AccessList() {
  std::string list("\x02\0\0\0", 4);
  const auto add = [&list](uint16_t tag, uint16_t rights, uint32_t id) {
    for (const uint32_t half :
         {uint32_t{tag}, uint32_t{rights}, id & 0xffff, id >> 16}) {
      list += static_cast<char>(half & 0xff);
      list += static_cast<char>(half >> 8 & 0xff);
    }
  };
  constexpr uint32_t kNobody = ~uint32_t{0};
  add(0x01, 6, kNobody);
  add(0x02, 4, 1234);
  add(0x04, 4, kNobody);
  add(0x10, 4, kNobody);
  add(0x20, 0, kNobody);
  return list;
}

void SetAttribute(const std::string& path, const char* name,
                  const std::string& value) {
  EXPECT_EQ(::setxattr(path.c_str(), name, value.data(), value.size(), 0), 0)
      << name << " of " << path;
}

std::map<std::string, std::string> AttributesOf(const std::string& path) {
  std::map<std::string, std::string> attributes;
  std::array<char, 4096> names = {};
  const ssize_t length = ::listxattr(path.c_str(), names.data(), names.size());
  for (ssize_t at = 0; at < length;) {
    const std::string name(&names.at(static_cast<size_t>(at)));
    std::array<char, 4096> value = {};
    const ssize_t got =
        ::getxattr(path.c_str(), name.c_str(), value.data(), value.size());
    EXPECT_GE(got, 0);
    attributes[name] = std::string(value.data(), static_cast<size_t>(got));
    at += static_cast<ssize_t>(name.size()) + 1;
  }
  return attributes;
}

FileSight SightOfFile(const std::string& path) {
  FileSight sight;
  const UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat facts = {};
  EXPECT_EQ(::fstat(fd.UnsafeFd(), &facts), 0) << path;
  sight.mode = facts.st_mode;
  sight.uid = facts.st_uid;
  sight.nlink = facts.st_nlink;
  sight.mtime_ns = facts.st_mtim.tv_sec * 1000000000 + facts.st_mtim.tv_nsec;
  sight.blocks = facts.st_blocks;
  int flags = 0;
  if (::ioctl(fd.UnsafeFd(), FS_IOC_GETFLAGS, &flags) == 0) {
    sight.flags = static_cast<uint32_t>(flags & kProtection);
  }
  sight.content.resize(static_cast<size_t>(facts.st_size));
  EXPECT_EQ(
      ::pread(fd.UnsafeFd(), sight.content.data(), sight.content.size(), 0),
      facts.st_size)
      << path;
  sight.xattrs = AttributesOf(path);
  return sight;
}

void RemoveAllIn(const std::string& folder) {
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    if (SightOfFile(entry.path()).flags != 0) SetFlags(entry.path(), 0);
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != "lost+found") fs::remove_all(entry.path());
  }
}

std::string ProgramFolder() {
  return fs::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace

std::string KindName(FileKind kind) {
  static constexpr std::array kNames = {
      "Empty",  "OneByte",    "BelowChunk", "AboveChunk", "Of16MiB",
      "Sparse", "HardLinked", "Immutable",  "Attributes"};
  return kNames.at(static_cast<size_t>(kind));
}

TreeSight SightOf(const std::string& folder) {
  TreeSight tree;
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder);
    if (name.starts_with("lost+found")) continue;
    if (entry.is_regular_file()) tree[name] = SightOfFile(entry.path());
    if (entry.is_directory()) tree[name + "/"];
  }
  return tree;
}

CrashWorld::CrashWorld(Options options)
    : options_(std::move(options)), base_(directory_.MakeDirectory("world")) {
  PrepareDriver();
  memory_.emplace(base_);
  const int count = options_.has_two ? 2 : 1;
  for (int i = 0; i < count; ++i) {
    Result<LoopDisk> disk =
        LoopDisk::Make(base_, "disk" + std::to_string(i), options_.file_system);
    if (!disk) {
      ADD_FAILURE() << disk.error().message;
      std::abort();
    }
    disks_.push_back(std::move(*disk));
  }
  place_ = disks_.front().path() + "/place";
  state_ = disks_.back().path() + "/state";
  out_ = base_ + "/out";
  EXPECT_EQ(::mkdir(out_.c_str(), 0700), 0);
}

void CrashWorld::Begin(FileKind kind) {
  for (const LoopDisk& disk : disks_) RemoveAllIn(disk.path());
  EXPECT_EQ(::mkdir(place_.c_str(), 0777), 0);
  EXPECT_EQ(::mkdir(state_.c_str(), 0700), 0);
  Write(place_ + "/innocent", "an innocent file\n");
  Write(place_ + "/z innocent", std::string(5000, 'z'));
  SetAttribute(place_ + "/z innocent", "user.note", "nothing");
  MakeThreat(kind);
  before_ = SightOf(place_);
  SyncAll();
}

void CrashWorld::MakeThreat(FileKind kind) const {
  const std::string path = threat();
  switch (kind) {
    case FileKind::kEmpty:
      Write(path, "");
      break;
    case FileKind::kOneByte:
      Write(path, std::string(kOneByteThreat));
      break;
    case FileKind::kBelowChunk:
      Write(path, Malicious(kChunk - 1));
      break;
    case FileKind::kAboveChunk:
      Write(path, Malicious(kChunk + 1));
      break;
    case FileKind::k16MiB:
      Write(path, Malicious(kChunk * 256));
      break;
    case FileKind::kSparse:
      Write(path, Malicious(5000));
      EXPECT_EQ(::truncate(path.c_str(), off_t{kChunk} * 12 + 7), 0);
      break;
    case FileKind::kHardLinked:
      Write(path, Malicious(100));
      EXPECT_EQ(::link(path.c_str(), (place_ + "/link").c_str()), 0);
      break;
    case FileKind::kImmutable:
      Write(path, Malicious(100));
      SetFlags(path, FS_IMMUTABLE_FL);
      break;
    case FileKind::kAttributes:
      Write(path, Malicious(100));
      EXPECT_EQ(::chown(path.c_str(), 1000, 1000), 0);
      SetAttribute(path, "user.origin", "somewhere else");
      SetAttribute(path, "trusted.binary", std::string("\0\1\2", 3));
      SetAttribute(path, "system.posix_acl_access", AccessList());
      break;
  }
}

ProgramEnd CrashWorld::Drive(const std::vector<std::string>& words,
                             CallWatcher* watcher) const {
  std::vector<std::string> command = {state_};
  command.insert(command.end(), words.begin(), words.end());
  if (options_.driver.empty()) {
    return RunForked([&command] { DriveQuarantine(command); }, watcher);
  }
  command.insert(command.begin(), ProgramFolder() + "/" + options_.driver);
  return RunProgram(command, watcher);
}

void CrashWorld::SyncAll() const {
  for (const LoopDisk& disk : disks_) EXPECT_TRUE(disk.SyncAll());
}

// Each disk keeps its names or nothing, independently of the other.
void CrashWorld::CutPower(uint64_t round) const {
  for (const LoopDisk& disk : disks_) {
    const Result<bool> cut =
        disk.CutPower(round % 2 == 0 ? LoopDisk::Cut::kKeepNothing
                                     : LoopDisk::Cut::kKeepNames);
    EXPECT_TRUE(cut) << cut.error().message;
    round /= 2;
  }
}

void CrashWorld::MountAgain() {
  for (LoopDisk& disk : disks_) {
    const Result<bool> mounted = disk.MountAgain();
    EXPECT_TRUE(mounted) << mounted.error().message;
  }
}

}  // namespace gatehouse
