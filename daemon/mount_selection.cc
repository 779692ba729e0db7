#include "daemon/mount_selection.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "base/mounted_file_system.h"

namespace gatehouse {
namespace {

// How a path of one namespace is looked up, without looking anything up.
class MountTree {
 public:
  explicit MountTree(std::span<const MountedFileSystem> mounts)
      : mounts_(mounts) {
    std::set<uint64_t> ids;
    for (const MountedFileSystem& mount : mounts) ids.insert(mount.id);
    for (const MountedFileSystem& mount : mounts) {
      const bool is_top =
          mount.parent_id == mount.id || !ids.contains(mount.parent_id);
      children_[{is_top ? 0 : mount.parent_id, mount.mount_point}] = &mount;
    }
  }

  struct Found {
    const MountedFileSystem* mount = nullptr;  // On top at the path.
    bool may_hang = false;                     // Something before it.
  };

  // Walks down to `path` and through everything that is mounted on the way.
  [[nodiscard]] Found Find(std::string_view path) const {
    Found found;
    size_t length = 1;
    // Bounded: the kernel's list has no circles, but who knows.
    for (size_t steps = mounts_.size() + path.size(); steps > 0; --steps) {
      const MountedFileSystem* next =
          Child(found.mount, path.substr(0, length));
      if (next != nullptr) {
        found.may_hang = found.may_hang ||
                         (found.mount != nullptr && MayHang(found.mount->type));
        found.mount = next;
        continue;  // Something may be mounted on it.
      }
      if (length >= path.size()) return found;
      length = std::min(path.find('/', length + 1), path.size());
    }
    return found;
  }

  [[nodiscard]] bool HasRoot() const { return Child(nullptr, "/") != nullptr; }

 private:
  const MountedFileSystem* Child(const MountedFileSystem* parent,
                                 std::string_view place) const {
    const auto found =
        children_.find({parent == nullptr ? 0 : parent->id, place});
    return found == children_.end() ? nullptr : found->second;
  }

  std::span<const MountedFileSystem> mounts_;
  std::map<std::pair<uint64_t, std::string_view>, const MountedFileSystem*>
      children_;
};

// What is known of one device while the namespaces are looked at.
struct Candidate {
  ChosenFileSystem chosen;
  LeftOutFileSystem left_out;
};

class Selection {
 public:
  explicit Selection(const SelectionRules& rules)
      : rules_(rules), root_devices_(rules.root_devices) {}

  void FindRoots(std::span<const MountNamespace> namespaces) {
    for (const MountNamespace& one : namespaces) {
      if (one.pid > 1) continue;
      const std::vector<MountedFileSystem> mounts =
          ParseMountInfo(one.mountinfo);
      // Each that is there: who is hidden is the same file system still.
      for (const MountedFileSystem& mount : mounts) {
        if (mount.mount_point == "/") root_devices_.insert(mount.device);
      }
    }
  }

  void Look(const MountNamespace& at) {
    std::vector<MountedFileSystem> mounts = ParseMountInfo(at.mountinfo);
    const size_t left = rules_.mounts_max - looked_at_;
    if (mounts.size() > left) {
      result_.mounts_over_limit += mounts.size() - left;
      mounts.resize(left);
    }
    looked_at_ += mounts.size();
    const MountTree tree(mounts);
    for (const MountedFileSystem& mount : mounts) Consider(at, tree, mount);
  }

