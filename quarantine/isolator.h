// Isolator: takes one malicious file out of its place: seals a copy, makes it
// durable, and only then touches the name.
//
// Linux cannot remove "exactly this inode", and a check before an unlink loses
// innocent files to whoever swaps names in between. So the name is captured
// (renamed to where only we can reach it), what was captured is verified, and
// anything else is put back (capture, verify, undo).
//
//   seal a copy -> durable in stage/ -> capture -> verify -> unlink -> data/
//
// A process that still has the file open for writing keeps changing it after
// its name is gone. Such a file stays captured until it is quiet, and is sealed
// again if it changed.
//
// One thread at a time, and its judge with it. The vault and its
// FileOperations must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/scanner.h"
#include "quarantine/capture_area.h"
#include "quarantine/file_place.h"
#include "quarantine/threat.h"
#include "quarantine/threat_rules.h"
#include "quarantine/vault.h"

namespace gatehouse {

struct Hit {
  int unsafe_fd = -1;  // Open for reading, and kept open by the caller.
  std::string threat_name;
  std::string scan_id;  // The on-demand scan that found it, if one did.
  // By which it is remembered already; empty, or in the vault: a new one.
  std::string threat_id = {};
  bool is_forced = false;  // Whatever the rules say of its name.
};

struct Isolation {
  ThreatStatus status = ThreatStatus::kQuarantineFailed;
  std::string detail;   // Why, if it is not what everybody hopes for.
  ObjectHeader header;  // Its id and file facts are always there.
  // Set while the file is captured and somebody else still has it open: call
  // Finish later.
  std::optional<CapturedFile> captured;
  bool is_left_alone = false;  // By a rule.
  // Another object holds the very same file: nothing to record.
  bool is_known_otherwise = false;
};

class Isolator {
 public:
  // Files with more data (holes do not count) are denied and left where they
  // are: the vault must not fill the disk.
  static constexpr uint64_t kFileBytesMax = uint64_t{2} << 30;

  // Judges a file that is open for reading.
  using Judge = std::function<Verdict(int unsafe_fd, const ScanLimits& limits)>;

  // `rules`, which must outlive it, say what is left alone; null: nothing is.
  Isolator(Vault& vault, Judge judge, const ThreatRules* rules = nullptr);
  Isolator(Vault& vault, std::unique_ptr<Scanner> scanner,
           const ThreatRules* rules = nullptr);

  // Blocks for a scan, a copy and a few flushes. Whatever fails, the file is
  // either untouched in its place or sealed in the vault. One that was deleted
  // and is only held open is sealed too, and `removed`; `nlink` in its header
  // is 0. Of one on a read-only file system a copy is sealed, and
  // `quarantine_failed`; `is_copy` in its header is set.
  Isolation Isolate(const Hit& hit);

  // Unlinks a captured file when nobody else has it open, or in any case with
  // `is_last_call`. Empty: still in use.
  std::optional<Isolation> Finish(CapturedFile& captured, bool is_last_call);

  // Goes on where a dead process stopped with the staged object `header`.
  // `file` is the original: see UnfinishedIsolation. `others`:
  // OtherObjectsOf(header).
  Isolation Resume(const ObjectHeader& header, Result<UniqueFd> file,
                   size_t others = 0);

 private:
  static void KeepProtection(const FileFacts& before, FileFacts& now);
  std::optional<Isolation> RefuseUnfit(int fd, const ObjectHeader& header);
  // Why it is to be left where it is, if it is.
  struct Acquittal {
    ThreatStatus status = ThreatStatus::kDetected;
    std::string why;
  };
  std::optional<Acquittal> Acquit(int fd, bool is_forced, ObjectHeader& header);
  // `begun`: its id, and what is known of the file beside what it shows now.
  // `is_staged`: an object of that id is already there, and stays there until
  // the new one takes its place or the isolation is given up.
  Isolation IsolateAs(const ObjectHeader& begun, bool is_staged,
                      const Hit& hit);
  std::optional<Isolation> FromCopy(const Hit& hit);
  Isolation KeepCopy(int fd, ObjectHeader header, bool is_staged);
  Isolation SealDeleted(const Hit& hit, ObjectHeader header);
  void SetDeletedPlace(ObjectHeader& header);
  bool HoldsWhatWasSealed(int fd, const ObjectHeader& sealed,
                          const FileFacts& now);
  Isolation SealAndCapture(const Hit& hit, ObjectHeader header, bool is_staged);
  Result<bool> StageMoved(int fd, const FilePlace& place, ObjectHeader& header);
  Isolation Capture(const Hit& hit, ObjectHeader header, FilePlace place);
  Result<bool> CaptureOnce(const Hit& hit, CapturedFile& captured);
  // `fd`: the file, which gets its protection back; -1: it cannot be reached.
  Isolation GiveUp(const ObjectHeader& header, int fd, ThreatStatus status,
                   std::string detail);
  void Protect(int fd, const ObjectHeader& header);
  static Isolation LeaveForRecovery(const ObjectHeader& header,
                                    const std::string& why);
  Isolation Undo(const CapturedFile& captured, ThreatStatus status,
                 std::string detail);
  std::optional<Isolation> SealAgainIfChanged(CapturedFile& captured);
  Isolation Unlink(CapturedFile& captured);
  Isolation FinishOrWait(CapturedFile captured);
  Isolation ResumeCaptured(CapturedFile captured);
  Isolation PublishUnlinked(ObjectHeader header, const UniqueFd& file,
                            size_t others);
  bool HasLostAName(const ObjectHeader& header, const UniqueFd& file);

  Vault& vault_;
  FileOperations& files_;
  CaptureArea area_;
  const Judge judge_;
  const ThreatRules* const rules_;
};

}  // namespace gatehouse
