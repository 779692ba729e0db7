#include "quarantine/vault.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace gatehouse {
namespace {

constexpr std::string_view kObjectSuffix = ".q";
constexpr std::string_view kAgainSuffix = ".new";

std::string ObjectName(const std::string& id) {
  return id + std::string(kObjectSuffix);
}

// An id may come from a client: it must not name anything else.
bool IsPlainName(const std::string& id) {
  return id.find('/') == std::string::npos &&
         id.find('\0') == std::string::npos;
}

// A directory that anybody else could write to is none of ours.
Result<UniqueFd> OpenOwnDirectory(FileOperations& files, int parent,
                                  const std::string& name) {
  const Result<bool> made = files.MakeDirectory(parent, name);
  if (!made && made.error().error_number != EEXIST) {
    return Unexpected(made.error());
  }
  if (made) {
    const Result<bool> synced = files.Sync(parent);
    if (!synced) return Unexpected(synced.error());
  }
  Result<UniqueFd> directory = files.OpenDirectoryIn(parent, name);
  if (!directory) return directory;
  const Result<FileFacts> facts = files.Identity(directory->UnsafeFd());
  if (!facts) return Unexpected(facts.error());
  if (facts->uid != ::geteuid() || (facts->mode & 077U) != 0) {
    return Fail(ErrorCode::kNotPermitted,
                "vault directory '" + name +
                    "' is not ours alone: its owner must be the daemon's and "
                    "its mode 0700");
  }
  return directory;
}

}  // namespace

