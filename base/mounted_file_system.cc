#include "base/mounted_file_system.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gatehouse {
namespace {

// Fields of a line, counted from 0; optional fields end with "-".
constexpr size_t kFieldId = 0;
constexpr size_t kFieldParent = 1;
constexpr size_t kFieldDevice = 2;
constexpr size_t kFieldRoot = 3;
constexpr size_t kFieldMountPoint = 4;
constexpr size_t kFieldFirstOptional = 6;

// One space ends a field; a field may be empty.
std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

bool IsOctal(char c) { return c >= '0' && c <= '7'; }

// The kernel writes space, tab, newline and backslash as \ooo.
std::string Unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.size() >= 4 && text[0] == '\\' && IsOctal(text[1]) &&
        IsOctal(text[2]) && IsOctal(text[3])) {
      const int value =
          (text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0');
      out += static_cast<char>(value);
      text.remove_prefix(4);
    } else {
      out += text[0];
      text.remove_prefix(1);
    }
  }
  return out;
}

// 0 if it is no number.
uint64_t NumberOf(std::string_view text) {
  uint64_t number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

template <size_t size>
bool IsOneOf(std::string_view word,
             const std::array<std::string_view, size>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::vector<MountedFileSystem> ParseMountInfo(std::string_view text) {
  std::vector<MountedFileSystem> mounts;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = Words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    size_t separator = kFieldFirstOptional;
    while (separator < words.size() && words[separator] != "-") ++separator;
    if (separator + 1 >= words.size()) continue;
    MountedFileSystem& mount = mounts.emplace_back();
    mount.mount_point = Unescape(words[kFieldMountPoint]);
    mount.type = words[separator + 1];
    mount.device = words[kFieldDevice];
    mount.id = NumberOf(words[kFieldId]);
    mount.parent_id = NumberOf(words[kFieldParent]);
    mount.root = Unescape(words[kFieldRoot]);
    if (separator + 2 < words.size()) {
      mount.source = Unescape(words[separator + 2]);
    }
  }
  return mounts;
}

bool MayHang(std::string_view file_system_type) {
  constexpr std::array<std::string_view, 16> kTypes = {
      "fuse", "nfs",    "nfs4",      "cifs", "smb3",  "smbfs",
      "9p",   "afs",    "autofs",    "ceph", "ncpfs", "virtiofs",
      "coda", "lustre", "glusterfs", "ocfs2"};
  // "fuseblk" is a local disk driver (ntfs-3g) but a process all the same;
  // "fusectl" is the kernel's own.
  if (file_system_type == "fusectl") return false;
  return file_system_type.starts_with("fuse") ||
         IsOneOf(file_system_type, kTypes);
}

bool AnswersFromMemory(std::string_view file_system_type) {
  // Not overlayfs, which asks what is below it.
  constexpr std::array<std::string_view, 14> kTypes = {
      "ext2",     "ext3", "ext4",  "xfs",      "btrfs",   "tmpfs", "ramfs",
      "devtmpfs", "proc", "sysfs", "squashfs", "iso9660", "vfat",  "exfat"};
  return IsOneOf(file_system_type, kTypes);
}

}  // namespace gatehouse
