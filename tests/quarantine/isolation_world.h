// IsolationWorld: a vault, a directory with a malicious file and innocent ones,
// and the question that every test of isolation asks: is everything still
// there, exactly once?
//
// Thread-compatible.
#pragma once

#include <fcntl.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "quarantine/isolator.h"
#include "quarantine/linux_file_operations.h"
#include "quarantine/recovery.h"
#include "quarantine/vault.h"
#include "tests/quarantine/private_mount.h"
#include "tests/temp_dir.h"

namespace gatehouse {

// What makes a file of these tests malicious; so does being kTinyThreat.
inline constexpr std::string_view kMarker = "malicious-test-marker";
inline constexpr std::string_view kTinyThreat = "!";

std::shared_ptr<const SignatureSet> TestSignatures();
std::unique_ptr<Scanner> TestScanner();
// Malicious, with that many bytes.
std::string MaliciousContent(size_t bytes);

class IsolationWorld {
 public:
  enum class Mounts : uint8_t {
    kOne,   // The vault is on the mount of the place; a fast one if possible.
    kTwo,   // On another one. Needs root.
    kDisk,  // One, where temporary files are.
  };
  using Contents = std::map<std::string, std::string>;  // By name.

  explicit IsolationWorld(Mounts mounts = Mounts::kOne);

  // Empties vault and place.
  void Clear();
  const std::string& state() const { return state_; }
  const std::string& place() const { return place_; }
  std::string PathOf(const std::string& name) const;

  // Writes a file of the place.
  void Put(const std::string& name, std::string_view content) const;
  UniqueFd Open(const std::string& name, int flags = O_RDONLY) const;
  // Regular files of the place.
  Contents InPlace() const;
  // What the vault would give back, by id; objects that it cannot give back are
  // not empty: they hold the error.
  Contents InVault();
  // Names in the vault's stage/: something is unfinished.
  std::vector<std::string> InStage() const;

  std::unique_ptr<Vault> OpenVault(FileOperations& files) const;
  // Isolates the file of the place with that name.
  Isolation Isolate(FileOperations& files, const std::string& name) const;
  // Does what a new process does; nobody has a file open any more when
  // `writer` is closed.
  std::vector<Isolation> Recover(UniqueFd writer = UniqueFd());
  std::vector<Isolation> RecoverWith(FileOperations& files,
                                     UniqueFd writer = UniqueFd());

  // What is not as it must be: the file `name` must be in its place or in the
  // vault, once, with `content`; beside it there is `others`, and nothing else.
  // Empty: all is well.
  std::string Wrongs(const std::string& name, const std::string& content,
                     const Contents& others);

 private:
  const TempDir directory_;
  const std::string base_;
  std::vector<std::unique_ptr<PrivateMount>> mounts_;
  const std::string state_;
  const std::string place_;
  LinuxFileOperations files_;
};

// Sets FS_IOC_SETFLAGS flags; false where the file system has none.
bool SetInodeFlags(const std::string& path, int flags);
std::string ReadAll(int fd);

}  // namespace gatehouse
