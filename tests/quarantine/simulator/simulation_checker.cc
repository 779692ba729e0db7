#include "tests/quarantine/simulator/simulation_checker.h"

#include <map>

namespace gatehouse {
namespace {

using Node = SimulatedDisk::Node;
using Type = SimulatedDisk::Type;

constexpr auto kNone = SimulatedDisk::kNone;

class Checker {
 public:
  explicit Checker(const CheckedWorld& world) : world_(world) {}

  std::string Run() {
    LookAround(world_.place, false);
    ReadVault();
    CheckInnocents();
    CheckTarget();
    CheckLeftOvers();
    CheckHistory();
    return wrongs_;
  }

 private:
  void Complain(const std::string& what) { wrongs_ += what + "; "; }

  void LookAround(Node directory, bool is_ours) {
    for (const auto& [name, node] : world_.disk.Entries(directory)) {
      const bool is_capture = name.starts_with(".gatehouse-");
      if (world_.disk.TypeOf(node) == Type::kDirectory) {
        if (is_capture) ++our_directories_;
        LookAround(node, is_ours || is_capture);
      } else if (world_.disk.TypeOf(node) == Type::kFile) {
        ++(is_ours ? captured_ : names_)[node];
      }
    }
  }

  void ReadVault() {
    const Result<std::vector<std::string>> ids = world_.vault.PublishedIds();
    if (!ids) return Complain("the vault cannot be listed");
    for (const std::string& id : *ids) {
      const UniqueFd target =
          world_.files.OpenNode(world_.disk.Create(Type::kFile, 1, 0600, 0));
      const Result<ObjectHeader> header =
          world_.vault.Unseal(id, target.UnsafeFd());
      if (!header) {
        Complain("an object cannot be opened: " + header.error().message);
        continue;
      }
      const std::string& content =
          world_.disk.ContentOf(world_.files.NodeOf(target.UnsafeFd()));
      if (header->file.inode == world_.target ||
          world_.attacker.contents().contains(content)) {
        objects_[id] = content;
      } else {
        Complain("the vault holds somebody else's file");
      }
    }
  }

  void CheckInnocents() {
    for (const auto& [node, content] : world_.attacker.innocents()) {
      if (names_.contains(node) && world_.disk.ContentOf(node) != content) {
        Complain("an innocent file was altered");
      }
      if (!names_.contains(node)) {
        Complain(captured_.contains(node) ? "an innocent file is captured"
                                          : "an innocent file is lost");
      }
    }
  }

  // A copy of a file that was written while it was read may be a mixture. It is
  // made again, but if the owner removed the file before that, it is all there
  // is.
  bool MayHold(const std::string& content) {
    return world_.attacker.contents().contains(content) ||
           world_.attacker.removed_target();
  }

  // Names of the target, of what was restored, and objects.
  void CheckTarget() {
    size_t copies = objects_.size();
    for (const auto& [node, names] : names_) {
      if (world_.attacker.innocents().contains(node)) continue;
      copies += names;
      if (!MayHold(world_.disk.ContentOf(node))) {
        Complain("what is in its place was never in the file");
      }
    }
    for (const auto& [id, content] : objects_) {
      if (!MayHold(content)) {
        Complain("what is in the vault was never in the file");
      }
    }
    if (copies == 0 && !world_.attacker.removed_target() &&
        !world_.removed_by_us) {
      Complain("the file is lost");
    }
    // A name that he removed may come back with the power.
    const size_t names_back = world_.attacker.removed_target() ? 1 : 0;
    const size_t copies_max =
        world_.attacker.links_made() + names_back + world_.unread_objects;
    if (copies > copies_max) {
      Complain("the file is there " + std::to_string(copies) + " times");
    }
    if (captured_.contains(world_.target)) Complain("the file is captured");
  }

  void CheckLeftOvers() {
    const Node vault = world_.disk.Lookup(world_.state, "vault");
    const Node stage = world_.disk.Lookup(vault, "stage");
    for (const auto& [name, node] : world_.disk.Entries(stage)) {
      Complain("'" + name + "' was left in stage/");
    }
    if (our_directories_ != 0 && !world_.had_faults &&
        !world_.attacker.touched_our_directories()) {
      Complain("a directory of ours was left");
    }
  }

  void CheckHistory() {
    for (const auto& [id, content] : objects_) {
      const Result<Threat> threat = world_.store.Get(id);
      if (!threat) {
        Complain("an object is in no record");
      } else if (threat->status() != ThreatStatus::kQuarantined &&
                 threat->status() != ThreatStatus::kRemoved) {
        Complain("the record of an object says " +
                 std::string(ThreatStatusWord(threat->status())));
      }
    }
    const Result<std::vector<Threat>> threats =
        world_.store.WithStatus(ThreatStatus::kQuarantined);
    if (!threats) return Complain("the history cannot be read");
    for (const Threat& threat : *threats) {
      if (!objects_.contains(threat.id)) {
        Complain("a record of the vault has no object");
      }
    }
  }

  const CheckedWorld& world_;
  std::map<Node, size_t> names_;                // Of files in the place.
  std::map<Node, size_t> captured_;             // In directories of ours.
  std::map<std::string, std::string> objects_;  // Content, by id.
  size_t our_directories_ = 0;
  std::string wrongs_;
};

}  // namespace

std::string WrongsOf(const CheckedWorld& world) { return Checker(world).Run(); }

}  // namespace gatehouse
