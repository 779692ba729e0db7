#include "tests/quarantine/simulator/simulated_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "quarantine/inode_flags.h"

namespace gatehouse {
namespace {

using Type = SimulatedDisk::Type;

constexpr uint64_t kFreeBytes = uint64_t{1} << 40;
constexpr auto kNone = SimulatedDisk::kNone;

Unexpected Refused(const char* what, int error_number) {
  return FailSystem(what, error_number);
}

}  // namespace

std::optional<Error> SimulatedFiles::Enter(const char* call, Kind kind,
                                           Node node) {
  ++calls_;
  for (const char* letter = call; *letter != '\0'; ++letter) {
    trace_ = (trace_ ^ static_cast<uint8_t>(*letter)) * 0x100000001b3U;
  }
  if (attacker_) attacker_();
  if (story_) {
    story_(std::to_string(calls_) + " " + call + " " +
           (node == kNone ? "nothing" : disk_.PathOf(node)));
  }
  if (calls_ == faults_.die_at) throw ProcessDied();
  if (node == kNone) return SystemError(call, EBADF);
  if (faults_.fail_at == 0 || calls_ < faults_.fail_at) return std::nullopt;
  if (faults_.failures == 0) return std::nullopt;
  const bool is_meant =
      faults_.device == 0 ||
      (kind == Kind::kWrites && disk_.DeviceOf(node) == faults_.device);
  if (!is_meant) return std::nullopt;
  --faults_.failures;
  if (story_)
    story_(std::string("  fails: ") + std::to_string(faults_.error_number));
  return SystemError(call, faults_.error_number);
}

UniqueFd SimulatedFiles::OpenNode(Node node) {
  UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  node_of_[fd.UnsafeFd()] = node;
  return fd;
}

// --- Opening ----------------------------------------------------------------

Result<SimulatedFiles::Node> SimulatedFiles::Walk(const std::string& path,
                                                  bool follows) {
  Node node = SimulatedDisk::kRoot;
  size_t begin = 0;
  while (begin < path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty()) continue;
    if (disk_.TypeOf(node) != Type::kDirectory) {
      return Refused("open directory", ENOTDIR);
    }
    node = disk_.Lookup(node, name);
    if (node == kNone) return Refused("open directory", ENOENT);
    if (disk_.TypeOf(node) != Type::kSymbolicLink) continue;
    if (!follows) return Refused("open directory", ELOOP);
    const Result<Node> target = Walk(disk_.ContentOf(node), follows);
    if (!target) return target;
    node = *target;
  }
  if (disk_.TypeOf(node) != Type::kDirectory) {
    return Refused("open directory", ENOTDIR);
  }
  return node;
}

Result<SimulatedFiles::Node> SimulatedFiles::Find(int directory,
                                                  const std::string& name) {
  const Node node = disk_.Lookup(NodeOf(directory), name);
  if (node == kNone) return Refused("find", ENOENT);
  return node;
}

Result<SimulatedFiles::Node> SimulatedFiles::ParentOf(Node directory) {
  const auto names = disk_.NamesOf(directory);
  if (names.empty()) return Refused("find", ENOENT);
  return names.front().first;
}

Result<UniqueFd> SimulatedFiles::OpenStateDirectory(const std::string& path) {
  if (auto error = Enter("OpenStateDirectory", Kind::kLooks, 0)) {
    return Unexpected(*error);
  }
  const Result<Node> node = Walk(path, true);
  if (!node) return Unexpected(node.error());
  return OpenNode(*node);
}

Result<UniqueFd> SimulatedFiles::OpenDirectory(const std::string& path) {
  if (auto error = Enter("OpenDirectory", Kind::kLooks, 0)) {
    return Unexpected(*error);
  }
  const Result<Node> node = Walk(path, false);
  if (!node) return Unexpected(node.error());
  return OpenNode(*node);
}

Result<UniqueFd> SimulatedFiles::OpenDirectoryIn(int directory,
                                                 const std::string& name) {
  if (auto error = Enter("OpenDirectoryIn", Kind::kLooks, NodeOf(directory))) {
    return Unexpected(*error);
  }
  const Result<Node> node =
      name == ".." ? ParentOf(NodeOf(directory)) : Find(directory, name);
  if (!node) return Unexpected(node.error());
  if (disk_.TypeOf(*node) != Type::kDirectory) {
    return Refused("open directory", ENOTDIR);
  }
  return OpenNode(*node);
}

