#include "quarantine/threat_table.h"

#include <cassert>
#include <utility>

#include "quarantine/threat_store.h"

namespace gatehouse {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO threats(id, name, type, path, owner_uid, file_bytes, sha256, "
    "scan_id, isolated_in_time, isolated_after_ms, file_key, status) "
    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

constexpr std::string_view kAppend =
    "INSERT INTO history(threat_id, seq, time_ms, status, detail) "
    "SELECT ?1, COALESCE(MAX(seq), 0) + 1, ?2, ?3, ?4 "
    "FROM history WHERE threat_id = ?1";

// The first change stays: it says when the file was found.
constexpr std::string_view kTrimHistory =
    "DELETE FROM history WHERE threat_id = ?1 "
    "AND seq > (SELECT MIN(seq) FROM history WHERE threat_id = ?1) "
    "AND seq <= (SELECT MAX(seq) FROM history WHERE threat_id = ?1) - ?2";

constexpr std::string_view kSetStatus =
    "UPDATE threats SET status = ?2 WHERE id = ?1 AND status <> ?2";

constexpr std::string_view kComplete =
    "UPDATE threats SET "
    "sha256 = CASE sha256 WHEN '' THEN ?2 ELSE sha256 END, "
    "isolated_in_time = COALESCE(?3, isolated_in_time), "
    "isolated_after_ms = COALESCE(?4, isolated_after_ms), "
    "name = ?5, type = ?6 WHERE id = ?1 AND (name <> ?5 OR type <> ?6 OR "
    "?3 IS NOT NULL OR ?4 IS NOT NULL OR (sha256 = '' AND ?2 <> ''))";

constexpr std::string_view kFindUnfinished =
    "SELECT id FROM threats WHERE file_key = ?1 "
    "AND status IN ('detected', 'blocked', 'quarantine_failed', 'allowed') "
    "ORDER BY number DESC LIMIT 1";

constexpr std::string_view kOfOwner =
    "SELECT id, name, type, path, owner_uid, file_bytes, sha256, scan_id, "
    "isolated_in_time, isolated_after_ms FROM threats WHERE ?1 IS NULL OR "
    "owner_uid = ?1 "
    "ORDER BY number";
constexpr std::string_view kWithStatus =
    "SELECT id, name, type, path, owner_uid, file_bytes, sha256, scan_id, "
    "isolated_in_time, isolated_after_ms FROM threats WHERE status = ?1 ORDER "
    "BY number";
constexpr std::string_view kWithId =
    "SELECT id, name, type, path, owner_uid, file_bytes, sha256, scan_id, "
    "isolated_in_time, isolated_after_ms FROM threats WHERE id = ?1";

constexpr std::string_view kHistory =
    "SELECT time_ms, status, detail FROM history WHERE threat_id = ?1 "
    "ORDER BY seq";

template <class Value>
void BindOptional(Run& run, std::optional<Value> value) {
  if (value.has_value()) {
    run.Number(static_cast<int64_t>(*value));
  } else {
    run.Null();
  }
}

}  // namespace

Result<ThreatTable> ThreatTable::Prepare(const Database& database) {
  ThreatTable table(&database);
  const std::pair<Statement*, std::string_view> statements[] = {
      {&table.insert_, kInsert},
      {&table.append_, kAppend},
      {&table.trim_history_, kTrimHistory},
      {&table.set_status_, kSetStatus},
      {&table.complete_, kComplete},
      {&table.find_id_, "SELECT 1 FROM threats WHERE id = ?1"},
      {&table.find_file_, "SELECT id FROM threats WHERE file_key = ?1"},
      {&table.find_key_, "SELECT file_key FROM threats WHERE id = ?1"},
      {&table.find_unfinished_, kFindUnfinished},
      {&table.of_owner_, kOfOwner},
      {&table.with_status_, kWithStatus},
      {&table.with_id_, kWithId},
      {&table.history_, kHistory}};
  for (const auto& [statement, sql] : statements) {
    Result<Statement> prepared = database.Prepare(sql);
    if (!prepared) return Unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return table;
}

Result<std::string> ThreatTable::Record(const Threat& threat,
                                        std::string_view file_key) {
  std::string id = threat.id;
  const Result<bool> known = Knows(id);
  if (!known) return Unexpected(known.error());
  if (!*known) {
    // What is in the vault is there by its own id.
    Result<std::string> unfinished =
        threat.status() == ThreatStatus::kQuarantined ? std::string()
                                                      : UnfinishedOf(file_key);
    if (!unfinished) return unfinished;
    if (unfinished->empty()) {
      const Result<bool> inserted = Insert(threat, file_key);
      if (!inserted) return Unexpected(inserted.error());
      return id;
    }
    id = std::move(*unfinished);
  }
  const Result<bool> added = AddStatus(id, threat.history.back());
  if (!added) return Unexpected(added.error());
  Run run(complete_);
  run.Text(id).Text(threat.sha256);
  BindOptional(run, threat.isolated_in_time);
  BindOptional(run, threat.isolated_after_ms);
  run.Text(threat.name).Text(threat.type);
  const Result<bool> completed = run.Finish();
  if (!completed) return Unexpected(completed.error());
  return id;
}

Result<bool> ThreatTable::Insert(const Threat& threat,
                                 std::string_view file_key) {
  assert(!threat.id.empty() && !threat.history.empty());
  Run run(insert_);
  run.Text(threat.id).Text(threat.name).Text(threat.type).Bytes(threat.path);
  run.Number(threat.owner_uid).Number(static_cast<int64_t>(threat.file_bytes));
  run.Text(threat.sha256).Text(threat.scan_id);
  BindOptional(run, threat.isolated_in_time);
  BindOptional(run, threat.isolated_after_ms);
  run.Bytes(file_key).Text(ThreatStatusWord(threat.status()));
  Result<bool> inserted = run.Finish();
  if (!inserted) return inserted;
  for (const StatusChange& change : threat.history) {
    Result<bool> appended = Append(threat.id, change);
    if (!appended) return appended;
  }
  return true;
}

Result<bool> ThreatTable::Append(std::string_view id,
                                 const StatusChange& change) {
  Run append(append_);
  append.Text(id).Number(change.time_ms);
  append.Text(ThreatStatusWord(change.status)).Text(change.detail);
  Result<bool> appended = append.Finish();
  if (!appended) return appended;
  Run trim(trim_history_);
  trim.Text(id).Number(int64_t{kThreatHistoryMax} - 1);
  return trim.Finish();
}

Result<bool> ThreatTable::AddStatus(std::string_view id,
                                    const StatusChange& change) {
  Run run(set_status_);
  run.Text(id).Text(ThreatStatusWord(change.status));
  Result<bool> set = run.Finish();
  if (!set) return set;
  if (database_->Changes() == 0) return false;
  return Append(id, change);
}

Result<bool> ThreatTable::Knows(std::string_view id) {
  Run run(find_id_);
  return run.Text(id).Step();
}

Result<std::vector<std::string>> ThreatTable::IdsOf(std::string_view file_key) {
  std::vector<std::string> ids;
  Run run(find_file_);
  run.Bytes(file_key);
  while (true) {
    const Result<bool> row = run.Step();
    if (!row) return Unexpected(row.error());
    if (!*row) return ids;
    ids.push_back(run.TextAt(0));
  }
}

Result<std::optional<std::string>> ThreatTable::FileKeyOf(std::string_view id) {
  Run run(find_key_);
  const Result<bool> row = run.Text(id).Step();
  if (!row) return Unexpected(row.error());
  if (!*row) return std::optional<std::string>();
  return std::optional<std::string>(run.TextAt(0));
}

Result<std::string> ThreatTable::UnfinishedOf(std::string_view file_key) {
  if (file_key.empty()) return std::string();
  Run run(find_unfinished_);
  const Result<bool> row = run.Bytes(file_key).Step();
  if (!row) return Unexpected(row.error());
  return *row ? run.TextAt(0) : std::string();
}

Result<std::vector<Threat>> ThreatTable::OfOwner(
    std::optional<uint32_t> owner_uid) {
  Run run(of_owner_);
  if (owner_uid.has_value()) {
    run.Number(*owner_uid);
  } else {
    run.Null();
  }
  return Read(run);
}

Result<std::vector<Threat>> ThreatTable::WithStatus(ThreatStatus status) {
  Run run(with_status_);
  run.Text(ThreatStatusWord(status));
  return Read(run);
}

Result<std::vector<Threat>> ThreatTable::WithId(std::string_view id) {
  Run run(with_id_);
  run.Text(id);
  return Read(run);
}

Result<std::vector<Threat>> ThreatTable::Read(Run& run) {
  std::vector<Threat> threats;
  while (true) {
    const Result<bool> row = run.Step();
    if (!row) return Unexpected(row.error());
    if (!*row) return threats;
    Threat& threat = threats.emplace_back();
    threat.id = run.TextAt(0);
    threat.name = run.TextAt(1);
    threat.type = run.TextAt(2);
    threat.path = run.TextAt(3);
    threat.owner_uid = static_cast<uint32_t>(run.NumberAt(4));
    threat.file_bytes = static_cast<uint64_t>(run.NumberAt(5));
    threat.sha256 = run.TextAt(6);
    threat.scan_id = run.TextAt(7);
    if (!run.IsNullAt(8)) threat.isolated_in_time = run.NumberAt(8) != 0;
    if (!run.IsNullAt(9)) {
      threat.isolated_after_ms = static_cast<uint64_t>(run.NumberAt(9));
    }
    const Result<bool> history = ReadHistory(threat);
    if (!history) return Unexpected(history.error());
  }
}

Result<bool> ThreatTable::ReadHistory(Threat& threat) {
  Run run(history_);
  run.Text(threat.id);
  while (true) {
    Result<bool> row = run.Step();
    if (!row) return row;
    if (!*row) break;
    const std::string word = run.TextAt(1);
    const auto status = ThreatStatusOf(word);
    if (!status.has_value()) {
      return Fail(
          ErrorCode::kInvalidInput,
          "database: threat '" + threat.id + "' has the status '" + word + "'");
    }
    threat.history.push_back({run.NumberAt(0), *status, run.TextAt(2)});
  }
  if (!threat.history.empty()) return true;
  return Fail(ErrorCode::kInvalidInput,
              "database: threat '" + threat.id + "' has no history");
}

}  // namespace gatehouse
