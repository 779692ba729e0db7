#include "quarantine/vault.h"

#include <unistd.h>

#include <algorithm>
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

std::string_view NoteSuffix(Vault::NoteKind kind) {
  return kind == Vault::NoteKind::kRestore ? ".r" : ".d";
}

std::string NoteName(Vault::NoteKind kind, const std::string& id) {
  return id + std::string(NoteSuffix(kind));
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

// In doubt, an error.
Result<bool> HasObjects(FileOperations& files, int directory) {
  const Result<std::vector<std::string>> names = files.List(directory);
  if (!names) return Unexpected(names.error());
  return std::any_of(names->begin(), names->end(), [](const std::string& name) {
    return name.ends_with(kObjectSuffix);
  });
}

}  // namespace

Result<Vault::Directories> Vault::OpenDirectories(
    const std::string& state_directory, FileOperations& files) {
  Directories directories;
  Result<UniqueFd> opened = files.OpenStateDirectory(state_directory);
  if (!opened) return Unexpected(opened.error());
  directories.state = std::move(*opened);
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
  // Before a key is made: one that does not open what is there is none.
  Result<bool> has_objects = HasObjects(files, directories->stage.UnsafeFd());
  if (has_objects && !*has_objects) {
    has_objects = HasObjects(files, directories->data.UnsafeFd());
  }
  if (!has_objects) return Unexpected(has_objects.error());
  Result<LoadedVaultKey> loaded = LoadOrCreateVaultKey(
      files, {directories->state.UnsafeFd(), directories->vault.UnsafeFd(),
              *has_objects});
  if (!loaded) return Unexpected(loaded.error());
  return std::unique_ptr<Vault>(
      new Vault(files, std::move(*directories), std::move(*loaded)));
}

Vault::Vault(FileOperations& files, Directories directories,
             LoadedVaultKey loaded)
    : files_(files),
      state_(std::move(directories.state)),
      vault_(std::move(directories.vault)),
      stage_(std::move(directories.stage)),
      data_(std::move(directories.data)),
      key_(std::move(loaded.key)),
      key_notice_(std::move(loaded.notice)) {}

std::vector<std::string> Vault::KeyProblems() {
  std::vector<std::string> problems = VaultKeyFileProblems(
      files_, {state_.UnsafeFd(), vault_.UnsafeFd(), true}, key_);
  if (!key_notice_.empty()) problems.push_back(key_notice_);
  return problems;
}

// --- Sealing ----------------------------------------------------------------

Result<ObjectHeader> Vault::SealAs(const ObjectHeader& header, int source_fd,
                                   const std::string& name) {
  const int stage = stage_.UnsafeFd();
  const Result<uint64_t> free_bytes = files_.FreeBytes(stage);
  if (!free_bytes) return Unexpected(free_bytes.error());
  const uint64_t room =
      *free_bytes < kFreeBytesMin ? 0 : *free_bytes - kFreeBytesMin;
  if (*free_bytes < kFreeBytesMin ||
      DataBytes(files_, source_fd, header.file.size, room) > room) {
    return Fail(ErrorCode::kLimitExceeded,
                "the vault is full: less than 256 MiB would be left free");
  }
  const Result<UniqueFd> object = files_.CreateUnnamed(stage);
  if (!object) return Unexpected(object.error());
  const int object_fd = object->UnsafeFd();
  Result<ObjectHeader> sealed =
      Seal(files_, key_, header, source_fd, object_fd);
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

// The object that it should replace is there as long as it is.
Result<bool> Vault::DropHalfStaged() {
  const int stage = stage_.UnsafeFd();
  const Result<std::vector<std::string>> names = files_.List(stage);
  if (!names) return Unexpected(names.error());
  for (const std::string& name : *names) {
    if (!name.ends_with(kAgainSuffix)) continue;
    const Result<bool> done = files_.Unlink(stage, name);
    if (!done) return done;
  }
  return true;
}

Result<bool> Vault::Publish(const std::string& id) {
  return files_.Rename(stage_.UnsafeFd(), ObjectName(id), data_.UnsafeFd(),
                       ObjectName(id));
}

// --- Notes ------------------------------------------------------------------

// Even on a full disk: what is restored makes room.
Result<bool> Vault::WriteNote(NoteKind kind, const ObjectHeader& note) {
  const int stage = stage_.UnsafeFd();
  const std::string name = NoteName(kind, note.id);
  const Result<UniqueFd> nothing = files_.CreateUnnamed(stage);
  if (!nothing) return Unexpected(nothing.error());
  const Result<UniqueFd> object = files_.CreateUnnamed(stage);
  if (!object) return Unexpected(object.error());
  ObjectHeader header = note;
  header.file.size = 0;
  const int fd = object->UnsafeFd();
  const Result<ObjectHeader> sealed =
      Seal(files_, key_, std::move(header), nothing->UnsafeFd(), fd);
  if (!sealed) return Unexpected(sealed.error());
  Result<bool> done = files_.Sync(fd);
  if (done) done = files_.Link(fd, stage, name);
  if (!done && done.error().error_number == EEXIST) {
    (void)files_.Unlink(stage, name);  // Of what was given up.
    done = files_.Link(fd, stage, name);
  }
  if (done) done = files_.Sync(stage);
  return done;
}

Result<std::vector<std::string>> Vault::NotedIds(NoteKind kind) {
  return Ids(stage_.UnsafeFd(), NoteSuffix(kind));
}

Result<ObjectHeader> Vault::Note(NoteKind kind, const std::string& id) {
  if (!IsPlainName(id)) {
    return Fail(ErrorCode::kNotFound, "no note of '" + id + "' in the vault");
  }
  const Result<UniqueFd> object =
      files_.OpenFileIn(stage_.UnsafeFd(), NoteName(kind, id));
  if (!object) return Unexpected(object.error());
  return ReadHeader(files_, key_, object->UnsafeFd());
}

Result<bool> Vault::DropNote(NoteKind kind, const std::string& id) {
  return files_.Unlink(stage_.UnsafeFd(), NoteName(kind, id));
}

// --- Objects ----------------------------------------------------------------

Result<std::vector<std::string>> Vault::Ids(int directory,
                                            std::string_view suffix) {
  Result<std::vector<std::string>> names = files_.List(directory);
  if (!names) return names;
  std::vector<std::string> ids;
  for (const std::string& name : *names) {
    // What StageAgain left when it was killed ends in kAgainSuffix.
    if (!name.ends_with(suffix)) continue;
    ids.push_back(name.substr(0, name.size() - suffix.size()));
  }
  return ids;
}

bool Vault::Contains(const std::string& id) {
  return OpenObject(id).has_value();
}

bool Vault::IsStaged(const std::string& id) {
  if (!IsPlainName(id)) return false;
  const Result<FileFacts> found =
      files_.IdentityIn(stage_.UnsafeFd(), ObjectName(id));
  return found || found.error().code != ErrorCode::kNotFound;
}

Result<std::vector<std::string>> Vault::StagedIds() {
  return Ids(stage_.UnsafeFd(), kObjectSuffix);
}

Result<std::vector<std::string>> Vault::PublishedIds() {
  return Ids(data_.UnsafeFd(), kObjectSuffix);
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
  return ReadHeader(files_, key_, object->UnsafeFd());
}

Result<ObjectHeader> Vault::Unseal(const std::string& id, int target_fd) {
  const Result<UniqueFd> object = OpenObject(id);
  if (!object) return Unexpected(object.error());
  return gatehouse::Unseal(files_, key_, object->UnsafeFd(), target_fd);
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
