// CrashWorld: file systems whose power can be cut, a file of some kind with
// innocent neighbours, a vault, and the driver that works on them.
//
// Thread-compatible. Needs root.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/quarantine/loop_disk.h"
#include "tests/quarantine/private_mount.h"
#include "tests/quarantine/system_call_runner.h"
#include "tests/temp_dir.h"

namespace gatehouse {

enum class FileKind : uint8_t {
  kEmpty,
  kOneByte,
  kBelowChunk,  // 64 KiB - 1.
  kAboveChunk,  // 64 KiB + 1.
  k16MiB,
  kSparse,
  kHardLinked,
  kImmutable,
  kAttributes,  // Extended ones, and a POSIX ACL.
};
inline constexpr std::array kFileKinds = {
    FileKind::kEmpty,      FileKind::kOneByte,   FileKind::kBelowChunk,
    FileKind::kAboveChunk, FileKind::k16MiB,     FileKind::kSparse,
    FileKind::kHardLinked, FileKind::kImmutable, FileKind::kAttributes};
[[nodiscard]] std::string KindName(FileKind kind);

// All that can be seen of a file from outside but when it was changed.
struct FileSight {
  std::string content;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint64_t nlink = 0;
  int64_t mtime_ns = 0;
  int64_t blocks = 0;  // Of 512 bytes.
  uint32_t flags = 0;  // Immutable and append-only alone.
  std::map<std::string, std::string> xattrs;

  bool operator==(const FileSight&) const = default;
};
// Of the regular files below a folder; directories end in '/' and are empty.
using TreeSight = std::map<std::string, FileSight>;
[[nodiscard]] TreeSight SightOf(const std::string& folder);

class CrashWorld {
 public:
  struct Options {
    std::string file_system = "ext4";
    bool has_two = false;  // The vault is on a file system of its own.
    // Another driver, as a program; empty: ours, in a process of its own.
    std::string driver = "";
  };
  explicit CrashWorld(Options options);

  // Empties everything and makes a file of that kind, its neighbours and an
  // empty state directory. On disk when it returns.
  void Begin(FileKind kind);
  // Runs the driver on the state directory, unwatched if there is no watcher.
  ProgramEnd Drive(const std::vector<std::string>& words,
                   CallWatcher* watcher = nullptr) const;
  void SyncAll() const;
  // `round` chooses what the disks keep, of all the ways there are.
  void CutPower(uint64_t round) const;
  void MountAgain();

  std::string threat() const { return place_ + "/threat"; }
  const std::string& place() const { return place_; }
  const std::string& state() const { return state_; }
  // Where the driver puts what the vault would give back.
  const std::string& out() const { return out_; }
  // What Begin made, all of it.
  const TreeSight& before() const { return before_; }

 private:
  void MakeThreat(FileKind kind) const;

  const Options options_;
  const TempDir directory_;
  const std::string base_;
  std::optional<PrivateMount> memory_;  // The images are in memory.
  std::vector<LoopDisk> disks_;
  std::string place_;
  std::string state_;
  std::string out_;
  TreeSight before_;
};

}  // namespace gatehouse
