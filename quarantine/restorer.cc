#include "quarantine/restorer.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/display_text.h"
#include "base/time.h"
#include "quarantine/file_place.h"
#include "quarantine/inode_flags.h"
#include "quarantine/missing_facts.h"
#include "quarantine/recovery.h"

namespace gatehouse {
namespace {

constexpr auto kNote = Vault::NoteKind::kRestore;

// A captured original is still there: the object alone is not the truth.
Unexpected Busy(const std::string& id) {
  return Fail(ErrorCode::kOperational,
              "'" + id +
                  "' is still being isolated: somebody has the file "
                  "open; try again in a minute");
}

std::string DetailOf(const std::string& path,
                     const std::vector<std::string>& not_given_back) {
  std::string detail = "to " + path;
  const char* separator = "; not given back: ";
  for (const std::string& what : not_given_back) {
    detail += separator + what;
    separator = ", ";
  }
  return detail;
}

bool IsNotFound(const Error& error) {
  return error.code == ErrorCode::kNotFound;
}

}  // namespace

// --- Destination ------------------------------------------------------------

// The directory must still be the one the file was taken from: whoever may
// rename things around it must not choose where root writes.
Result<UniqueFd> Restorer::OriginalDirectory(const ObjectHeader& header) {
  FileOperations& files = parts_.vault.files();
  Result<UniqueFd> directory = files.OpenDirectory(header.parent_path);
  if (!directory) return directory;
  const Result<FileFacts> facts = files.Identity(directory->UnsafeFd());
  if (!facts) return Unexpected(facts.error());
  if (header.parent_handle.empty() || facts->handle != header.parent_handle ||
      facts->handle_type != header.parent_handle_type) {
    return Fail(ErrorCode::kNotFound,
                "'" + DisplayText(header.parent_path) +
                    "' is not the directory it was taken from; name one with "
                    "--destination-path");
  }
  return directory;
}

Result<UniqueFd> Restorer::OpenDestination(const ObjectHeader& header,
                                           UniqueFd destination) {
  FileOperations& files = parts_.vault.files();
  Result<UniqueFd> directory{UniqueFd()};
  if (destination.valid()) {
    const int unsafe_fd = destination.UnsafeFd();
    const Result<FileFacts> facts = files.Identity(unsafe_fd);
    if (!facts) return Unexpected(facts.error());
    if (!S_ISDIR(facts->mode)) {
      return Fail(ErrorCode::kInvalidInput, "the destination is no directory");
    }
    if (files.MayHang(unsafe_fd)) {
      return Fail(ErrorCode::kNotSupported,
                  "the destination is on a file system whose server may hang");
    }
    directory = files.Reopen(unsafe_fd);
  } else {
    directory = OriginalDirectory(header);
  }
  return directory;
}

// --- Restore ----------------------------------------------------------------

// A file without a name, complete and durable.
Result<Restorer::NewFile> Restorer::WriteBack(const ObjectHeader& header,
                                              int directory,
                                              const RestoreOptions& options) {
  FileOperations& files = parts_.vault.files();
  Result<UniqueFd> file = files.CreateUnnamed(directory);
  if (!file) return Unexpected(file.error());
  const int fd = file->UnsafeFd();
  const uint32_t flags = header.file.inode_flags;
  Result<bool> done =
      files.ChangeInodeFlags(fd, kInodeFlagsOfEmptyFiles, flags);
  if (!done) return Unexpected(done.error());
  const Result<ObjectHeader> unsealed = parts_.vault.Unseal(header.id, fd);
  if (!unsealed) return Unexpected(unsealed.error());
  done = files.ApplyFacts(fd, header.file, options.preserve_privileges);
  if (done) done = files.Sync(fd);
  if (!done) return Unexpected(done.error());
  const Result<FileFacts> facts = files.Facts(fd);
  if (!facts) return Unexpected(facts.error());

  NewFile written;
  FileFacts wanted = header.file;
  wanted.inode_flags &= ~kInodeFlagsOfProtection;  // Once it has a name.
  written.not_given_back =
      MissingFacts(wanted, *facts, options.preserve_privileges);
  written.exemption = {ExemptionKey(*facts), unsealed->sha256, options.uid,
                       WallClockMilliseconds()};
  written.note.id = header.id;
  written.note.time_ms = written.exemption.time_ms;
  written.note.threat_name = header.threat_name;
  written.note.file = *facts;
  written.note.file.xattrs.clear();
  written.note.file.inode_flags = flags & kInodeFlagsOfProtection;
  written.fd = std::move(*file);
  return written;
}

// Exempt before anybody can open it, and known before it has a name.
Result<bool> Restorer::Announce(const NewFile& file) {
  Result<bool> done = parts_.store.AddExemption(file.exemption);
  if (!done) return done;
  parts_.exemptions.Add(file.exemption.file_key, file.exemption.sha256);
  done = parts_.vault.WriteNote(kNote, file.note);
  if (!done) Forget(file.exemption);
  return done;
}

void Restorer::Forget(const Exemption& exemption) {
  parts_.exemptions.Remove(exemption.file_key);
  // Best effort: no other file will ever have that key.
  (void)parts_.store.RemoveExemption(exemption.file_key, exemption.sha256);
}

Result<bool> Restorer::GiveName(const NewFile& file, int directory) {
  FileOperations& files = parts_.vault.files();
  const std::string& path = file.note.path;
  Result<bool> done = files.Link(file.fd.UnsafeFd(), directory, BaseName(path));
  if (done) return done;
  // A disk may fail after the deed; recovery asks the same question.
  const Result<FileFacts> now = files.Identity(file.fd.UnsafeFd());
  if (!now || now->nlink != 0) return done;
  Forget(file.exemption);
  // If it stays, recovery finds no such file.
  (void)parts_.vault.DropNote(kNote, file.note.id);
  if (done.error().error_number != EEXIST) return done;
  return Fail(ErrorCode::kOperational,
              "'" + DisplayText(path) + "' exists; nothing is overwritten");
}

// From the link on the file exists twice, until the object is gone; the note
// stays until then.
Result<bool> Restorer::Conclude(const std::string& id,
                                const std::string& detail) {
  Result<bool> done = parts_.store.AddStatus(id, ThreatStatus::kRestored,
                                             WallClockMilliseconds(), detail);
  if (!done && !IsNotFound(done.error())) return done;
  done = parts_.vault.Remove(id);
  if (!done && !IsNotFound(done.error())) return done;
  return parts_.vault.DropNote(kNote, id);
}

Result<RestoredFile> Restorer::Restore(const std::string& id,
                                       UniqueFd destination,
                                       const RestoreOptions& options) {
  const MutexLock lock(mutex_);
  FileOperations& files = parts_.vault.files();
  const Result<bool> finished = FinishBegun(id);
  if (!finished) return Unexpected(finished.error());
  const Result<ObjectHeader> header = parts_.vault.Header(id);
  if (!header) return Unexpected(header.error());
  if (parts_.vault.IsStaged(id)) return Busy(id);
  const Result<UniqueFd> directory =
      OpenDestination(*header, std::move(destination));
  if (!directory) return Unexpected(directory.error());
  const int directory_fd = directory->UnsafeFd();
  const Result<FileFacts> parent = files.Identity(directory_fd);
  if (!parent) return Unexpected(parent.error());
  Result<NewFile> file = WriteBack(*header, directory_fd, options);
  if (!file) return Unexpected(file.error());
  ObjectHeader& note = file->note;
  note.parent_path = files.PathOf(directory_fd).value_or("");
  note.parent_handle = parent->handle;
  note.parent_handle_type = parent->handle_type;
  note.path = note.parent_path + "/" + BaseName(header->path);

  Result<bool> done = Announce(*file);
  if (done) done = GiveName(*file, directory_fd);
  if (done) done = files.Sync(directory_fd);
  if (!done) return Unexpected(done.error());
  const int fd = file->fd.UnsafeFd();
  if (note.file.inode_flags != 0) {
    done = files.ChangeInodeFlags(fd, kInodeFlagsOfProtection,
                                  note.file.inode_flags);
    if (!done || !*done) {
      file->not_given_back.emplace_back("immutable or append-only flag");
    }
    (void)files.Sync(fd);  // A flag that is lost with the power is no content.
  }
  done = Conclude(id, DetailOf(note.path, file->not_given_back));
  if (!done) {
    return Fail(ErrorCode::kOperational,
                "'" + DisplayText(note.path) +
                    "' is restored, and in the vault until the next start: " +
                    done.error().message);
  }
  return RestoredFile{note.path, std::move(file->not_given_back)};
}

// --- Remove -----------------------------------------------------------------

Result<bool> Restorer::Remove(const std::string& id,
                              const std::string& detail) {
  const MutexLock lock(mutex_);
  const Result<bool> finished = FinishBegun(id);
  if (!finished) return finished;
  const Result<ObjectHeader> header = parts_.vault.Header(id);
  // What is damaged can be removed too.
  if (!header && IsNotFound(header.error())) {
    return Unexpected(header.error());
  }
  if (parts_.vault.IsStaged(id)) return Busy(id);
  Result<bool> done = parts_.store.AddStatus(id, ThreatStatus::kRemoved,
                                             WallClockMilliseconds(), detail);
  if (!done && !IsNotFound(done.error())) return done;
  done = parts_.vault.Remove(id);
  (void)parts_.vault.DropNote(kNote, id);  // Of what is not mounted.
  return done;
}

// --- Recovery ---------------------------------------------------------------

// The new file, if it has a name. kNotFound: it never got one, or has lost it.
// Other errors: nobody can tell now. `parent` may be -1.
Result<UniqueFd> Restorer::Find(const ObjectHeader& note, int parent) {
  FileOperations& files = parts_.vault.files();
  Result<UniqueFd> file = files.OpenByHandle(note.file, parent);
  if (!file && file.error().code == ErrorCode::kNotSupported && parent >= 0) {
    file = OpenSameFile(files, parent, BaseName(note.path), note.file);
  }
  if (!file) return file;
  const Result<FileFacts> facts = files.Identity(file->UnsafeFd());
  if (!facts) return Unexpected(facts.error());
  if (facts->nlink == 0 || !IsSameFileAfterReboot(*facts, note.file)) {
    return Fail(ErrorCode::kNotFound, "the restored file has no name");
  }
  return file;
}

Result<bool> Restorer::FinishFound(const ObjectHeader& note, int parent,
                                   int unsafe_fd) {
  FileOperations& files = parts_.vault.files();
  const Result<UniqueFd> file = files.Reopen(unsafe_fd);
  if (!file) return Unexpected(file.error());
  const int fd = file->UnsafeFd();
  std::vector<std::string> not_given_back;
  if (note.file.inode_flags != 0) {
    const Result<bool> done = files.ChangeInodeFlags(
        fd, kInodeFlagsOfProtection, note.file.inode_flags);
    if (!done || !*done) {
      not_given_back.emplace_back("immutable or append-only flag");
    }
  }
  // Its name may be known to memory only, and the object is all there is on the
  // disk. Where its parent is gone, that of the file has to do.
  Result<bool> synced = files.Sync(fd);
  if (synced && parent >= 0) synced = files.Sync(parent);
  if (!synced) return synced;
  const Result<Threat> known = parts_.store.Get(note.id);
  if (!known && IsNotFound(known.error())) {
    // The store was lost meanwhile: what it knew of the file is told anew.
    const Result<ObjectHeader> header = parts_.vault.Header(note.id);
    if (header) {
      Threat threat = ThreatOf(*header);
      threat.history.push_back(
          {header->time_ms, ThreatStatus::kQuarantined, ""});
      Result<std::string> recorded =
          parts_.store.Record(threat, FileKey(header->file));
      if (!recorded) return Unexpected(recorded.error());
      FileFacts now = note.file;
      now.size = header->file.size;
      Result<bool> exempt = parts_.store.AddExemption(
          {ExemptionKey(now), header->sha256, 0, note.time_ms});
      if (!exempt) return exempt;
    }
  }
  return Conclude(note.id, DetailOf(note.path, not_given_back) +
                               "; finished at the next start");
}

// A restore whose disk failed after the file got its name: else it would be
// there twice.
Result<bool> Restorer::FinishBegun(const std::string& id) {
  const Result<ObjectHeader> note = parts_.vault.Note(kNote, id);
  if (!note && IsNotFound(note.error())) return true;
  return RecoverOne(id);
}

Result<bool> Restorer::RecoverOne(const std::string& id) {
  const Result<ObjectHeader> note = parts_.vault.Note(kNote, id);
  if (!note) {
    const bool is_damaged = note.error().code == ErrorCode::kInvalidInput;
    if (is_damaged) (void)parts_.vault.DropNote(kNote, id);
    return Unexpected(note.error());
  }
  const Result<UniqueFd> parent = FindParent(parts_.vault.files(), *note, -1);
  if (!parent) return Unexpected(parent.error());
  const Result<UniqueFd> file = Find(*note, parent->UnsafeFd());
  if (file) return FinishFound(*note, parent->UnsafeFd(), file->UnsafeFd());
  const Result<ObjectHeader> header = parts_.vault.Header(id);
  if (!IsNotFound(file.error())) {
    if (file.error().code != ErrorCode::kNotSupported) {
      return Unexpected(file.error());
    }
    // Where it was restored to is not mounted, and may never be again. As long
    // as there is an object, nothing is lost.
    if (header) return true;
  }
  if (header) {
    FileFacts never = note->file;
    never.size = header->file.size;
    Forget({ExemptionKey(never), header->sha256, 0, 0});
  }
  return parts_.vault.DropNote(kNote, id);
}

std::vector<Error> Restorer::Recover() {
  const MutexLock lock(mutex_);
  std::vector<Error> problems;
  const Result<std::vector<std::string>> ids = parts_.vault.NotedIds(kNote);
  if (!ids) return {ids.error()};
  for (const std::string& id : *ids) {
    const Result<bool> done = RecoverOne(id);
    if (done) continue;
    problems.push_back(done.error());
    problems.back().message =
        "the restore of '" + id + "' is unfinished: " + done.error().message;
  }
  return problems;
}

}  // namespace gatehouse
