#include "tests/quarantine/simulator/simulated_disk.h"

#include <sys/stat.h>

#include <algorithm>

namespace gatehouse {

SimulatedDisk::SimulatedDisk(Order order, uint64_t generation)
    : order_(order), generation_(generation) {
  (void)Create(Type::kDirectory, 1, 0755, 0);
}

FileTime SimulatedDisk::Now() { return {1'700'000'000, ticks_++}; }

SimulatedDisk::Node SimulatedDisk::Create(Type type, uint64_t device,
                                          uint32_t mode, uint32_t uid) {
  NodeState& node = nodes_.emplace_back();
  node.type = type;
  node.device = device;
  node.btime = Now();
  node.ctime = node.btime;
  node.attributes.mode = mode;
  node.attributes.uid = uid;
  node.attributes.atime = node.btime;
  node.attributes.mtime = node.btime;
  node.durable_attributes = node.attributes;
  return nodes_.size() - 1;
}

// --- Names ------------------------------------------------------------------

void SimulatedDisk::Link(Node directory, const std::string& name, Node node) {
  Do({{directory, name, node}});
}

void SimulatedDisk::Unlink(Node directory, const std::string& name) {
  const Node node = Lookup(directory, name);
  Step step = {{directory, name, kNone}};
  // A directory goes after what was in it.
  if (node != kNone && TypeOf(node) == Type::kDirectory) {
    step.push_back({node, "", kNone});
  }
  Do(std::move(step));
}

void SimulatedDisk::Rename(Node from_directory, const std::string& from,
                           Node to_directory, const std::string& to) {
  const Node node = Lookup(from_directory, from);
  Do({{from_directory, from, kNone}, {to_directory, to, node}});
}

void SimulatedDisk::Exchange(Node directory, const std::string& name,
                             Node other_directory, const std::string& other) {
  const Node node = Lookup(directory, name);
  const Node other_node = Lookup(other_directory, other);
  Do({{directory, name, other_node}, {other_directory, other, node}});
}

void SimulatedDisk::Do(Step step) {
  for (const Change& change : step) {
    const Node before = Lookup(change.directory, change.name);
    if (before != kNone) Touch(before);
    if (change.node != kNone) Touch(change.node);
  }
  Apply(step, false);
  steps_.push_back(std::move(step));
}

void SimulatedDisk::Apply(const Step& step, bool durable) {
  for (const Change& change : step) {
    NodeState& directory = nodes_[change.directory];
    auto& entries = durable ? directory.durable_entries : directory.entries;
    const auto before = entries.find(change.name);
    if (before != entries.end()) {
      if (!durable) --nodes_[before->second].links;
      entries.erase(before);
    }
    if (change.node == kNone) continue;
    entries[change.name] = change.node;
    if (!durable) ++nodes_[change.node].links;
  }
}

bool SimulatedDisk::Share(const Step& one, const Step& other) {
  for (const Change& change : one) {
    for (const Change& another : other) {
      if (change.directory == another.directory) return true;
    }
  }
  return false;
}

void SimulatedDisk::FlushNames(Node directory) {
  // From the last one backwards: what it needs are steps before it.
  std::vector<bool> is_needed(steps_.size());
  for (size_t i = steps_.size(); i-- > 0;) {
    const auto touches = [directory](const Change& change) {
      return change.directory == directory;
    };
    bool needed = std::any_of(steps_[i].begin(), steps_[i].end(), touches);
    for (size_t j = i + 1; j < steps_.size() && !needed; ++j) {
      needed = is_needed[j] &&
               (order_ == Order::kJournal || Share(steps_[i], steps_[j]));
    }
    is_needed[i] = needed;
  }
  std::vector<Step> left;
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (is_needed[i]) {
      Apply(steps_[i], true);
    } else {
      left.push_back(std::move(steps_[i]));
    }
  }
  steps_ = std::move(left);
}

// --- Content ----------------------------------------------------------------

void SimulatedDisk::WriteInto(std::string& content, const Unflushed& write) {
  if (write.is_size) {
    content.resize(write.offset);
    return;
  }
  const auto offset = write.offset;
  if (content.size() < offset + write.bytes.size()) {
    content.resize(offset + write.bytes.size());
  }
  content.replace(offset, write.bytes.size(), write.bytes);
}

void SimulatedDisk::Write(Node node, uint64_t offset,
                          const std::string& bytes) {
  NodeState& state = nodes_[node];
  state.unflushed.push_back({false, offset, bytes});
  WriteInto(state.content, state.unflushed.back());
  state.attributes.mtime = Now();
  state.ctime = state.attributes.mtime;
}

void SimulatedDisk::SetSize(Node node, uint64_t size) {
  NodeState& state = nodes_[node];
  state.unflushed.push_back({true, size, ""});
  WriteInto(state.content, state.unflushed.back());
  state.attributes.mtime = Now();
  state.ctime = state.attributes.mtime;
}

void SimulatedDisk::Store(Node node, const std::string& bytes) {
  NodeState& state = nodes_[node];
  state.unflushed.push_back({false, 0, bytes.substr(0, state.content.size())});
  WriteInto(state.content, state.unflushed.back());
}

void SimulatedDisk::Touch(Node node) { nodes_[node].ctime = Now(); }

void SimulatedDisk::SetTarget(Node link, std::string target) {
  nodes_[link].durable_content = target;
  nodes_[link].content = std::move(target);
}

// --- Durability -------------------------------------------------------------

void SimulatedDisk::Flush(Node node) {
  NodeState& state = nodes_[node];
  // What an earlier flush lost is in memory and will not be on disk.
  for (const Unflushed& write : state.unflushed) {
    WriteInto(state.durable_content, write);
  }
  state.unflushed.clear();
  state.durable_attributes = state.attributes;
  if (state.type == Type::kDirectory) FlushNames(node);
}

void SimulatedDisk::FlushInVain(Node node) { nodes_[node].unflushed.clear(); }

void SimulatedDisk::FlushAll() {
  for (Node node = 0; node < nodes_.size(); ++node) Flush(node);
}

void SimulatedDisk::CutPower(SeededRandom& random) {
  std::vector<const Step*> lost;
  for (const Step& step : steps_) {
    bool survives = random.OneIn(2);
    for (const Step* before : lost) {
      if (order_ == Order::kJournal || Share(step, *before)) survives = false;
    }
    if (survives) {
      Apply(step, true);
    } else {
      lost.push_back(&step);
    }
  }
  steps_.clear();
  for (NodeState& state : nodes_) {
    for (const Unflushed& write : state.unflushed) {
      if (random.OneIn(2)) WriteInto(state.durable_content, write);
    }
    state.unflushed.clear();
    if (random.OneIn(2)) state.durable_attributes = state.attributes;
    state.content = state.durable_content;
    state.attributes = state.durable_attributes;
    state.entries = state.durable_entries;
    state.links = 0;
  }
  for (const NodeState& state : nodes_) {
    for (const auto& [name, node] : state.entries) ++nodes_[node].links;
  }
}

// --- Looking ----------------------------------------------------------------

SimulatedDisk::Node SimulatedDisk::Lookup(Node directory,
                                          const std::string& name) const {
  const auto& entries = nodes_[directory].entries;
  const auto found = entries.find(name);
  return found == entries.end() ? kNone : found->second;
}

const std::map<std::string, SimulatedDisk::Node>& SimulatedDisk::Entries(
    Node directory) const {
  return nodes_[directory].entries;
}

std::vector<std::pair<SimulatedDisk::Node, std::string>> SimulatedDisk::NamesOf(
    Node node) const {
  std::vector<std::pair<Node, std::string>> names;
  for (Node directory = 0; directory < nodes_.size(); ++directory) {
    for (const auto& [name, entry] : nodes_[directory].entries) {
      if (entry == node) names.emplace_back(directory, name);
    }
  }
  return names;
}

std::string SimulatedDisk::PathOf(Node node) const {
  std::string path;
  while (node != kRoot) {
    const auto names = NamesOf(node);
    if (names.empty()) return "";
    path = "/" + names.front().second + path;
    node = names.front().first;
  }
  return path.empty() ? "/" : path;
}

FileFacts SimulatedDisk::FactsOf(Node node) const {
  const NodeState& state = nodes_[node];
  FileFacts facts;
  facts.dev = state.device;
  facts.inode = node;
  facts.handle_type = 1;
  facts.handle = std::to_string(generation_) + " " + std::to_string(node);
  facts.btime = state.btime;
  facts.size = state.content.size();
  facts.mode = state.attributes.mode;
  facts.mode |= state.type == Type::kDirectory ? S_IFDIR
                : state.type == Type::kFile    ? S_IFREG
                                               : S_IFLNK;
  facts.uid = state.attributes.uid;
  facts.gid = state.attributes.gid;
  facts.atime = state.attributes.atime;
  facts.mtime = state.attributes.mtime;
  facts.ctime = state.ctime;
  facts.nlink = state.links;
  facts.inode_flags = state.attributes.inode_flags;
  facts.xattrs = state.attributes.xattrs;
  return facts;
}

std::string SimulatedDisk::Listing() const {
  std::string listing;
  AddListing(kRoot, "", listing);
  return listing;
}

void SimulatedDisk::AddListing(Node directory, const std::string& path,
                               std::string& listing) const {
  for (const auto& [name, node] : nodes_[directory].entries) {
    const NodeState& state = nodes_[node];
    listing += path + "/" + name + " " + std::to_string(node) + " " +
               std::to_string(state.content.size()) + "\n";
    if (state.type == Type::kDirectory) {
      AddListing(node, path + "/" + name, listing);
    }
  }
}

}  // namespace gatehouse
