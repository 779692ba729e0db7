#include "quarantine/threat_store.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/bytes.h"
#include "quarantine/database.h"
#include "quarantine/history_purge.h"
#include "quarantine/threat_database.h"
#include "quarantine/threat_table.h"

namespace gatehouse {
namespace {

constexpr std::string_view kAddExemption =
    "INSERT OR REPLACE INTO exemptions(file_key, sha256, uid, time_ms) "
    "VALUES(?, ?, ?, ?)";
constexpr std::string_view kRemoveExemption =
    "DELETE FROM exemptions WHERE file_key = ? AND sha256 = ?";
constexpr std::string_view kExemptions =
    "SELECT file_key, sha256, uid, time_ms FROM exemptions "
    "ORDER BY time_ms, file_key, sha256";

constexpr std::string_view kBeginScan =
    "INSERT OR IGNORE INTO scans(id, uid, type, path, start_ms, end_ms, "
    "files_scanned, threats, not_scanned, errors, state) "
    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view kEndScan =
    "UPDATE scans SET end_ms = ?2, files_scanned = ?3, threats = ?4, "
    "not_scanned = ?5, errors = ?6, state = ?7 WHERE id = ?1";
// Numbers are given in order, and only the oldest are ever deleted.
constexpr std::string_view kPruneScans =
    "DELETE FROM scans WHERE uid = ?1 AND end_ms <> 0 AND number NOT IN "
    "(SELECT number FROM scans WHERE uid = ?1 ORDER BY number DESC LIMIT ?2) "
    "AND NOT EXISTS (SELECT 1 FROM threats WHERE threats.scan_id = scans.id)";
constexpr std::string_view kEndOpenScans =
    "UPDATE scans SET end_ms = ?1, state = ?2 WHERE end_ms = 0";
constexpr std::string_view kScans =
    "SELECT id, uid, type, path, start_ms, end_ms, files_scanned, threats, "
    "not_scanned, errors, state FROM scans WHERE ?1 IS NULL OR uid = ?1 "
    "ORDER BY number";

int64_t Signed(uint64_t count) { return static_cast<int64_t>(count); }
uint64_t Unsigned(int64_t count) { return static_cast<uint64_t>(count); }

// Runs `change` in a transaction; keeps what it did only if there was no error.
template <class Change>
auto TryInTransaction(const Database& database, Change change)
    -> decltype(change()) {
  Result<Transaction> transaction = Transaction::Begin(database);
  if (!transaction) return Unexpected(transaction.error());
  auto result = change();
  if (!result) return result;
  Result<bool> committed = transaction->Commit();
  if (!committed) return Unexpected(committed.error());
  return result;
}

// The same, once more if there was no room and now may be.
template <class Change>
auto InTransaction(const Database& database, Change change)
    -> decltype(change()) {
  auto result = TryInTransaction(database, change);
  const bool is_full =
      !result && result.error().code == ErrorCode::kLimitExceeded;
  if (is_full && database.MakeRoom()) {
    result = TryInTransaction(database, change);
  }
  return result;
}

}  // namespace

// The database comes first: it outlives the statements.
struct ThreatStore::State {
  explicit State(Database opened) : database(std::move(opened)) {}

  Database database;
  std::optional<ThreatTable> threats;
  std::optional<HistoryPurge> purge;
  Statement add_exemption;
  Statement remove_exemption;
  Statement count_exemptions;
  Statement exemptions;
  Statement begin_scan;
  Statement end_scan;
  Statement prune_scans;
  Statement end_open_scans;
  Statement scans;

