// SimulatedFiles: FileOperations on a SimulatedDisk. Every call may fail, may
// be cut short, may be the last one before the lights go out, and lets the
// attacker do something first: the seed decides.
//
// Thread-compatible. Descriptors are real numbers of this process (of
// /dev/null), so that UniqueFd closes them; what they mean is known here alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quarantine/file_operations.h"
#include "tests/quarantine/simulator/simulated_disk.h"

namespace gatehouse {

// Thrown out of a call that was never made: the process is gone.
struct ProcessDied {};

// When things go wrong.
struct SimulatedFaults {
  size_t die_at = 0;   // The process dies at this call; 0: it does not.
  size_t fail_at = 0;  // This call fails; 0: none.
  int error_number = 0;
  size_t failures = 0;  // So many calls from fail_at on, where they can.
  // Of this device alone, and only what writes (EROFS, ENOSPC); 0: all.
  uint64_t device = 0;
  bool short_transfers = false;
  bool interrupts = false;  // EINTR where it is allowed.
};

class SimulatedFiles final : public FileOperations {
 public:
  using Node = SimulatedDisk::Node;

  SimulatedFiles(SimulatedDisk& disk, SeededRandom& random)
      : disk_(disk), random_(random) {}

  void set_faults(const SimulatedFaults& faults) {
    faults_ = faults;
    calls_ = 0;
  }
  // Asked before each call.
  void set_attacker(std::function<void()> attacker) {
    attacker_ = std::move(attacker);
  }
  // Somebody else has the node open or mapped.
  void set_in_use(std::function<bool(Node)> in_use) {
    in_use_ = std::move(in_use);
  }
  // What the next PathOf of this node says, whatever is true: a mount
  // namespace of its opener's own.
  void set_lie(Node node, std::string path) { lies_[node] = std::move(path); }
  // For controls: flushes do nothing; every name leads to whom one looks for.
  void set_flushes(bool flushes) { flushes_ = flushes; }
  void set_verifies(bool verifies) { verifies_ = verifies; }

  // Told what happens, one line each; empty: nobody.
  void set_story(std::function<void(const std::string&)> story) {
    story_ = std::move(story);
  }

  size_t calls() const { return calls_; }
  // A number that all calls so far go into.
  uint64_t trace() const { return trace_; }
  UniqueFd OpenNode(Node node);
  // None: it is no descriptor of ours.
  Node NodeOf(int fd) const {
    const auto found = node_of_.find(fd);
    return found == node_of_.end() ? SimulatedDisk::kNone : found->second;
  }

  Result<UniqueFd> OpenStateDirectory(const std::string& path) override;
  Result<UniqueFd> OpenDirectory(const std::string& path) override;
  Result<UniqueFd> OpenDirectoryIn(int directory,
                                   const std::string& name) override;
  Result<UniqueFd> OpenFileIn(int directory, const std::string& name) override;
  Result<UniqueFd> Reopen(int fd) override;
  Result<UniqueFd> OpenByHandle(const FileFacts& facts, int hint) override;
  Result<UniqueFd> Duplicate(int fd) override;
  Result<size_t> Read(int fd, uint64_t offset, MutableByteView bytes) override;
  Result<size_t> Write(int fd, uint64_t offset, ByteView bytes) override;
  Result<bool> SetSize(int fd, uint64_t size) override;
  Result<bool> Allocate(int fd, uint64_t bytes) override;
  std::optional<FileExtent> NextData(int fd, uint64_t from,
                                     uint64_t size) override;
  Result<std::string> PathOf(int fd) override;
  Result<FileFacts> Facts(int fd) override;
  Result<FileFacts> Identity(int fd) override;
  Result<FileFacts> IdentityIn(int directory, const std::string& name) override;
  bool IsOnSameMount(int directory, int other_directory) override;
  Result<uint64_t> FreeBytes(int directory) override;
  bool MayHang(int fd) override;
  bool IsReadOnly(int directory) override;
  Result<bool> MakeDirectory(int directory, const std::string& name) override;
  Result<bool> RemoveDirectory(int directory, const std::string& name) override;
  Result<bool> Rename(int from_directory, const std::string& from,
                      int to_directory, const std::string& to) override;
  Result<bool> Replace(int directory, const std::string& from,
                       const std::string& to) override;
  Result<bool> Unlink(int directory, const std::string& name) override;
  Result<UniqueFd> CreateUnnamed(int directory) override;
  Result<bool> Link(int fd, int directory, const std::string& name) override;
  Result<bool> Sync(int fd) override;
  Result<std::vector<std::string>> List(int directory) override;
  Result<bool> ChangeInodeFlags(int fd, uint32_t mask, uint32_t flags) override;
  Result<bool> IsOpenElsewhere(int fd) override;
  Result<bool> ApplyFacts(int fd, const FileFacts& facts,
                          bool with_privileges) override;

 private:
  enum class Kind : uint8_t { kLooks, kReads, kWrites };

  // What every call begins with: nothing, or the error that it returns.
  std::optional<Error> Enter(const char* call, Kind kind, Node node);
  Result<Node> Walk(const std::string& path, bool follows);
  Result<Node> Find(int directory, const std::string& name);
  Result<Node> ParentOf(Node directory);
  bool IsProtected(Node node);

  SimulatedDisk& disk_;
  SeededRandom& random_;
  SimulatedFaults faults_;
  std::function<void()> attacker_;
  std::function<bool(Node)> in_use_;
  std::map<Node, std::string> lies_;
  std::map<int, Node> node_of_;
  std::function<void(const std::string&)> story_;
  bool flushes_ = true;
  bool verifies_ = true;
  Node wanted_ = SimulatedDisk::kNone;  // For a control.
  size_t calls_ = 0;
  uint64_t trace_ = 0xcbf29ce484222325U;
};

}  // namespace gatehouse