Result<Vault::Directories> Vault::OpenDirectories(
    const std::string& state_directory, FileOperations& files) {
  Directories directories;
  // The administrator names it: a symbolic link on the way is his.
  directories.state.Reset(
      ::open(state_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directories.state.valid()) {
    return FailSystem("open '" + state_directory + "'", errno);
  }
  const int state = directories.state.UnsafeFd();
  Result<UniqueFd> vault = OpenOwnDirectory(files, state, "vault");
  if (!vault) return Unexpected(vault.error());
  directories.vault = std::move(*vault);
  const int parent = directories.vault.UnsafeFd();
  Result<UniqueFd> stage = OpenOwnDirectory(files, parent, "stage");
  if (!stage) return Unexpected(stage.error());
  directories.stage = std::move(*stage);
  Result<UniqueFd> data = OpenOwnDirectory(files, parent, "data");
  if (!data) return Unexpected(data.error());
  directories.data = std::move(*data);
  return directories;
}

Result<std::unique_ptr<Vault>> Vault::Open(const std::string& state_directory,
                                           FileOperations& files) {
  Result<Directories> directories = OpenDirectories(state_directory, files);
  if (!directories) return Unexpected(directories.error());
  Result<VaultKey> key = VaultKey::LoadOrCreate(directories->state.UnsafeFd());
  if (!key) return Unexpected(key.error());
  return std::unique_ptr<Vault>(
      new Vault(files, std::move(*directories), std::move(*key)));
}

Vault::Vault(FileOperations& files, Directories directories, VaultKey key)
    : files_(files),
      stage_(std::move(directories.stage)),
      data_(std::move(directories.data)),
      key_(std::move(key)) {}

// --- Sealing ----------------------------------------------------------------

Result<ObjectHeader> Vault::SealAs(const ObjectHeader& header, int source_fd,
                                   const std::string& name) {
  const int stage = stage_.UnsafeFd();
  const Result<uint64_t> free_bytes = files_.FreeBytes(stage);
  if (!free_bytes) return Unexpected(free_bytes.error());
  if (*free_bytes < kFreeBytesMin + header.file.size) {
    return Fail(ErrorCode::kLimitExceeded,
                "the vault is full: less than 256 MiB would be left free");
  }
  const Result<UniqueFd> object = files_.CreateUnnamed(stage);
  if (!object) return Unexpected(object.error());
  const int object_fd = object->UnsafeFd();
  Result<ObjectHeader> sealed = Seal(key_, header, source_fd, object_fd);
  if (!sealed) return sealed;
  // Durable before it has a name: a name always means a whole object.
  Result<bool> done = files_.Sync(object_fd);
  if (done) done = files_.Link(object_fd, stage, name);
  if (done) done = files_.Sync(stage);
  if (!done) return Unexpected(done.error());
  return sealed;
}

Result<ObjectHeader> Vault::Stage(const ObjectHeader& header, int source_fd) {
  return SealAs(header, source_fd, ObjectName(header.id));
}

Result<ObjectHeader> Vault::StageAgain(const ObjectHeader& header,
                                       int source_fd) {
  const int stage = stage_.UnsafeFd();
  const std::string name = header.id + std::string(kAgainSuffix);
  (void)files_.Unlink(stage, name);  // Of a process that died here.
  Result<ObjectHeader> sealed = SealAs(header, source_fd, name);
  if (!sealed) return sealed;
  Result<bool> done = files_.Replace(stage, name, ObjectName(header.id));
  if (done) done = files_.Sync(stage);
  if (!done) return Unexpected(done.error());
  return sealed;
}

Result<bool> Vault::DropStaged(const std::string& id) {
  Result<bool> done = files_.Unlink(stage_.UnsafeFd(), ObjectName(id));
  if (done) done = files_.Sync(stage_.UnsafeFd());
  return done;
}

Result<bool> Vault::Publish(const std::string& id) {
  return files_.Rename(stage_.UnsafeFd(), ObjectName(id), data_.UnsafeFd(),
                       ObjectName(id));
}

// --- Objects ----------------------------------------------------------------

Result<std::vector<std::string>> Vault::Ids(int directory) {
  Result<std::vector<std::string>> names = files_.List(directory);
  if (!names) return names;
  std::vector<std::string> ids;
  for (const std::string& name : *names) {
    // What StageAgain left when it was killed ends in kAgainSuffix.
    if (!name.ends_with(kObjectSuffix)) continue;
    ids.push_back(name.substr(0, name.size() - kObjectSuffix.size()));
  }
  return ids;
}

bool Vault::Contains(const std::string& id) {
  return OpenObject(id).has_value();
}

bool Vault::IsStaged(const std::string& id) {
  return IsPlainName(id) &&
         files_.IdentityIn(stage_.UnsafeFd(), ObjectName(id)).has_value();
}

Result<std::vector<std::string>> Vault::StagedIds() {
  return Ids(stage_.UnsafeFd());
}

Result<std::vector<std::string>> Vault::PublishedIds() {
  return Ids(data_.UnsafeFd());
}

Result<UniqueFd> Vault::OpenObject(const std::string& id) {
  if (!IsPlainName(id)) {
    return Fail(ErrorCode::kNotFound, "no object '" + id + "' in the vault");
  }
  const std::string name = ObjectName(id);
  Result<UniqueFd> object = files_.OpenFileIn(data_.UnsafeFd(), name);
  if (object || object.error().code != ErrorCode::kNotFound) return object;
  object = files_.OpenFileIn(stage_.UnsafeFd(), name);
  if (!object && object.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, "no object '" + id + "' in the vault");
  }
  return object;
}

Result<ObjectHeader> Vault::Header(const std::string& id) {
  const Result<UniqueFd> object = OpenObject(id);
  if (!object) return Unexpected(object.error());
  return ReadHeader(key_, object->UnsafeFd());
}

Result<ObjectHeader> Vault::Unseal(const std::string& id, int target_fd) {
  const Result<UniqueFd> object = OpenObject(id);
  if (!object) return Unexpected(object.error());
  return gatehouse::Unseal(key_, object->UnsafeFd(), target_fd);
}

Result<bool> Vault::Remove(const std::string& id) {
  const Result<UniqueFd> object = OpenObject(id);
  if (!object) return Unexpected(object.error());
  int directory = data_.UnsafeFd();
  Result<bool> removed = files_.Unlink(directory, ObjectName(id));
  if (!removed && removed.error().code == ErrorCode::kNotFound) {
    directory = stage_.UnsafeFd();
    removed = files_.Unlink(directory, ObjectName(id));
  }
  if (removed) removed = files_.Sync(directory);
  return removed;
}

}  // namespace gatehouse
