#include "quarantine/missing_facts.h"

#include <algorithm>

#include "base/display_text.h"
#include "quarantine/inode_flags.h"

namespace gatehouse {
namespace {

constexpr uint32_t kPermissions = 0777;
constexpr uint32_t kAllModeBits = 07777;
constexpr uint32_t kFlagsMissed = kInodeFlagsGivenBack | kInodeFlagsOnlyMissed;

}  // namespace

uint32_t ModeGivenBack(uint32_t mode, bool with_privileges) {
  return mode & (with_privileges ? kAllModeBits : kPermissions);
}

bool GrantsPrivileges(const std::string& attribute) {
  return attribute == "security.capability";
}

std::vector<std::string> MissingFacts(const FileFacts& wanted,
                                      const FileFacts& got,
                                      bool with_privileges) {
  std::vector<std::string> missing;
  if (wanted.uid != got.uid || wanted.gid != got.gid) {
    missing.emplace_back("owner");
  }
  if (ModeGivenBack(wanted.mode, with_privileges) !=
      (got.mode & kAllModeBits)) {
    missing.emplace_back("mode");
  }
  if (wanted.atime != got.atime || wanted.mtime != got.mtime) {
    missing.emplace_back("times");
  }
  for (const auto& attribute : wanted.xattrs) {
    if (GrantsPrivileges(attribute.first) && !with_privileges) continue;
    if (std::find(got.xattrs.begin(), got.xattrs.end(), attribute) ==
        got.xattrs.end()) {
      missing.push_back("attribute '" + DisplayText(attribute.first) + "'");
    }
  }
  if (((wanted.inode_flags ^ got.inode_flags) & kFlagsMissed) != 0) {
    missing.emplace_back("inode flags");
  }
  if (wanted.project_id != got.project_id) missing.emplace_back("project");
  if (wanted.nlink > 1) missing.emplace_back("hard links");
  return missing;
}

}  // namespace gatehouse
