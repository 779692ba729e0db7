#include "tests/quarantine/simulator/simulated_attacker.h"

#include <algorithm>

#include "quarantine/inode_flags.h"

namespace gatehouse {
namespace {

using Type = SimulatedDisk::Type;

constexpr auto kNone = SimulatedDisk::kNone;

bool IsOurs(const std::string& name) { return name.starts_with(".gatehouse-"); }

}  // namespace

SimulatedAttacker::SimulatedAttacker(SimulatedDisk& disk, SeededRandom& random,
                                     Node place, Node target)
    : disk_(disk), random_(random), place_(place), target_(target) {
  links_made_ = disk_.LinksOf(target_);
  TakeStock();
}

void SimulatedAttacker::TakeStock() {
  contents_.insert(disk_.ContentOf(target_));
}

void SimulatedAttacker::Die() { CloseTarget(); }

void SimulatedAttacker::MayAct(size_t rarity) {
  if (rarity == 0 || !random_.OneIn(rarity)) return;
  const std::string before = story_ ? disk_.Listing() : "";
  Act();
  TakeStock();
  if (story_ && disk_.Listing() != before) {
    story_("  attacker; now:\n" + disk_.Listing());
  }
}

void SimulatedAttacker::Act() {
  switch (random_.Below(12)) {
    case 0:
    case 1:
      return MoveSomething();
    case 2:
    case 3:
      return ExchangeFiles();
    case 4:
      return LinkTarget();
    case 5:
      if (random_.OneIn(4)) RemoveTarget();
      return;
    case 6:
    case 7:
      return TakeTheName();
    case 8:
      return WriteTarget();
    case 9:
      return SwapDirectory();
    case 10:
      return MoveOurDirectory();
    default:
      // He opens it, maps it, or lets it go.
      if (is_open_ && random_.OneIn(2)) {
        CloseTarget();
      } else if (TargetName()) {
        is_mapped_ = is_open_ && random_.OneIn(2);
        is_open_ = true;
      }
      return;
  }
}

// --- What there is ----------------------------------------------------------

// Names that he can reach: no further than directories that are ours alone.
std::vector<SimulatedAttacker::Name> SimulatedAttacker::Names(
    bool directories) const {
  std::vector<Name> names;
  std::vector<Node> left = {place_};
  while (!left.empty()) {
    const Node directory = left.back();
    left.pop_back();
    for (const auto& [name, node] : disk_.Entries(directory)) {
      const bool is_directory = disk_.TypeOf(node) == Type::kDirectory;
      const bool is_wanted = directories ? disk_.TypeOf(node) != Type::kFile
                                         : disk_.TypeOf(node) == Type::kFile;
      if (is_wanted) names.push_back({directory, name, node});
      if (is_directory && !IsOurs(name)) left.push_back(node);
    }
  }
  return names;
}

std::optional<SimulatedAttacker::Name> SimulatedAttacker::SomeFile() {
  std::vector<Name> names = Names(false);
  std::erase_if(names,
                [this](const Name& name) { return IsProtected(name.node); });
  if (names.empty()) return std::nullopt;
  return names[random_.Below(names.size())];
}

std::optional<SimulatedAttacker::Name> SimulatedAttacker::TargetName() const {
  for (const Name& name : Names(false)) {
    if (name.node == target_) return name;
  }
  return std::nullopt;
}

SimulatedAttacker::Node SimulatedAttacker::SomeDirectory() {
  std::vector<Node> directories = {place_};
  for (const Name& name : Names(true)) {
    const bool is_directory = disk_.TypeOf(name.node) == Type::kDirectory;
    if (is_directory && !IsOurs(name.name)) directories.push_back(name.node);
  }
  return directories[random_.Below(directories.size())];
}

// Often one that somebody wants: the target's, the restored file's.
std::string SimulatedAttacker::NewName(Node directory) {
  const std::string name =
      random_.OneIn(3) ? "target" : "new-" + std::to_string(++made_);
  if (disk_.Lookup(directory, name) == kNone) return name;
  return "new-" + std::to_string(++made_);
}

bool SimulatedAttacker::IsProtected(Node node) {
  return (disk_.AttributesOf(node).inode_flags & kInodeFlagsOfProtection) != 0;
}

// --- What he does -----------------------------------------------------------

void SimulatedAttacker::MoveSomething() {
  const auto file = SomeFile();
  if (!file) return;
  const Node directory = SomeDirectory();
  disk_.Rename(file->directory, file->name, directory, NewName(directory));
}

void SimulatedAttacker::ExchangeFiles() {
  const auto one = random_.OneIn(2) ? SomeFile() : TargetName();
  const auto other = SomeFile();
  if (!one || !other || IsProtected(one->node)) return;
  if (one->directory == other->directory && one->name == other->name) return;
  disk_.Exchange(one->directory, one->name, other->directory, other->name);
}

void SimulatedAttacker::LinkTarget() {
  const auto name = TargetName();
  if (!name || IsProtected(target_) || disk_.LinksOf(target_) > 2) return;
  const Node directory = SomeDirectory();
  disk_.Link(directory, NewName(directory), target_);
  ++links_made_;
}

void SimulatedAttacker::RemoveTarget() {
  const auto name = TargetName();
  if (!name || IsProtected(target_)) return;
  removed_target_ = true;
  disk_.Unlink(name->directory, name->name);
}

// A new innocent file gets the target's name: beside it, or over it, as an
// editor saves.
void SimulatedAttacker::TakeTheName() {
  const auto name = TargetName();
  const Node node =
      disk_.Create(Type::kFile, disk_.DeviceOf(place_), 0644, 1000);
  disk_.Write(node, 0, "innocent and new " + std::to_string(++made_));
  disk_.Flush(node);
  innocents_[node] = disk_.ContentOf(node);
  if (!name || IsProtected(target_)) {
    const Node directory = SomeDirectory();
    disk_.Link(directory, NewName(directory), node);
    disk_.Flush(directory);
    return;
  }
  if (random_.OneIn(4)) {
    removed_target_ = true;
    disk_.Link(name->directory, "saved-" + std::to_string(++made_), node);
    disk_.Rename(name->directory, "saved-" + std::to_string(made_),
                 name->directory, name->name);
  } else {
    const Node directory = SomeDirectory();
    disk_.Rename(name->directory, name->name, directory, NewName(directory));
    disk_.Link(name->directory, "saved-" + std::to_string(++made_), node);
  }
  disk_.Flush(name->directory);
}

void SimulatedAttacker::WriteTarget() {
  if (IsProtected(target_)) return;
  if (!is_open_ && !TargetName()) return;
  const std::string content = (random_.OneIn(3) ? "harmless " : "malicious ") +
                              std::to_string(++made_) +
                              std::string(random_.Below(40), '\0') + "end";
  if (is_mapped_) {
    disk_.Store(target_, content);
    return;
  }
  disk_.SetSize(target_, content.size());
  contents_.insert(disk_.ContentOf(target_));
  disk_.Write(target_, 0, content);
}

// The directory gets another name, and a link to another directory its own;
// or the link goes and the directory comes back.
void SimulatedAttacker::SwapDirectory() {
  for (const Name& name : Names(true)) {
    if (IsOurs(name.name) || name.directory != place_) continue;
    if (random_.OneIn(2)) continue;
    if (disk_.TypeOf(name.node) == Type::kSymbolicLink) {
      disk_.Unlink(place_, name.name);
      if (disk_.Lookup(place_, name.name + "-moved") != kNone) {
        disk_.Rename(place_, name.name + "-moved", place_, name.name);
      }
      return;
    }
    if (disk_.Lookup(place_, name.name + "-moved") != kNone) continue;
    disk_.Rename(place_, name.name, place_, name.name + "-moved");
    const Node link =
        disk_.Create(Type::kSymbolicLink, disk_.DeviceOf(place_), 0777, 1000);
    disk_.SetTarget(link, "/place/two");
    disk_.Link(place_, name.name, link);
    return;
  }
}

void SimulatedAttacker::MoveOurDirectory() {
  for (const Name& name : Names(true)) {
    if (!IsOurs(name.name)) continue;
    touched_our_directories_ = true;
    if (disk_.Entries(name.node).empty() && random_.OneIn(2)) {
      disk_.Unlink(name.directory, name.name);
      return;
    }
    const Node directory = random_.OneIn(2) ? name.directory : SomeDirectory();
    disk_.Rename(name.directory, name.name, directory,
                 ".gatehouse-moved-" + std::to_string(++made_));
    return;
  }
}

}  // namespace gatehouse
