#include "daemon/threat_file.h"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/display_text.h"
#include "base/mounted_file_system.h"
#include "quarantine/file_place.h"

namespace gatehouse {
namespace {

std::string Shown(const Threat& threat) {
  return "'" + DisplayText(threat.path) + "'";
}

Unexpected Gone(const Threat& threat) {
  return Fail(ErrorCode::kNotFound,
              Shown(threat) + " is not there any more, or is another file now");
}

bool IsAtOrBelow(std::string_view path, std::string_view mount_point) {
  if (mount_point == "/") return true;
  return path.starts_with(mount_point) &&
         (path.size() == mount_point.size() || path[mount_point.size()] == '/');
}

// Looked up without asking any file system.
bool PassesAServer(const std::string& path) {
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream text;
  text << file.rdbuf();
  for (const MountedFileSystem& mount : ParseMountInfo(text.str())) {
    if (MayHang(mount.type) && IsAtOrBelow(path, mount.mount_point)) {
      return true;
    }
  }
  return false;
}

// Device numbers may be others after a reboot; the rest of a key, with the
// file's handle, is not.
std::string_view WithoutDevice(std::string_view file_key) {
  return file_key.substr(file_key.find(':') + 1);
}

}  // namespace

Result<UniqueFd> OpenThreatFile(FileOperations& files, const ThreatStore& store,
                                const Threat& threat) {
  const Result<std::string> key = store.FileKeyOf(threat.id);
  if (!key) return Unexpected(key.error());
  const size_t slash = threat.path.rfind('/');
  if (key->empty() || slash == std::string::npos) return Gone(threat);
  if (PassesAServer(threat.path)) {
    return Fail(ErrorCode::kNotSupported,
                Shown(threat) + ": its file system has a server that may hang");
  }
  const Result<UniqueFd> parent = files.OpenDirectory(
      slash == 0 ? std::string("/") : threat.path.substr(0, slash));
  if (!parent) return Gone(threat);
  const std::string name = BaseName(threat.path);
  const auto is_it = [&key](const Result<FileFacts>& found) {
    return found && WithoutDevice(FileKey(*found)) == WithoutDevice(*key);
  };
  // Looked at before it is opened, which could have effects of its own.
  if (!is_it(files.IdentityIn(parent->UnsafeFd(), name))) return Gone(threat);
  Result<UniqueFd> file = files.OpenFileIn(parent->UnsafeFd(), name);
  if (!file) return file;
  if (!is_it(files.Identity(file->UnsafeFd()))) return Gone(threat);
  return file;
}

}  // namespace gatehouse
