#include "quarantine/capture_area.h"

#include <unistd.h>

#include <cerrno>
#include <climits>
#include <utility>

#include "quarantine/file_place.h"
#include "quarantine/threat_id.h"

namespace gatehouse {
namespace {

constexpr auto kNote = Vault::NoteKind::kCapture;
constexpr int kPutBacksMax = 4;
// Somebody moves the directory while we look for its name.
constexpr int kRemovalsMax = 4;
constexpr const char* kCapturedName = "captured";
constexpr const char* kParent = "..";

// For a file whose own name was taken meanwhile.
std::string NameBeside(const std::string& name, const std::string& id) {
  const std::string suffix = ".restored-" + id;
  return name.substr(0, NAME_MAX - suffix.size()) + suffix;
}

std::string CaptureDirectoryName(const std::string& id) {
  return ".gatehouse-" + id;
}

bool IsOursAlone(const FileFacts& directory) {
  return directory.uid == ::geteuid() && (directory.mode & 077U) == 0;
}

bool IsNotFound(const Error& error) {
  return error.code == ErrorCode::kNotFound;
}

bool IsOutOfOurHands(const Error& error) {
  return IsNotFound(error) || error.error_number == ENOTEMPTY ||
         error.error_number == ENOTDIR;
}

// A directory that was exchanged under our hands.
Unexpected Exchanged() {
  return Fail(ErrorCode::kNotPermitted,
              "the directory for its capture was exchanged");
}

}  // namespace

CaptureArea::CaptureArea(Vault& vault)
    : vault_(vault),
      files_(vault.files()),
      unsafe_stage_fd_(vault.UnsafeStageFd()) {}

int CaptureArea::DirectoryFd(const CapturedFile& captured) const {
  return captured.directory.valid() ? captured.directory.UnsafeFd()
                                    : unsafe_stage_fd_;
}

std::string CaptureArea::NameOf(const CapturedFile& captured) {
  return captured.directory.valid() ? kCapturedName : captured.header.id + ".c";
}

// --- The directory ----------------------------------------------------------

Result<bool> CaptureArea::Prepare(CapturedFile& captured) {
  const int parent = captured.parent.UnsafeFd();
  if (captured.directory.valid()) {
    const int directory = captured.directory.UnsafeFd();
    const Result<FileFacts> now = files_.Identity(directory);
    if (now && now->nlink != 0 && files_.IsOnSameMount(parent, directory)) {
      return true;
    }
    RemoveDirectory(captured);
    captured.directory = UniqueFd();
  }
  if (files_.IsOnSameMount(parent, unsafe_stage_fd_)) return true;
  Result<UniqueFd> made = MakeDirectory(parent, captured.header);
  if (!made) return Unexpected(made.error());
  captured.directory = std::move(*made);
  return true;
}

Result<UniqueFd> CaptureArea::MakeDirectory(int parent,
                                            const ObjectHeader& header) {
  const std::string name = CaptureDirectoryName(header.id);
  const Result<bool> made = files_.MakeDirectory(parent, name);
  if (!made && made.error().error_number != EEXIST) {
    return Unexpected(made.error());
  }
  Result<UniqueFd> directory = files_.OpenDirectoryIn(parent, name);
  if (directory) {
    const Result<FileFacts> facts = files_.Identity(directory->UnsafeFd());
    // Whoever may write to the parent may have put another one here.
    Result<bool> done =
        facts && IsOursAlone(*facts) ? true : Result<bool>(Exchanged());
    // A directory that the power takes must not take a file along.
    if (done) done = files_.Sync(parent);
    if (done) done = WriteNote(header, *facts);
    if (!done) directory = Unexpected(done.error());
  }
  if (!directory) {
    // Best effort: one that is empty.
    (void)files_.RemoveDirectory(parent, name);
    (void)vault_.DropNote(kNote, header.id);
  }
  return directory;
}

// Durable before anything is put in. Where there are no handles, the name that
// we gave it is all there is to find it by.
Result<bool> CaptureArea::WriteNote(const ObjectHeader& header,
                                    const FileFacts& directory) {
  if (directory.handle.empty()) return true;
  ObjectHeader note;
  note.id = header.id;
  note.file = directory;
  note.parent_path = header.parent_path;
  note.parent_handle = header.parent_handle;
  note.parent_handle_type = header.parent_handle_type;
  return vault_.WriteNote(kNote, note);
}

// True: it was there, by one of its names, and is gone.
Result<bool> CaptureArea::RemoveFrom(int parent, const CapturedFile& captured,
                                     const FileFacts& facts) {
  const Result<std::string> path = files_.PathOf(captured.directory.UnsafeFd());
  const std::string names[] = {CaptureDirectoryName(captured.header.id),
                               path ? BaseName(*path) : ""};
  for (const std::string& name : names) {
    if (name.empty()) continue;
    const Result<FileFacts> found = files_.IdentityIn(parent, name);
    if (!found || !IsSameFile(*found, facts)) continue;
    Result<bool> done = files_.RemoveDirectory(parent, name);
    // Durable before the note goes: else it may come back with the power.
    if (done) (void)files_.Sync(parent);
    return done;
  }
  return false;
}

// Whoever may write to its parent may move the parent, and mount something over
// it; the directory itself stays in there, unless its owner, root, moves it.
Result<bool> CaptureArea::RemoveWhereItIs(const CapturedFile& captured) {
  const int directory = captured.directory.UnsafeFd();
  const Result<FileFacts> facts = files_.Identity(directory);
  if (!facts) return Unexpected(facts.error());
  if (facts->nlink == 0) return true;
  if (captured.parent.valid()) {
    Result<bool> done =
        RemoveFrom(captured.parent.UnsafeFd(), captured, *facts);
    if (!done || *done) return done;
  }
  const Result<UniqueFd> parent = files_.OpenDirectoryIn(directory, kParent);
  if (!parent) return Unexpected(parent.error());
  return RemoveFrom(parent->UnsafeFd(), captured, *facts);
}

void CaptureArea::RemoveDirectory(const CapturedFile& captured) {
  if (!captured.directory.valid()) return;
  Result<bool> done = false;
  for (int i = 0; (!done || !*done) && i < kRemovalsMax; ++i) {
    done = RemoveWhereItIs(captured);
  }
  if (done && *done) (void)vault_.DropNote(kNote, captured.header.id);
}

// --- What is in it ----------------------------------------------------------

bool CaptureArea::IsInStage(const FilePlace& place) {
  const Result<FileFacts> stage = files_.Identity(unsafe_stage_fd_);
  return stage && IsSameFile(*stage, place.parent_facts);
}

// The name may have been taken meanwhile; nothing is overwritten. On error the
// file is still captured, and the staged object must stay: without it nobody
// would ever look for the file.
Result<bool> CaptureArea::PutBack(const CapturedFile& captured) {
  const int directory = DirectoryFd(captured);
  const int parent = captured.parent.UnsafeFd();
  const std::string name = NameOf(captured);
  const std::string& base = captured.base_name;
  Result<bool> done = files_.Rename(directory, name, parent, base);
  for (int i = 1; !done && i < kPutBacksMax; ++i) {
    const bool is_taken = done.error().error_number == EEXIST;
    const std::string id = i == 1 ? captured.header.id : NewThreatId();
    done = files_.Rename(directory, name, parent,
                         is_taken ? NameBeside(base, id) : base);
  }
  (void)files_.Sync(parent);
  return done;
}

// In doubt, yes.
bool CaptureArea::Holds(const CapturedFile& captured) {
  const Result<FileFacts> found = Identity(captured);
  return found || !IsNotFound(found.error());
}

Result<FileFacts> CaptureArea::Identity(const CapturedFile& captured) {
  return files_.IdentityIn(DirectoryFd(captured), NameOf(captured));
}

Result<UniqueFd> CaptureArea::Open(const CapturedFile& captured) {
  return files_.OpenFileIn(DirectoryFd(captured), NameOf(captured));
}

// --- After a dead process ---------------------------------------------------

// Not valid if there is none. `parent` may be -1.
Result<UniqueFd> CaptureArea::FindDirectory(const std::string& id, int parent) {
  const Result<ObjectHeader> note = vault_.Note(kNote, id);
  if (note) {
    // The number of its device may be another one after a reboot.
    Result<UniqueFd> beside{UniqueFd()};
    if (parent < 0) beside = FindParent(files_, *note, -1);
    const int hint = parent < 0 && beside ? beside->UnsafeFd() : parent;
    Result<UniqueFd> directory = files_.OpenByHandle(note->file, hint);
    if (directory) return files_.Reopen(directory->UnsafeFd());
    if (!IsNotFound(directory.error())) return directory;
    return UniqueFd();
  }
  // One that is damaged leaves the name that we gave it.
  const bool is_none =
      IsNotFound(note.error()) || note.error().code == ErrorCode::kInvalidInput;
  if (!is_none) return Unexpected(note.error());
  if (parent < 0) return UniqueFd();
  Result<UniqueFd> directory =
      files_.OpenDirectoryIn(parent, CaptureDirectoryName(id));
  if (!directory) {
    if (IsOutOfOurHands(directory.error())) return UniqueFd();
    return directory;
  }
  const Result<FileFacts> facts = files_.Identity(directory->UnsafeFd());
  if (!facts) return Unexpected(facts.error());
  return IsOursAlone(*facts) ? std::move(*directory) : UniqueFd();
}

Result<bool> CaptureArea::Find(CapturedFile& captured) {
  Result<FileFacts> found =
      files_.IdentityIn(unsafe_stage_fd_, NameOf(captured));
  if (found) return true;
  if (!IsNotFound(found.error())) return Unexpected(found.error());
  Result<UniqueFd> directory =
      FindDirectory(captured.header.id, captured.parent.UnsafeFd());
  if (!directory) return Unexpected(directory.error());
  captured.directory = std::move(*directory);
  if (!captured.directory.valid()) {
    (void)vault_.DropNote(kNote, captured.header.id);
    return false;
  }
  found = Identity(captured);
  if (!found) {
    if (!IsNotFound(found.error())) return Unexpected(found.error());
    RemoveDirectory(captured);
    captured.directory = UniqueFd();
    return false;
  }
  if (captured.parent.valid()) return true;
  // Its parent is gone: what is beside our directory is as good.
  Result<UniqueFd> beside =
      files_.OpenDirectoryIn(captured.directory.UnsafeFd(), kParent);
  if (!beside) return Unexpected(beside.error());
  captured.parent = std::move(*beside);
  return true;
}

// The file of an isolation that has ended, whose removal was undone.
void CaptureArea::RemoveWhatCameBack(const CapturedFile& captured) {
  const Result<FileFacts> found = Identity(captured);
  if (!found) return;
  const Result<ObjectHeader> object = vault_.Header(captured.header.id);
  if (!object || !IsSameFileAfterReboot(*found, object->file)) return;
  const int directory = captured.directory.UnsafeFd();
  (void)files_.Unlink(directory, NameOf(captured));
  (void)files_.Sync(directory);
}

std::vector<Error> CaptureArea::RemoveLeftDirectories() {
  const Result<std::vector<std::string>> ids = vault_.NotedIds(kNote);
  if (!ids) return {ids.error()};
  std::vector<Error> problems;
  for (const std::string& id : *ids) {
    if (vault_.IsStaged(id)) continue;
    CapturedFile captured;
    captured.header.id = id;
    Result<UniqueFd> directory = FindDirectory(id, -1);
    if (!directory) {
      // It is not mounted: some other start will find it.
      if (directory.error().code == ErrorCode::kNotSupported) continue;
      problems.push_back(directory.error());
      continue;
    }
    captured.directory = std::move(*directory);
    if (captured.directory.valid()) {
      RemoveWhatCameBack(captured);
      RemoveDirectory(captured);
      const auto left = files_.Identity(captured.directory.UnsafeFd());
      if (left && left->nlink != 0) {
        problems.push_back({ErrorCode::kOperational,
                            "the directory of the capture of '" + id +
                                "' cannot be removed, or is not empty"});
      }
    } else {
      (void)vault_.DropNote(kNote, id);
    }
  }
  return problems;
}

}  // namespace gatehouse
