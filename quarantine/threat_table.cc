#include "quarantine/threat_table.h"

#include <cassert>
#include <utility>

#include "quarantine/threat_store.h"

namespace gatehouse {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO threats(id, name, type, path, owner_uid, file_bytes, sha256, "
    "scan_id, isolated_in_time, file_key, status) "
    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

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
    "isolated_in_time = COALESCE(?3, isolated_in_time) WHERE id = ?1";

constexpr std::string_view kPrune =
    "DELETE FROM threats WHERE number IN (SELECT number FROM threats "
    "WHERE status <> 'quarantined' AND id <> ?1 ORDER BY number LIMIT ?2)";

constexpr std::string_view kFindUnfinished =
    "SELECT id FROM threats WHERE file_key = ?1 "
    "AND status IN ('detected', 'blocked', 'quarantine_failed') "
    "ORDER BY number DESC LIMIT 1";

constexpr std::string_view kOfOwner =
    "SELECT id, name, type, path, owner_uid, file_bytes, sha256, scan_id, "
    "isolated_in_time FROM threats WHERE ?1 IS NULL OR owner_uid = ?1 "
    "ORDER BY number";
constexpr std::string_view kWithStatus =
    "SELECT id, name, type, path, owner_uid, file_bytes, sha256, scan_id, "
    "isolated_in_time FROM threats WHERE status = ?1 ORDER BY number";
constexpr std::string_view kWithId =
    "SELECT id, name, type, path, owner_uid, file_bytes, sha256, scan_id, "
    "isolated_in_time FROM threats WHERE id = ?1";

constexpr std::string_view kHistory =
    "SELECT time_ms, status, detail FROM history WHERE threat_id = ?1 "
    "ORDER BY seq";

void BindOptional(Run& run, std::optional<bool> value) {
  if (value.has_value()) {
    run.Number(*value ? 1 : 0);
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
      {&table.count_,
       "SELECT COUNT(*) FROM threats WHERE status <> 'quarantined'"},
      {&table.prune_, kPrune},
      {&table.find_id_, "SELECT 1 FROM threats WHERE id = ?1"},
      {&table.find_file_, "SELECT 1 FROM threats WHERE file_key = ?1"},
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
    Result<std::string> unfinished = UnfinishedOf(file_key);
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

Result<uint64_t> ThreatTable::Prune(size_t threats_max,
                                    std::string_view kept_id) {
  Run count(count_);
  const Result<bool> row = count.Step();
  if (!row) return Unexpected(row.error());
  const int64_t excess = count.NumberAt(0) - static_cast<int64_t>(threats_max);
  if (excess <= 0) return 0;
  Run prune(prune_);
  prune.Text(kept_id).Number(excess);
  const Result<bool> pruned = prune.Finish();
  if (!pruned) return Unexpected(pruned.error());
  return database_->Changes();
}

Result<bool> ThreatTable::Knows(std::string_view id) {
  Run run(find_id_);
  return run.Text(id).Step();
}

Result<bool> ThreatTable::KnowsFile(std::string_view file_key) {
  Run run(find_file_);
  return run.Bytes(file_key).Step();
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
