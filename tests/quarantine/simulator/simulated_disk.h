// SimulatedDisk: file systems in memory that forget, in a power cut, what was
// not flushed.
//
// Content: each write that was not flushed survives or does not, whatever was
// written after it. Names: a change of names is one step (a rename is never
// half done), and survives only with the steps before it that touched the same
// directories; with `kJournal` only with all steps before it, as on a file
// system with one journal. Flushing a directory makes durable what touched it,
// and what that depends on. Flushing a file says nothing of its names. A flush
// that fails loses what it should have flushed, without a word later
// (Rebello and others: Can Applications Recover from fsync Failures?, 2020).
//
// Thread-compatible. Nodes are numbered and never freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "quarantine/file_facts.h"
#include "tests/quarantine/simulator/seeded_random.h"

namespace gatehouse {

class SimulatedDisk {
 public:
  using Node = size_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = SIZE_MAX;

  enum class Type : uint8_t { kFile, kDirectory, kSymbolicLink };
  enum class Order : uint8_t { kJournal, kPerDirectory };

  // What flushing a file makes durable beside its content.
  struct Attributes {
    uint32_t mode = 0;
    uint32_t uid = 0;
    uint32_t gid = 0;
    uint32_t inode_flags = 0;
    FileTime atime;
    FileTime mtime;
    std::vector<std::pair<std::string, std::string>> xattrs;
  };

  // `generation` makes its nodes others than those of another disk.
  SimulatedDisk(Order order, uint64_t generation);

  // A node without a name, on the device; durable once somebody flushes it.
  Node Create(Type type, uint64_t device, uint32_t mode, uint32_t uid);
  // Changes of names; the caller has looked whether they may be.
  void Link(Node directory, const std::string& name, Node node);
  void Unlink(Node directory, const std::string& name);
  // What had the new name loses it, in the same step.
  void Rename(Node from_directory, const std::string& from, Node to_directory,
              const std::string& to);
  void Exchange(Node directory, const std::string& name, Node other_directory,
                const std::string& other);
  void Write(Node node, uint64_t offset, const std::string& bytes);
  void SetSize(Node node, uint64_t size);
  // A store through a mapping: no time of the file tells of it.
  void Store(Node node, const std::string& bytes);

  void Flush(Node node);
  void FlushInVain(Node node);
  // Everything there is.
  void FlushAll();
  void CutPower(SeededRandom& random);

  Node Lookup(Node directory, const std::string& name) const;
  const std::map<std::string, Node>& Entries(Node directory) const;
  // Of a name that leads to it; empty: there is none.
  std::string PathOf(Node node) const;
  // Parent and name of each name of it.
  std::vector<std::pair<Node, std::string>> NamesOf(Node node) const;

  size_t size() const { return nodes_.size(); }
  Type TypeOf(Node node) const { return nodes_[node].type; }
  uint64_t DeviceOf(Node node) const { return nodes_[node].device; }
  const std::string& ContentOf(Node node) const { return nodes_[node].content; }
  Attributes& AttributesOf(Node node) { return nodes_[node].attributes; }
  uint64_t LinksOf(Node node) const { return nodes_[node].links; }
  FileFacts FactsOf(Node node) const;
  // The change time moves.
  void Touch(Node node);
  void SetTarget(Node link, std::string target);

  // Everything that can be reached, one line per name; for comparing.
  std::string Listing() const;

 private:
  struct Unflushed {
    bool is_size = false;
    uint64_t offset = 0;  // Or the size.
    std::string bytes;
  };
  struct NodeState {
    Type type = Type::kFile;
    uint64_t device = 0;
    FileTime btime;
    FileTime ctime;
    std::string content;  // Of a file; of a link, where it leads.
    Attributes attributes;
    std::string durable_content;
    Attributes durable_attributes;
    std::vector<Unflushed> unflushed;
    std::map<std::string, Node> entries;
    std::map<std::string, Node> durable_entries;
    uint64_t links = 0;
  };
  struct Change {
    Node directory = kNone;
    std::string name;
    Node node = kNone;  // None: the name goes.
  };
  using Step = std::vector<Change>;

  FileTime Now();
  void Do(Step step);
  void Apply(const Step& step, bool durable);
  static bool Share(const Step& one, const Step& other);
  void FlushNames(Node directory);
  static void WriteInto(std::string& content, const Unflushed& write);
  void AddListing(Node directory, const std::string& path,
                  std::string& listing) const;

  const Order order_;
  const uint64_t generation_;
  int64_t ticks_ = 1;
  std::vector<NodeState> nodes_;
  std::vector<Step> steps_;  // Not durable, in their order.
};

}  // namespace gatehouse