Result<UniqueFd> SimulatedFiles::OpenFileIn(int directory,
                                            const std::string& name) {
  if (auto error = Enter("OpenFileIn", Kind::kLooks, NodeOf(directory))) {
    return Unexpected(*error);
  }
  const Result<Node> node = Find(directory, name);
  if (!node) return Unexpected(node.error());
  if (disk_.TypeOf(*node) == Type::kSymbolicLink) return Refused("open", ELOOP);
  return OpenNode(*node);
}

Result<UniqueFd> SimulatedFiles::Reopen(int fd) {
  if (auto error = Enter("Reopen", Kind::kLooks, NodeOf(fd))) {
    return Unexpected(*error);
  }
  return OpenNode(NodeOf(fd));
}

Result<UniqueFd> SimulatedFiles::OpenByHandle(const FileFacts& facts,
                                              int /*hint*/) {
  if (auto error = Enter("OpenByHandle", Kind::kLooks, 0)) {
    return Unexpected(*error);
  }
  for (Node node = 0; node < disk_.size(); ++node) {
    if (disk_.FactsOf(node).handle != facts.handle) continue;
    if (disk_.LinksOf(node) == 0) break;
    return OpenNode(node);
  }
  return Unexpected(
      Error{ErrorCode::kNotFound, "open by handle: it is gone", ESTALE});
}

Result<UniqueFd> SimulatedFiles::Duplicate(int fd) {
  if (auto error = Enter("Duplicate", Kind::kLooks, NodeOf(fd))) {
    return Unexpected(*error);
  }
  return OpenNode(NodeOf(fd));
}

// --- Content ----------------------------------------------------------------

Result<size_t> SimulatedFiles::Read(int fd, uint64_t offset,
                                    MutableByteView bytes) {
  if (auto error = Enter("Read", Kind::kReads, NodeOf(fd))) {
    return Unexpected(*error);
  }
  if (faults_.interrupts && random_.OneIn(4)) return Refused("read", EINTR);
  const std::string& content = disk_.ContentOf(NodeOf(fd));
  if (offset >= content.size()) return size_t{0};
  size_t count = std::min<size_t>(bytes.size(), content.size() - offset);
  if (faults_.short_transfers && count > 1) count = 1 + random_.Below(count);
  const ByteView source = AsBytes(content).subspan(offset, count);
  std::copy(source.begin(), source.end(), bytes.begin());
  return count;
}

Result<size_t> SimulatedFiles::Write(int fd, uint64_t offset, ByteView bytes) {
  if (auto error = Enter("Write", Kind::kWrites, NodeOf(fd))) {
    return Unexpected(*error);
  }
  if (faults_.interrupts && random_.OneIn(4)) return Refused("write", EINTR);
  size_t count = bytes.size();
  if (faults_.short_transfers && count > 1) count = 1 + random_.Below(count);
  disk_.Write(NodeOf(fd), offset, std::string(AsText(bytes.first(count))));
  return count;
}

Result<bool> SimulatedFiles::SetSize(int fd, uint64_t size) {
  if (auto error = Enter("SetSize", Kind::kWrites, NodeOf(fd))) {
    return Unexpected(*error);
  }
  disk_.SetSize(NodeOf(fd), size);
  return true;
}

Result<bool> SimulatedFiles::Allocate(int fd, uint64_t bytes) {
  return SetSize(fd, bytes);
}

// Blocks of zeros are holes.
std::optional<FileExtent> SimulatedFiles::NextData(int fd, uint64_t from,
                                                   uint64_t size) {
  if (Enter("NextData", Kind::kLooks, NodeOf(fd)))
    return FileExtent{from, size};
  if (from >= size) return std::nullopt;
  constexpr size_t kBlock = 16;
  const std::string& content = disk_.ContentOf(NodeOf(fd));
  const auto is_hole = [&content](uint64_t block) {
    const std::string bytes = content.substr(block * kBlock, kBlock);
    return std::all_of(bytes.begin(), bytes.end(),
                       [](char c) { return c == '\0'; });
  };
  const uint64_t limit = std::min<uint64_t>(size, content.size());
  uint64_t begin = from;
  while (begin < limit && is_hole(begin / kBlock)) {
    begin = (begin / kBlock + 1) * kBlock;
  }
  if (begin >= limit) return std::nullopt;
  uint64_t end = begin;
  while (end < limit && !is_hole(end / kBlock)) {
    end = (end / kBlock + 1) * kBlock;
  }
  return FileExtent{begin, std::min(end, limit)};
}

// --- Facts ------------------------------------------------------------------

