#include "quarantine/restorer.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/display_text.h"
#include "base/time.h"
#include "quarantine/file_place.h"

namespace gatehouse {
namespace {

// A captured original is still there: the object alone is not the truth.
Unexpected Busy(const std::string& id) {
  return Fail(ErrorCode::kOperational,
              "'" + id +
                  "' is still being isolated: somebody has the file "
                  "open; try again in a minute");
}

}  // namespace

// The directory must still be the one the file was taken from: whoever may
// rename things around it must not choose where root writes.
Result<UniqueFd> Restorer::OriginalDirectory(const ObjectHeader& header) {
  FileOperations& files = parts_.vault.files();
  Result<UniqueFd> directory = files.OpenDirectory(header.parent_path);
  if (!directory) return directory;
  const Result<FileFacts> facts = files.Identity(directory->UnsafeFd());
  if (!facts) return Unexpected(facts.error());
  if (facts->handle != header.parent_handle) {
    return Fail(ErrorCode::kNotFound,
                "'" + DisplayText(header.parent_path) +
                    "' is not the directory it was taken from; name one with "
                    "--destination-path");
  }
  return directory;
}

// A file without a name, complete and durable, and exempt before anybody can
// open it.
Result<UniqueFd> Restorer::WriteBack(const ObjectHeader& header, int directory,
                                     uint32_t uid) {
  FileOperations& files = parts_.vault.files();
  Result<UniqueFd> file = files.CreateUnnamed(directory);
  if (!file) return file;
  const int fd = file->UnsafeFd();
  const Result<ObjectHeader> unsealed = parts_.vault.Unseal(header.id, fd);
  if (!unsealed) return Unexpected(unsealed.error());
  Result<bool> done = files.ApplyFacts(fd, header.file);
  if (done) done = files.Sync(fd);
  if (!done) return Unexpected(done.error());
  const Result<FileFacts> facts = files.Identity(fd);
  if (!facts) return Unexpected(facts.error());
  const std::string key = ExemptionKey(*facts);
  const Result<bool> remembered = parts_.store.AddExemption(
      {key, unsealed->sha256, uid, WallClockMilliseconds()});
  if (!remembered) return Unexpected(remembered.error());
  parts_.exemptions.Add(key, unsealed->sha256);
  return file;
}

Result<std::string> Restorer::Restore(const std::string& id,
                                      UniqueFd destination, uint32_t uid) {
  const MutexLock lock(mutex_);
  FileOperations& files = parts_.vault.files();
  const Result<ObjectHeader> header = parts_.vault.Header(id);
  if (!header) return Unexpected(header.error());
  if (parts_.vault.IsStaged(id)) return Busy(id);
  if (destination.valid()) {
    const Result<FileFacts> facts = files.Identity(destination.UnsafeFd());
    if (!facts) return Unexpected(facts.error());
    if (!S_ISDIR(facts->mode)) {
      return Fail(ErrorCode::kInvalidInput, "the destination is no directory");
    }
  }
  Result<UniqueFd> directory = destination.valid()
                                   ? files.Reopen(destination.UnsafeFd())
                                   : OriginalDirectory(*header);
  if (!directory) return Unexpected(directory.error());
  const int directory_fd = directory->UnsafeFd();
  const std::string name = BaseName(header->path);
  const std::string path = files.PathOf(directory_fd).value_or("") + "/" + name;
  const Result<UniqueFd> file = WriteBack(*header, directory_fd, uid);
  if (!file) return Unexpected(file.error());
  Result<bool> done = files.Link(file->UnsafeFd(), directory_fd, name);
  if (!done && done.error().error_number == EEXIST) {
    return Fail(ErrorCode::kOperational,
                "'" + DisplayText(path) + "' exists; nothing is overwritten");
  }
  if (done) done = files.Sync(directory_fd);
  if (!done) return Unexpected(done.error());
  // From here on the file exists twice until the object is gone; recovery
  // removes the object of a threat that is recorded as restored.
  done = parts_.store.AddStatus(id, ThreatStatus::kRestored,
                                WallClockMilliseconds(), "to " + path);
  if (done) done = parts_.vault.Remove(id);
  if (!done) return Unexpected(done.error());
  return path;
}

Result<bool> Restorer::Remove(const std::string& id) {
  const MutexLock lock(mutex_);
  const Result<ObjectHeader> header = parts_.vault.Header(id);
  // What is damaged can be removed too.
  if (!header && header.error().code == ErrorCode::kNotFound) {
    return Unexpected(header.error());
  }
  if (parts_.vault.IsStaged(id)) return Busy(id);
  Result<bool> done = parts_.store.AddStatus(id, ThreatStatus::kRemoved,
                                             WallClockMilliseconds(), "");
  if (!done && done.error().code != ErrorCode::kNotFound) return done;
  return parts_.vault.Remove(id);
}

}  // namespace gatehouse
