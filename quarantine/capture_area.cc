#include "quarantine/capture_area.h"

#include <unistd.h>

#include <cerrno>
#include <climits>
#include <utility>

#include "quarantine/file_place.h"
#include "quarantine/threat_id.h"

namespace gatehouse {
namespace {

constexpr int kPutBacksMax = 4;
constexpr const char* kCapturedName = "captured";

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

// Another inode is another file even if it is a copy.
FileFacts ParentFacts(const ObjectHeader& header) {
  FileFacts facts;
  facts.dev = header.file.dev;
  facts.handle_type = header.parent_handle_type;
  facts.handle = header.parent_handle;
  return facts;
}

bool IsNotFound(const Error& error) {
  return error.code == ErrorCode::kNotFound;
}

bool IsOutOfOurHands(const Error& error) {
  return IsNotFound(error) || error.error_number == ENOTEMPTY ||
         error.error_number == ENOTDIR;
}

}  // namespace

CaptureArea::CaptureArea(Vault& vault)
    : files_(vault.files()), unsafe_stage_fd_(vault.UnsafeStageFd()) {}

int CaptureArea::DirectoryFd(const CapturedFile& captured) const {
  return captured.directory.valid() ? captured.directory.UnsafeFd()
                                    : unsafe_stage_fd_;
}

std::string CaptureArea::NameOf(const CapturedFile& captured) {
  return captured.directory.valid() ? kCapturedName : captured.header.id + ".c";
}

// Not valid when the file can go to our stage: only a rename within one mount
// is a rename of the very same inode.
Result<UniqueFd> CaptureArea::MakeDirectory(int parent, const std::string& id) {
  if (files_.IsOnSameMount(parent, unsafe_stage_fd_)) return UniqueFd();
  const std::string name = CaptureDirectoryName(id);
  const Result<bool> made = files_.MakeDirectory(parent, name);
  if (!made && made.error().error_number != EEXIST) {
    return Unexpected(made.error());
  }
  Result<UniqueFd> directory = files_.OpenDirectoryIn(parent, name);
  // Whoever may write to the parent may have put another one here.
  if (directory) {
    const Result<FileFacts> facts = files_.Identity(directory->UnsafeFd());
    if (!facts || !IsOursAlone(*facts)) {
      directory = Fail(ErrorCode::kNotPermitted,
                       "the directory for its capture was exchanged");
    }
  }
  // Best effort: one that is empty.
  if (!directory) (void)files_.RemoveDirectory(parent, name);
  return directory;
}

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

Result<bool> CaptureArea::RemoveDirectory(const CapturedFile& captured) {
  if (!captured.directory.valid()) return true;
  Result<bool> done = files_.RemoveDirectory(
      captured.parent.UnsafeFd(), CaptureDirectoryName(captured.header.id));
  // Not ours to force: somebody may have moved something in, or it away.
  if (!done && IsOutOfOurHands(done.error())) return true;
  return done;
}

// In doubt, yes.
bool CaptureArea::Holds(const CapturedFile& captured) {
  const Result<FileFacts> found = Identity(captured);
  return found || !IsNotFound(found.error());
}

// Not valid when it is gone.
UniqueFd CaptureArea::FindParent(const ObjectHeader& header,
                                 const UniqueFd& file) {
  Result<UniqueFd> parent = files_.OpenDirectory(header.parent_path);
  Result<FileFacts> facts = Fail(ErrorCode::kNotFound, "");
  if (parent) facts = files_.Identity(parent->UnsafeFd());
  if (!facts || facts->handle != header.parent_handle) {
    parent = files_.OpenByHandle(ParentFacts(header), file.UnsafeFd());
    if (parent) parent = files_.Reopen(parent->UnsafeFd());
  }
  return parent ? std::move(*parent) : UniqueFd();
}

// The one that a dead process made in `parent`; not valid if there is none.
UniqueFd CaptureArea::FindDirectory(const ObjectHeader& header, int parent,
                                    const UniqueFd& file) {
  const auto is_ours = [this](const Result<UniqueFd>& directory) {
    if (!directory) return false;
    const Result<FileFacts> facts = files_.Identity(directory->UnsafeFd());
    return facts && IsOursAlone(*facts);
  };
  Result<UniqueFd> directory =
      files_.OpenDirectoryIn(parent, CaptureDirectoryName(header.id));
  if (is_ours(directory)) return std::move(*directory);
  if (!file.valid()) return {};
  // Whoever may write to the parent may have renamed it.
  const Result<std::string> path = files_.PathOf(file.UnsafeFd());
  if (!path || BaseName(*path) != kCapturedName) return {};
  directory = OpenParentOf(files_, file.UnsafeFd());
  return is_ours(directory) ? std::move(*directory) : UniqueFd();
}

// Where a dead process left the file, or what it took for it. True: it is
// there; false: nothing was captured.
Result<bool> CaptureArea::Find(CapturedFile& captured, const UniqueFd& file) {
  Result<FileFacts> found =
      files_.IdentityIn(unsafe_stage_fd_, NameOf(captured));
  if (found) return true;
  if (!IsNotFound(found.error())) return Unexpected(found.error());
  if (!captured.parent.valid()) return false;
  captured.directory =
      FindDirectory(captured.header, captured.parent.UnsafeFd(), file);
  if (!captured.directory.valid()) return false;
  found = files_.IdentityIn(captured.directory.UnsafeFd(), kCapturedName);
  if (found) return true;
  if (!IsNotFound(found.error())) return Unexpected(found.error());
  const Result<bool> removed = RemoveDirectory(captured);
  if (!removed) return removed;
  return false;
}

Result<FileFacts> CaptureArea::Identity(const CapturedFile& captured) {
  return files_.IdentityIn(DirectoryFd(captured), NameOf(captured));
}

Result<UniqueFd> CaptureArea::Open(const CapturedFile& captured) {
  return files_.OpenFileIn(DirectoryFd(captured), NameOf(captured));
}

}  // namespace gatehouse