Result<std::string> SimulatedFiles::PathOf(int fd) {
  if (auto error = Enter("PathOf", Kind::kLooks, NodeOf(fd))) {
    return Unexpected(*error);
  }
  const Node node = NodeOf(fd);
  const auto lie = lies_.find(node);
  if (lie != lies_.end()) {
    std::string path = lie->second;
    lies_.erase(lie);
    return path;
  }
  const std::string path = disk_.PathOf(node);
  return path.empty() ? "/place/gone (deleted)" : path;
}

Result<FileFacts> SimulatedFiles::Facts(int fd) {
  wanted_ = NodeOf(fd);
  return Identity(fd);
}

Result<FileFacts> SimulatedFiles::Identity(int fd) {
  if (auto error = Enter("Identity", Kind::kLooks, NodeOf(fd))) {
    return Unexpected(*error);
  }
  return disk_.FactsOf(NodeOf(fd));
}

Result<FileFacts> SimulatedFiles::IdentityIn(int directory,
                                             const std::string& name) {
  if (auto error = Enter("IdentityIn", Kind::kLooks, NodeOf(directory))) {
    return Unexpected(*error);
  }
  const Result<Node> node = Find(directory, name);
  if (!node) return Unexpected(node.error());
  const bool is_captured = name.ends_with(".c") || name == "captured";
  if (!verifies_ && is_captured && wanted_ != kNone) {
    return disk_.FactsOf(wanted_);
  }
  return disk_.FactsOf(*node);
}

bool SimulatedFiles::IsOnSameMount(int directory, int other_directory) {
  if (Enter("IsOnSameMount", Kind::kLooks, NodeOf(directory))) return false;
  const Node other = NodeOf(other_directory);
  return other != kNone &&
         disk_.DeviceOf(NodeOf(directory)) == disk_.DeviceOf(other);
}

Result<uint64_t> SimulatedFiles::FreeBytes(int directory) {
  if (auto error = Enter("FreeBytes", Kind::kLooks, NodeOf(directory))) {
    return Unexpected(*error);
  }
  return kFreeBytes;
}

bool SimulatedFiles::IsReadOnly(int directory) {
  (void)Enter("IsReadOnly", Kind::kLooks, NodeOf(directory));
  return false;
}

bool SimulatedFiles::MayHang(int fd) {
  return Enter("MayHang", Kind::kLooks, NodeOf(fd)).has_value();
}

// --- Names ------------------------------------------------------------------

bool SimulatedFiles::IsProtected(Node node) {
  return (disk_.AttributesOf(node).inode_flags & kInodeFlagsOfProtection) != 0;
}

Result<bool> SimulatedFiles::MakeDirectory(int directory,
                                           const std::string& name) {
  const Node parent = NodeOf(directory);
  if (auto error = Enter("MakeDirectory", Kind::kWrites, parent)) {
    return Unexpected(*error);
  }
  if (disk_.Lookup(parent, name) != kNone) {
    return Refused("make directory", EEXIST);
  }
  disk_.Link(parent, name,
             disk_.Create(Type::kDirectory, disk_.DeviceOf(parent), 0700,
                          ::geteuid()));
  return true;
}

Result<bool> SimulatedFiles::RemoveDirectory(int directory,
                                             const std::string& name) {
  const Node parent = NodeOf(directory);
  if (auto error = Enter("RemoveDirectory", Kind::kWrites, parent)) {
    return Unexpected(*error);
  }
  const Result<Node> node = Find(directory, name);
  if (!node) return Unexpected(node.error());
  if (disk_.TypeOf(*node) != Type::kDirectory) {
    return Refused("remove directory", ENOTDIR);
  }
  if (!disk_.Entries(*node).empty()) {
    return Refused("remove directory", ENOTEMPTY);
  }
  disk_.Unlink(parent, name);
  return true;
}

Result<bool> SimulatedFiles::Rename(int from_directory, const std::string& from,
                                    int to_directory, const std::string& to) {
  if (auto error = Enter("Rename", Kind::kWrites, NodeOf(from_directory))) {
    return Unexpected(*error);
  }
  const Result<Node> node = Find(from_directory, from);
  if (!node) return Unexpected(node.error());
  const Node target = NodeOf(to_directory);
  if (target == kNone) return Refused("rename", EBADF);
  if (disk_.DeviceOf(*node) != disk_.DeviceOf(target)) {
    return Refused("rename", EXDEV);
  }
  if (IsProtected(*node)) return Refused("rename", EPERM);
  // A directory that was removed takes no names.
  if (target != SimulatedDisk::kRoot && disk_.LinksOf(target) == 0) {
    return Refused("rename", ENOENT);
  }
  if (disk_.Lookup(target, to) != kNone) return Refused("rename", EEXIST);
  disk_.Rename(NodeOf(from_directory), from, target, to);
  return true;
}