  MountSelection Finish() {
    for (const std::string& device : order_) {
      Candidate& candidate = candidates_[device];
      if (candidate.chosen.places.empty()) {
        result_.left_out.push_back(std::move(candidate.left_out));
      } else if (result_.file_systems.size() >= rules_.file_systems_max) {
        ++result_.file_systems_over_limit;
      } else {
        result_.file_systems.push_back(std::move(candidate.chosen));
      }
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool IsWanted(const std::string& place) const {
    return rules_.is_everywhere ||
           std::any_of(rules_.paths.begin(), rules_.paths.end(),
                       [&place](const std::string& path) {
                         return IsAtOrBelow(place, path);
                       });
  }

  void Consider(const MountNamespace& at, const MountTree& tree,
                const MountedFileSystem& mount) {
    if (!IsWanted(mount.mount_point)) return;
    const auto [found, is_new] = candidates_.try_emplace(mount.device);
    Candidate& candidate = found->second;
    if (is_new) {
      order_.push_back(mount.device);
      candidate.chosen.device = mount.device;
      candidate.chosen.type = mount.type;
    }
    const bool is_named = std::find(rules_.paths.begin(), rules_.paths.end(),
                                    mount.mount_point) != rules_.paths.end();
    LeftOutReason reason = LeftOutReason::kHidden;
    if (!IsLeftOut(at, tree, mount, is_named, reason)) {
      candidate.chosen.is_named = candidate.chosen.is_named || is_named;
      AddPlace(candidate.chosen.places, at, mount);
    } else if (is_new) {
      candidate.left_out = {
          at.pid, mount.mount_point, mount.type, mount.device, reason, ""};
    }
  }

  bool IsLeftOut(const MountNamespace& at, const MountTree& tree,
                 const MountedFileSystem& mount, bool is_named,
                 LeftOutReason& reason) const {
    if (MayHang(mount.type)) {
      reason = LeftOutReason::kServerMayHang;
      return true;
    }
    if (!rules_.allows_root_file_system &&
        root_devices_.contains(mount.device)) {
      reason = LeftOutReason::kRootFileSystem;
      return true;
    }
    if (IsPseudo(mount.type) && !is_named) {
      reason = LeftOutReason::kPseudo;
      return true;
    }
    // Whose root is no mount may have it on a server that hangs.
    if (at.pid != 0 && !tree.HasRoot()) {
      reason = LeftOutReason::kRootUnknown;
      return true;
    }
    const MountTree::Found top = tree.Find(mount.mount_point);
    if (top.may_hang) {
      reason = LeftOutReason::kBehindServer;
      return true;
    }
    reason = LeftOutReason::kHidden;
    return top.mount != &mount;
  }

  // A mount of the whole is a directory for sure: before one of a part, which
  // may be a file.
  static void AddPlace(std::vector<MountPlace>& places,
                       const MountNamespace& at,
                       const MountedFileSystem& mount) {
    const MountPlace place = {at.pid, mount.mount_point, mount.id,
                              mount.root == "/"};
    const auto part =
        std::find_if_not(places.begin(), places.end(),
                         [](const MountPlace& one) { return one.is_whole; });
    places.insert(place.is_whole ? part : places.end(), place);
    if (places.size() > kPlacesMax) places.pop_back();
  }

  const SelectionRules& rules_;
  std::set<std::string> root_devices_;
  size_t looked_at_ = 0;
  std::map<std::string, Candidate> candidates_;
  std::vector<std::string> order_;
  MountSelection result_;
};

const char* WordsOf(LeftOutReason reason) {
  switch (reason) {
    case LeftOutReason::kServerMayHang:
      return "its server may hang";
    case LeftOutReason::kBehindServer:
      return "below a file system whose server may hang";
    case LeftOutReason::kPseudo:
      return "the kernel makes up its files";
    case LeftOutReason::kRootFileSystem:
      return "on the root file system; --allow-root-file-system protects that "
             "too";
    case LeftOutReason::kHidden:
      return "something else is mounted over it";
    case LeftOutReason::kRootUnknown:
      return "the root of whoever sees it is no mount point";
    case LeftOutReason::kUnmarkable:
      break;
  }
  return "the kernel cannot hold opens there";
}

}  // namespace

std::string TextOf(const LeftOutFileSystem& left_out) {
  std::string text = "'" + left_out.mount_point + "' (" + left_out.type;
  if (left_out.pid != 0) {
    text +=
        ", in the mount namespace of process " + std::to_string(left_out.pid);
  }
  text += std::string("): ") + WordsOf(left_out.reason);
  if (!left_out.detail.empty()) text += ": " + left_out.detail;
  return text;
}

MountSelection SelectFileSystems(std::span<const MountNamespace> namespaces,
                                 const SelectionRules& rules) {
  Selection selection(rules);
  selection.FindRoots(namespaces);
  for (const MountNamespace& one : namespaces) selection.Look(one);
  return selection.Finish();
}

bool IsPseudo(std::string_view file_system_type) {
  constexpr std::array<std::string_view, 27> kTypes = {
      "proc",         "sysfs",     "cgroup",   "cgroup2",   "debugfs",
      "tracefs",      "devpts",    "mqueue",   "bpf",       "securityfs",
      "configfs",     "pstore",    "efivarfs", "hugetlbfs", "binfmt_misc",
      "rpc_pipefs",   "selinuxfs", "smackfs",  "nfsd",      "nsfs",
      "resctrl",      "sockfs",    "pipefs",   "bdev",      "binder",
      "anon_inodefs", "fusectl"};
  return std::find(kTypes.begin(), kTypes.end(), file_system_type) !=
         kTypes.end();
}

bool IsAtOrBelow(std::string_view path, std::string_view directory) {
  if (!path.starts_with(directory)) return false;
  return path.size() == directory.size() || directory == "/" ||
         path[directory.size()] == '/';
}

}  // namespace gatehouse