  Result<bool> Prepare() {
    Result<ThreatTable> table = ThreatTable::Prepare(database);
    if (!table) return Unexpected(table.error());
    threats = std::move(*table);
    Result<HistoryPurge> prepared_purge = HistoryPurge::Prepare(database);
    if (!prepared_purge) return Unexpected(prepared_purge.error());
    purge = std::move(*prepared_purge);
    const std::pair<Statement*, std::string_view> statements[] = {
        {&add_exemption, kAddExemption},
        {&remove_exemption, kRemoveExemption},
        {&count_exemptions, "SELECT COUNT(*) FROM exemptions"},
        {&exemptions, kExemptions},
        {&begin_scan, kBeginScan},
        {&end_scan, kEndScan},
        {&prune_scans, kPruneScans},
        {&end_open_scans, kEndOpenScans},
        {&scans, kScans}};
    for (const auto& [statement, sql] : statements) {
      Result<Statement> prepared = database.Prepare(sql);
      if (!prepared) return Unexpected(prepared.error());
      *statement = std::move(*prepared);
    }
    return true;
  }
};

ThreatStore::ThreatStore(std::unique_ptr<State> state, std::string notice,
                         const ThreatStoreOptions& options)
    : notice_(std::move(notice)),
      items_max_(options.items_max),
      state_(std::move(state)) {}
ThreatStore::~ThreatStore() = default;

Result<std::unique_ptr<ThreatStore>> ThreatStore::Open(
    const std::string& state_directory, const ThreatStoreOptions& options) {
  assert(options.items_max > 0);
  Result<ThreatDatabase> opened = OpenThreatDatabase(state_directory);
  if (!opened) return Unexpected(opened.error());
  auto state = std::make_unique<State>(std::move(opened->database));
  state->database.set_make_room(options.make_room);
  const Result<bool> prepared = state->Prepare();
  if (!prepared) return Unexpected(prepared.error());
  return std::unique_ptr<ThreatStore>(
      new ThreatStore(std::move(state), std::move(opened->notice), options));
}

Result<std::string> ThreatStore::Record(const Threat& threat,
                                        std::string_view file_key) {
  if (threat.id.empty() || threat.history.empty()) {
    return Fail(ErrorCode::kInvalidInput,
                "record a threat: it has no id or no history");
  }
  const MutexLock lock(mutex_);
  Purged purged;
  ThreatTable& threats = *state_->threats;
  Result<std::string> recorded =
      InTransaction(state_->database, [&]() -> Result<std::string> {
        Result<std::string> id = threats.Record(threat, file_key);
        if (!id) return id;
        const Result<Purged> done = state_->purge->Above(items_max_, *id);
        if (!done) return Unexpected(done.error());
        purged = *done;
        return id;
      });
  if (recorded) items_purged_ += purged.threats + purged.scans;
  return recorded;
}

Result<Purged> ThreatStore::Purge(int64_t before_ms) {
  const MutexLock lock(mutex_);
  Purged above;
  Result<Purged> purged =
      InTransaction(state_->database, [&]() -> Result<Purged> {
        Result<Purged> before = state_->purge->Before(before_ms);
        if (!before) return before;
        const Result<Purged> done = state_->purge->Above(items_max_, "");
        if (!done) return done;
        above = *done;
        return before;
      });
  if (purged) items_purged_ += above.threats + above.scans;
  return purged;
}

Result<std::vector<std::string>> ThreatStore::InVaultBefore(
    int64_t time_ms) const {
  const MutexLock lock(mutex_);
  return state_->purge->InVaultBefore(time_ms);
}

Result<bool> ThreatStore::AddStatus(std::string_view id, ThreatStatus status,
                                    int64_t time_ms, std::string_view detail) {
  const StatusChange change{time_ms, status, std::string(detail)};
  const MutexLock lock(mutex_);
  ThreatTable& threats = *state_->threats;
  return InTransaction(state_->database, [&]() -> Result<bool> {
    Result<bool> known = threats.Knows(id);
    if (!known) return known;
    if (!*known) {
      return Fail(ErrorCode::kNotFound,
                  "there is no threat '" + std::string(id) + "'");
    }
    return threats.AddStatus(id, change);
  });
}

Result<std::vector<Threat>> ThreatStore::List(
    std::optional<uint32_t> owner_uid) const {
  const MutexLock lock(mutex_);
  return state_->threats->OfOwner(owner_uid);
}

Result<std::vector<Threat>> ThreatStore::WithStatus(ThreatStatus status) const {
  const MutexLock lock(mutex_);
  return state_->threats->WithStatus(status);
}

Result<std::vector<std::string>> ThreatStore::IdsOf(
    std::string_view file_key) const {
  const MutexLock lock(mutex_);
  return state_->threats->IdsOf(file_key);
}

Result<std::string> ThreatStore::UnfinishedOf(std::string_view file_key) const {
  const MutexLock lock(mutex_);
  return state_->threats->UnfinishedOf(file_key);
}

Result<std::string> ThreatStore::FileKeyOf(std::string_view id) const {
  const MutexLock lock(mutex_);
  Result<std::optional<std::string>> key = state_->threats->FileKeyOf(id);
  if (!key) return Unexpected(key.error());
  if (!*key) {
    return Fail(ErrorCode::kNotFound,
                "there is no threat '" + std::string(id) + "'");
  }
  return std::move(**key);
}

Result<Threat> ThreatStore::Get(std::string_view id) const {
  const MutexLock lock(mutex_);
  Result<std::vector<Threat>> threats = state_->threats->WithId(id);
  if (!threats) return Unexpected(threats.error());
  if (threats->empty()) {
    return Fail(ErrorCode::kNotFound,
                "there is no threat '" + std::string(id) + "'");
  }
  return std::move(threats->front());
}

Result<bool> ThreatStore::AddExemption(const Exemption& exemption) {
  if (exemption.file_key.empty()) {
    return Fail(ErrorCode::kInvalidInput, "exempt a file: it has no key");
  }
  const MutexLock lock(mutex_);
  State& state = *state_;
  return InTransaction(state.database, [&]() -> Result<bool> {
    Run add(state.add_exemption);
    add.Bytes(exemption.file_key).Bytes(AsText(exemption.sha256));
    add.Number(exemption.uid).Number(exemption.time_ms);
    Result<bool> added = add.Finish();
    if (!added) return added;
    Run count(state.count_exemptions);
    Result<bool> row = count.Step();
    if (!row) return row;
    if (count.NumberAt(0) > int64_t{kExemptionsMax}) {
      return Fail(ErrorCode::kLimitExceeded,
                  "exempt a file: there are " + std::to_string(kExemptionsMax) +
                      " exemptions already");
    }
    return true;
  });
}

Result<bool> ThreatStore::RemoveExemption(
    std::string_view file_key, const std::array<uint8_t, 32>& sha256) {
  const MutexLock lock(mutex_);
  State& state = *state_;
  return InTransaction(state.database, [&]() -> Result<bool> {
    Run run(state.remove_exemption);
    Result<bool> removed = run.Bytes(file_key).Bytes(AsText(sha256)).Finish();
    if (!removed) return removed;
    return state.database.Changes() != 0;
  });
}

Result<std::vector<Exemption>> ThreatStore::Exemptions() const {
  const MutexLock lock(mutex_);
  std::vector<Exemption> exemptions;
  Run run(state_->exemptions);
  while (true) {
    const Result<bool> row = run.Step();
    if (!row) return Unexpected(row.error());
    if (!*row) return exemptions;
    Exemption& exemption = exemptions.emplace_back();
    exemption.file_key = run.TextAt(0);
    const std::string sha256 = run.TextAt(1);
    if (sha256.size() != exemption.sha256.size()) {
      return Fail(ErrorCode::kInvalidInput,
                  "database: an exemption has no digest");
    }
    std::copy(sha256.begin(), sha256.end(), exemption.sha256.begin());
    exemption.uid = static_cast<uint32_t>(run.NumberAt(2));
    exemption.time_ms = run.NumberAt(3);
  }
}

Result<bool> ThreatStore::BeginScan(const ScanRecord& scan) {
  const MutexLock lock(mutex_);
  State& state = *state_;
  return InTransaction(state.database, [&]() -> Result<bool> {
    Run begin(state.begin_scan);
    begin.Text(scan.id).Number(scan.uid).Text(scan.type).Bytes(scan.path);
    begin.Number(scan.start_ms).Number(scan.end_ms);
    begin.Number(Signed(scan.files_scanned)).Number(Signed(scan.threats));
    begin.Number(Signed(scan.not_scanned)).Number(Signed(scan.errors));
    Result<bool> begun = begin.Text(scan.state).Finish();
    if (!begun) return begun;
    if (state.database.Changes() == 0) {
      return Fail(ErrorCode::kInvalidInput,
                  "there is a scan '" + scan.id + "' already");
    }
    Run prune(state.prune_scans);
    return prune.Number(scan.uid).Number(int64_t{kScansMax}).Finish();
  });
}

Result<bool> ThreatStore::EndScan(const ScanRecord& scan) {
  const MutexLock lock(mutex_);
  State& state = *state_;
  return InTransaction(state.database, [&]() -> Result<bool> {
    Run end(state.end_scan);
    end.Text(scan.id).Number(scan.end_ms).Number(Signed(scan.files_scanned));
    end.Number(Signed(scan.threats)).Number(Signed(scan.not_scanned));
    end.Number(Signed(scan.errors)).Text(scan.state);
    Result<bool> ended = end.Finish();
    if (!ended) return ended;
    if (state.database.Changes() == 0) {
      return Fail(ErrorCode::kNotFound, "there is no scan '" + scan.id + "'");
    }
    return true;
  });
}

Result<uint64_t> ThreatStore::EndOpenScans(int64_t time_ms,
                                           std::string_view state_word) {
  const MutexLock lock(mutex_);
  State& state = *state_;
  uint64_t ended = 0;
  const Result<bool> done =
      InTransaction(state.database, [&]() -> Result<bool> {
        Run end(state.end_open_scans);
        Result<bool> run = end.Number(time_ms).Text(state_word).Finish();
        if (run) ended = state.database.Changes();
        return run;
      });
  if (!done) return Unexpected(done.error());
  return ended;
}

Result<std::vector<ScanRecord>> ThreatStore::Scans(
    std::optional<uint32_t> uid) const {
  const MutexLock lock(mutex_);
  std::vector<ScanRecord> scans;
  Run run(state_->scans);
  if (uid.has_value()) {
    run.Number(*uid);
  } else {
    run.Null();
  }
  while (true) {
    const Result<bool> row = run.Step();
    if (!row) return Unexpected(row.error());
    if (!*row) return scans;
    ScanRecord& scan = scans.emplace_back();
    scan.id = run.TextAt(0);
    scan.uid = static_cast<uint32_t>(run.NumberAt(1));
    scan.type = run.TextAt(2);
    scan.path = run.TextAt(3);
    scan.start_ms = run.NumberAt(4);
    scan.end_ms = run.NumberAt(5);
    scan.files_scanned = Unsigned(run.NumberAt(6));
    scan.threats = Unsigned(run.NumberAt(7));
    scan.not_scanned = Unsigned(run.NumberAt(8));
    scan.errors = Unsigned(run.NumberAt(9));
    scan.state = run.TextAt(10);
  }
}

}  // namespace gatehouse