Result<bool> SimulatedFiles::Replace(int directory, const std::string& from,
                                     const std::string& to) {
  if (auto error = Enter("Replace", Kind::kWrites, NodeOf(directory))) {
    return Unexpected(*error);
  }
  const Result<Node> node = Find(directory, from);
  if (!node) return Unexpected(node.error());
  disk_.Rename(NodeOf(directory), from, NodeOf(directory), to);
  return true;
}

Result<bool> SimulatedFiles::Unlink(int directory, const std::string& name) {
  if (auto error = Enter("Unlink", Kind::kWrites, NodeOf(directory))) {
    return Unexpected(*error);
  }
  const Result<Node> node = Find(directory, name);
  if (!node) return Unexpected(node.error());
  if (disk_.TypeOf(*node) == Type::kDirectory) return Refused("remove", EISDIR);
  if (IsProtected(*node)) return Refused("remove", EPERM);
  disk_.Unlink(NodeOf(directory), name);
  return true;
}

Result<UniqueFd> SimulatedFiles::CreateUnnamed(int directory) {
  const Node parent = NodeOf(directory);
  if (auto error = Enter("CreateUnnamed", Kind::kWrites, parent)) {
    return Unexpected(*error);
  }
  return OpenNode(
      disk_.Create(Type::kFile, disk_.DeviceOf(parent), 0600, ::geteuid()));
}

Result<bool> SimulatedFiles::Link(int fd, int directory,
                                  const std::string& name) {
  const Node parent = NodeOf(directory);
  if (auto error = Enter("Link", Kind::kWrites, parent)) {
    return Unexpected(*error);
  }
  if (NodeOf(fd) == kNone) return Refused("create", EBADF);
  if (disk_.Lookup(parent, name) != kNone) return Refused("create", EEXIST);
  if (disk_.LinksOf(parent) == 0) return Refused("create", ENOENT);
  disk_.Link(parent, name, NodeOf(fd));
  return true;
}

Result<bool> SimulatedFiles::Sync(int fd) {
  const Node node = NodeOf(fd);
  if (auto error = Enter("Sync", Kind::kWrites, node)) {
    if (node != kNone) disk_.FlushInVain(node);
    return Unexpected(*error);
  }
  if (flushes_) disk_.Flush(node);
  return true;
}

Result<std::vector<std::string>> SimulatedFiles::List(int directory) {
  if (auto error = Enter("List", Kind::kReads, NodeOf(directory))) {
    return Unexpected(*error);
  }
  std::vector<std::string> names;
  for (const auto& [name, node] : disk_.Entries(NodeOf(directory))) {
    names.push_back(name);
  }
  return names;
}

// --- Attributes -------------------------------------------------------------

Result<bool> SimulatedFiles::ChangeInodeFlags(int fd, uint32_t mask,
                                              uint32_t flags) {
  if (auto error = Enter("ChangeInodeFlags", Kind::kWrites, NodeOf(fd))) {
    return Unexpected(*error);
  }
  uint32_t& now = disk_.AttributesOf(NodeOf(fd)).inode_flags;
  now = (now & ~mask) | (flags & mask);
  disk_.Touch(NodeOf(fd));
  return true;
}

Result<bool> SimulatedFiles::IsOpenElsewhere(int fd) {
  if (auto error = Enter("IsOpenElsewhere", Kind::kLooks, NodeOf(fd))) {
    return Unexpected(*error);
  }
  return in_use_ && in_use_(NodeOf(fd));
}

Result<bool> SimulatedFiles::ApplyFacts(int fd, const FileFacts& facts,
                                        bool with_privileges) {
  const Node node = NodeOf(fd);
  if (auto error = Enter("ApplyFacts", Kind::kWrites, node)) {
    return Unexpected(*error);
  }
  SimulatedDisk::Attributes& attributes = disk_.AttributesOf(node);
  attributes.mode = facts.mode & (with_privileges ? 07777U : 0777U);
  attributes.uid = facts.uid;
  attributes.gid = facts.gid;
  attributes.mtime = facts.mtime;
  attributes.xattrs = facts.xattrs;
  disk_.Touch(node);
  return true;
}

}  // namespace gatehouse
