#include "quarantine/threat_database.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "base/unique_fd.h"
#include "quarantine/threat_store.h"

namespace gatehouse {
namespace {

// Values are on disk: never renumber. A change of the schema is a new version,
// and a way from the old one to it.
constexpr char kVersion[] = "2";
constexpr char kTableCount[] = "4";

// Whatever comes from files is bytes; STRICT keeps each type as it says.
constexpr char kSchema[] = R"(
  CREATE TABLE threats(
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    path BLOB NOT NULL,
    owner_uid INTEGER NOT NULL,
    file_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    scan_id TEXT NOT NULL,
    isolated_in_time INTEGER,
    file_key BLOB NOT NULL,
    status TEXT NOT NULL,
    isolated_after_ms INTEGER
  ) STRICT;
  CREATE INDEX threats_by_file ON threats(file_key);
  CREATE INDEX threats_by_status ON threats(status);
  CREATE INDEX threats_by_owner ON threats(owner_uid);
  CREATE INDEX threats_by_scan ON threats(scan_id);
  CREATE TABLE history(
    threat_id TEXT NOT NULL REFERENCES threats(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY(threat_id, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE exemptions(
    file_key BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    uid INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY(file_key, sha256)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE scans(
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    uid INTEGER NOT NULL,
    type TEXT NOT NULL,
    path BLOB NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    files_scanned INTEGER NOT NULL,
    threats INTEGER NOT NULL,
    not_scanned INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    state TEXT NOT NULL
  ) STRICT;
  PRAGMA user_version = 2;
)";

// In version 1 nobody knew how long after a close a file was isolated, and no
// scan was kept for its threats.
constexpr char kFromVersion1[] = R"(
  ALTER TABLE threats ADD COLUMN isolated_after_ms INTEGER;
  CREATE INDEX threats_by_scan ON threats(scan_id);
  PRAGMA user_version = 2;
)";

struct FreePath {
  void operator()(char* path) const { ::free(path); }
};

// SQLite refuses links anywhere in a path; those above are the administrator's.
Result<std::string> Resolved(const std::string& directory) {
  const std::unique_ptr<char, FreePath> path(
      ::realpath(directory.c_str(), nullptr));
  if (path == nullptr) return FailSystem("open '" + directory + "'", errno);
  return std::string(path.get());
}

Unexpected Damaged(const std::string& path, const std::string& what) {
  return Fail(ErrorCode::kInvalidInput, "database '" + path + "': " + what);
}

Result<bool> ChangeSchema(const Database& database, const char* sql) {
  Result<Transaction> transaction = Transaction::Begin(database);
  if (!transaction) return Unexpected(transaction.error());
  Result<bool> created = database.Execute(sql);
  if (!created) return created;
  return transaction->Commit();
}

Result<bool> CheckWhole(const Database& database, const std::string& path) {
  const Result<std::string> check = database.Ask("PRAGMA integrity_check(1)");
  if (!check) return Unexpected(check.error());
  if (*check != "ok") return Damaged(path, *check);
  const Result<std::string> foreign = database.Ask("PRAGMA foreign_key_check");
  if (!foreign) return Unexpected(foreign.error());
  if (!foreign->empty()) return Damaged(path, "history of no threat");
  const Result<std::string> tables = database.Ask(
      "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND "
      "name IN ('threats', 'history', 'exemptions', 'scans')");
  if (!tables) return Unexpected(tables.error());
  if (*tables != kTableCount) return Damaged(path, "a table is missing");
  return true;
}

Result<Database> OpenWhole(const std::string& path) {
  Result<Database> database = Database::Open(path);
  if (!database) return database;
  const Result<std::string> version = database->Ask("PRAGMA user_version");
  if (!version) return Unexpected(version.error());
  if (*version == "0") {  // The schema comes with its version, or not at all.
    const Result<bool> created = ChangeSchema(*database, kSchema);
    if (!created) return Unexpected(created.error());
  } else if (*version == "1") {
    const Result<bool> whole = CheckWhole(*database, path);
    if (!whole) return Unexpected(whole.error());
    const Result<bool> changed = ChangeSchema(*database, kFromVersion1);
    if (!changed) return Unexpected(changed.error());
  } else if (*version != kVersion) {
    return Fail(ErrorCode::kNotSupported,
                "database '" + path + "': its schema has version " + *version +
                    ", this program knows version " + kVersion);
  }
  const Result<bool> whole = CheckWhole(*database, path);
  if (!whole) return Unexpected(whole.error());
  return database;
}

// The log goes first: if that is all we get to do, a damaged database without
// its log is damaged still.
Result<std::string> MoveAside(const std::string& path) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  std::string aside = path + ".corrupt-" + std::to_string(now_ms);
  if (::rename((path + "-wal").c_str(), (aside + "-wal").c_str()) != 0 &&
      errno != ENOENT) {
    return FailSystem("rename '" + path + "-wal'", errno);
  }
  if (::unlink((path + "-shm").c_str()) != 0 && errno != ENOENT) {
    return FailSystem("unlink '" + path + "-shm'", errno);
  }
  if (::rename(path.c_str(), aside.c_str()) != 0) {
    return FailSystem("rename '" + path + "'", errno);
  }
  return aside;
}

}  // namespace

Result<ThreatDatabase> OpenThreatDatabase(const std::string& state_directory) {
  const Result<std::string> directory = Resolved(state_directory);
  if (!directory) return Unexpected(directory.error());
  const std::string path = *directory + "/" + kThreatStoreName;
  Result<Database> database = OpenWhole(path);
  if (database) return ThreatDatabase{std::move(*database), ""};
  if (database.error().code != ErrorCode::kInvalidInput) {
    return Unexpected(database.error());
  }

  const std::string damage = database.error().message;
  const Result<std::string> aside = MoveAside(path);
  if (!aside) return Unexpected(aside.error());
  database = OpenWhole(path);
  if (!database) return Unexpected(database.error());
  return ThreatDatabase{
      std::move(*database),
      damage + "; it was moved to '" + *aside + "', and a new one is begun"};
}

}  // namespace gatehouse
