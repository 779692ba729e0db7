#include "es_adapter/miss_policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace gatehouse {
namespace {

constexpr uid_t kRoot = 0;
constexpr uid_t kUser = 1000;

// A root-owned program in a root-owned directory.
FileCustody SystemFile() {
  FileCustody custody;
  custody.is_known = true;
  custody.mode = 0100755;
  custody.is_directory_known = true;
  custody.directory_mode = 0040755;
  return custody;
}

FileCustody UserFile() {
  FileCustody custody = SystemFile();
  custody.owner = kUser;
  return custody;
}

FileCustody WithFile(uid_t owner, mode_t mode) {
  FileCustody custody = SystemFile();
  custody.owner = owner;
  custody.mode = 0100000 | mode;
  return custody;
}

FileCustody WithDirectory(uid_t owner, mode_t mode) {
  FileCustody custody = SystemFile();
  custody.directory_owner = owner;
  custody.directory_mode = 0040000 | mode;
  return custody;
}

FileCustody InUnknownDirectory(FileCustody custody) {
  custody.is_directory_known = false;
  custody.directory_owner = 0;
  custody.directory_mode = 0;
  return custody;
}

FileCustody OnNosuid(FileCustody custody) {
  custody.is_on_nosuid_mount = true;
  return custody;
}

FileCustody InLibraries(FileCustody custody) {
  custody.is_in_system_libraries = true;
  return custody;
}

TEST(MissPolicyTest, UserWritableIsWhatTheTableSays) {
  struct Row {
    const char* what;
    FileCustody custody;
    bool is_user_writable;
  };
  const std::vector<Row> table = {
      {"nothing is known", {}, false},
      {"root's", SystemFile(), false},
      {"a user's", WithFile(kUser, 0755), true},
      {"a user's, read-only", WithFile(kUser, 0555), true},
      {"writable by a group", WithFile(kRoot, 0775), true},
      {"writable by all", WithFile(kRoot, 0757), true},
      {"set-uid root", WithFile(kRoot, 04755), false},
      {"in a user's directory", WithDirectory(kUser, 0755), true},
      {"in a group's directory", WithDirectory(kRoot, 02775), true},
      {"in /tmp", WithDirectory(kRoot, 01777), true},
      {"root's, somewhere", InUnknownDirectory(SystemFile()), false},
      {"a user's, somewhere", InUnknownDirectory(UserFile()), true},
      {"root's, on a stick", OnNosuid(SystemFile()), true},
  };
  for (const Row& row : table) {
    EXPECT_EQ(IsUserWritable(row.custody), row.is_user_writable) << row.what;
  }
}

TEST(MissPolicyTest, FailsClosedOnlyWhereTheTableSays) {
  constexpr MissCircumstances kStrict{MissProfile::kStrict, false, false};
  struct Row {
    const char* what;
    FileEventKind kind;
    int32_t pid;
    FileCustody custody;
    MissCircumstances circumstances;
    bool fails_closed;
  };
  using Kind = FileEventKind;
  const std::vector<Row> table = {
      {"a user's program", Kind::kExec, 7, UserFile(), kStrict, true},
      {"in a container", Kind::kExec, 0, UserFile(), kStrict, true},
      {"the system's program", Kind::kExec, 7, SystemFile(), kStrict, false},
      {"unknown", Kind::kExec, 7, {}, kStrict, false},
      {"an open", Kind::kOpen, 7, UserFile(), kStrict, false},
      {"a close", Kind::kClose, 7, UserFile(), kStrict, false},
      {"init", Kind::kExec, 1, UserFile(), kStrict, false},
      {"a library", Kind::kExec, 7, InLibraries(UserFile()), kStrict, false},
      {"by default",
       Kind::kExec,
       7,
       UserFile(),
       {MissProfile::kDefault, false, false},
       false},
      {"while packages change",
       Kind::kExec,
       7,
       UserFile(),
       {MissProfile::kStrict, true, false},
       false},
      {"with the breaker open",
       Kind::kExec,
       7,
       UserFile(),
       {MissProfile::kStrict, false, true},
       false},
  };
  for (const Row& row : table) {
    EXPECT_EQ(FailsClosed({row.kind, row.pid, row.custody}, row.circumstances),
              row.fails_closed)
        << row.what;
  }
}

TEST(MissPolicyTest, AMissIsWhatTheTableSays) {
  using Reason = NotScannedReason;
  struct Row {
    Reason reason;
    bool is_miss;
  };
  const std::vector<Row> table = {
      {Reason::kNotRegularFile, false}, {Reason::kPseudoFileSystem, false},
      {Reason::kVanished, false},       {Reason::kChangedWhileScanning, true},
      {Reason::kSizeLimit, true},       {Reason::kTimeLimit, true},
      {Reason::kCancelled, false},      {Reason::kDeadline, true},
      {Reason::kScanCrashed, true},     {Reason::kNoWorker, true},
      {Reason::kRestored, false},       {Reason::kRemoteFileSystem, false},
      {Reason::kExcluded, false},       {Reason::kAllowedThreat, false},
      {Reason::kAuditedThreat, false},  {Reason::kThreatTypeOff, false},
      {Reason::kWorkLimit, true},
  };
  EXPECT_EQ(table.size() + 1, kNotScannedReasonCount);
  for (const Row& row : table) {
    EXPECT_EQ(IsMiss(Verdict::NotScanned(row.reason)), row.is_miss)
        << ReasonWord(row.reason);
  }
  EXPECT_TRUE(IsMiss(Verdict::FromErrno(5)));
  EXPECT_FALSE(IsMiss(Verdict::Infected("Test")));
  Verdict verdict;
  verdict.kind = VerdictKind::kClean;
  EXPECT_FALSE(IsMiss(verdict));
  verdict.kind = VerdictKind::kSuspicious;
  EXPECT_FALSE(IsMiss(verdict));
}

}  // namespace
}  // namespace gatehouse
