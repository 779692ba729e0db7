// SimulatedAttacker: somebody without rights who owns /place and everything in
// it, and does his worst between any two calls of ours. He cannot look into
// what only we can reach, nor touch what is immutable.
//
// Keeps account of what he did himself, for the checker. Thread-compatible.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/quarantine/simulator/simulated_disk.h"

namespace gatehouse {

class SimulatedAttacker {
 public:
  using Node = SimulatedDisk::Node;

  SimulatedAttacker(SimulatedDisk& disk, SeededRandom& random, Node place,
                    Node target);

  // Files that must not be lost or altered: their content.
  void AddInnocent(Node node) { innocents_[node] = disk_.ContentOf(node); }

  // Told what he changed; empty: nobody.
  void set_story(std::function<void(const std::string&)> story) {
    story_ = std::move(story);
  }

  // Does something, once in `rarity` times.
  void MayAct(size_t rarity);
  // Every descriptor and mapping of his is gone.
  void Die();
  // The disk is not what it was: a power cut.
  void TakeStock();

  bool IsUsing(Node node) const { return node == target_ && is_open_; }
  void OpenTarget() { is_open_ = true; }
  void CloseTarget() { is_open_ = is_mapped_ = false; }

  const std::map<Node, std::string>& innocents() const { return innocents_; }
  // He removed, or replaced by another, a name of the target himself.
  bool removed_target() const { return removed_target_; }
  // What the target held at any time.
  const std::set<std::string>& contents() const { return contents_; }
  // Names that the target had, one after the other: he may make more of them
  // while others are taken.
  size_t links_made() const { return links_made_; }
  // He renamed or removed directories of ours.
  bool touched_our_directories() const { return touched_our_directories_; }

 private:
  struct Name {
    Node directory = SimulatedDisk::kNone;
    std::string name;
    Node node = SimulatedDisk::kNone;
  };

  std::vector<Name> Names(bool directories) const;
  std::optional<Name> SomeFile();
  std::optional<Name> TargetName() const;
  Node SomeDirectory();
  std::string NewName(Node directory);
  bool IsProtected(Node node);
  void Act();
  void MoveSomething();
  void ExchangeFiles();
  void LinkTarget();
  void RemoveTarget();
  void TakeTheName();
  void WriteTarget();
  void SwapDirectory();
  void MoveOurDirectory();

  SimulatedDisk& disk_;
  SeededRandom& random_;
  const Node place_;
  const Node target_;
  std::map<Node, std::string> innocents_;
  std::set<std::string> contents_;
  size_t links_made_ = 0;
  std::function<void(const std::string&)> story_;
  size_t made_ = 0;
  bool is_open_ = false;
  bool is_mapped_ = false;
  bool removed_target_ = false;
  bool touched_our_directories_ = false;
};

}  // namespace gatehouse
