#include "quarantine/history_purge.h"

#include <algorithm>

namespace gatehouse {
namespace {

// When a threat changed last.
constexpr const char* kLastChange =
    "(SELECT time_ms FROM history WHERE threat_id = threats.id "
    "ORDER BY seq DESC LIMIT 1)";
constexpr const char* kIsFinished =
    "status IN ('removed', 'restored', 'not_found', 'allowed')";
constexpr const char* kLiesInPlace =
    "status IN ('detected', 'blocked', 'quarantine_failed')";
// No threat refers to it, and it does not go on.
constexpr const char* kScanIsOver =
    "end_ms <> 0 AND NOT EXISTS "
    "(SELECT 1 FROM threats WHERE threats.scan_id = scans.id)";

// Rows of: user, is it a scan, number, time. ?1: the threat to keep.
std::string ThreatItems(const char* which) {
  return std::string("SELECT owner_uid AS user, 0 AS is_scan, number, ") +
         kLastChange + " AS time FROM threats WHERE " + which + " AND id <> ?1";
}

std::string FinishedItems() {
  return ThreatItems(kIsFinished) +
         " UNION ALL SELECT uid, 1, number, end_ms FROM scans WHERE " +
         kScanIsOver;
}

std::string CountOf(const std::string& items) {
  return "SELECT user, COUNT(*) FROM (" + items + ") GROUP BY user";
}

std::string OldestOf(const std::string& items) {
  return "SELECT is_scan, number FROM (" + items +
         ") WHERE user = ?2 ORDER BY time, is_scan, number LIMIT ?3";
}

}  // namespace

Result<HistoryPurge> HistoryPurge::Prepare(const Database& database) {
  HistoryPurge purge(&database);
  const std::pair<Statement*, std::string> statements[] = {
      {&purge.threats_before_, std::string("DELETE FROM threats WHERE ") +
                                   kIsFinished + " AND " + kLastChange +
                                   " < ?1"},
      {&purge.scans_before_,
       std::string("DELETE FROM scans WHERE end_ms < ?1 AND ") + kScanIsOver},
      {&purge.in_vault_before_,
       std::string("SELECT id FROM threats WHERE status IN "
                   "('quarantined', 'quarantine_failed') AND ") +
           kLastChange + " < ?1 ORDER BY number"},
      {&purge.count_,
       "SELECT (SELECT COUNT(*) FROM threats WHERE status <> 'quarantined') + "
       "(SELECT COUNT(*) FROM scans)"},
      {&purge.forget_threat_, "DELETE FROM threats WHERE number = ?1"},
      {&purge.forget_scan_, "DELETE FROM scans WHERE number = ?1"},
      {&purge.finished_.count, CountOf(FinishedItems())},
      {&purge.finished_.oldest, OldestOf(FinishedItems())},
      {&purge.in_place_.count, CountOf(ThreatItems(kLiesInPlace))},
      {&purge.in_place_.oldest, OldestOf(ThreatItems(kLiesInPlace))}};
  for (const auto& [statement, sql] : statements) {
    Result<Statement> prepared = database.Prepare(sql);
    if (!prepared) return Unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return purge;
}

Result<Purged> HistoryPurge::Before(int64_t time_ms) {
  Purged purged;
  Run threats(threats_before_);
  Result<bool> done = threats.Number(time_ms).Finish();
  if (!done) return Unexpected(done.error());
  purged.threats = database_->Changes();
  Run scans(scans_before_);
  done = scans.Number(time_ms).Finish();
  if (!done) return Unexpected(done.error());
  purged.scans = database_->Changes();
  return purged;
}

Result<std::vector<std::string>> HistoryPurge::InVaultBefore(int64_t time_ms) {
  std::vector<std::string> ids;
  Run run(in_vault_before_);
  run.Number(time_ms);
  while (true) {
    const Result<bool> row = run.Step();
    if (!row) return Unexpected(row.error());
    if (!*row) return ids;
    ids.push_back(run.TextAt(0));
  }
}

Result<Purged> HistoryPurge::Above(size_t items_max, std::string_view kept_id) {
  int64_t excess = 0;
  {
    Run count(count_);
    const Result<bool> row = count.Step();
    if (!row) return Unexpected(row.error());
    excess = count.NumberAt(0) - static_cast<int64_t>(items_max);
  }
  if (excess <= 0) return Purged();
  excess += static_cast<int64_t>(items_max / 64);
  Result<Purged> purged = Reduce(finished_, excess, kept_id);
  if (!purged || excess <= 0) return purged;
  const Result<Purged> in_place = Reduce(in_place_, excess, kept_id);
  if (!in_place) return in_place;
  *purged += *in_place;
  return purged;
}

Result<HistoryPurge::Counts> HistoryPurge::CountByUser(
    const Kind& kind, std::string_view kept_id) {
  Counts counts;
  Run run(kind.count);
  run.Text(kept_id);
  while (true) {
    const Result<bool> row = run.Step();
    if (!row) return Unexpected(row.error());
    if (!*row) return counts;
    counts.emplace_back(run.NumberAt(0), run.NumberAt(1));
  }
}

// Down to a level that is the same for all: whoever has fewer keeps them all.
Result<Purged> HistoryPurge::Reduce(const Kind& kind, int64_t& excess,
                                    std::string_view kept_id) {
  const Result<Counts> counts = CountByUser(kind, kept_id);
  if (!counts) return Unexpected(counts.error());
  int64_t level = 0;
  for (const auto& [user, count] : *counts) level = std::max(level, count);
  const auto above = [&counts](int64_t at) {
    int64_t sum = 0;
    for (const auto& [user, count] : *counts) {
      sum += std::max<int64_t>(count - at, 0);
    }
    return sum;
  };
  int64_t low = 0;  // The greatest level at which enough goes, or none is left.
  while (low < level) {
    const int64_t middle = low + (level - low + 1) / 2;
    if (above(middle) >= excess) {
      low = middle;
    } else {
      level = middle - 1;
    }
  }
  Purged purged;
  for (const auto& [user, count] : *counts) {
    const int64_t wanted = std::min(count - low, excess);
    if (wanted <= 0) continue;
    const Result<Purged> done = ForgetOldest(kind, user, wanted, kept_id);
    if (!done) return done;
    purged += *done;
    excess -= static_cast<int64_t>(done->threats + done->scans);
  }
  return purged;
}

Result<Purged> HistoryPurge::ForgetOldest(const Kind& kind, int64_t user,
                                          int64_t count,
                                          std::string_view kept_id) {
  std::vector<std::pair<bool, int64_t>> items;
  {
    Run run(kind.oldest);
    run.Text(kept_id).Number(user).Number(count);
    while (true) {
      const Result<bool> row = run.Step();
      if (!row) return Unexpected(row.error());
      if (!*row) break;
      items.emplace_back(run.NumberAt(0) != 0, run.NumberAt(1));
    }
  }
  Purged purged;
  for (const auto& [is_scan, number] : items) {
    Run forget(is_scan ? forget_scan_ : forget_threat_);
    const Result<bool> done = forget.Number(number).Finish();
    if (!done) return Unexpected(done.error());
    ++(is_scan ? purged.scans : purged.threats);
  }
  return purged;
}

}  // namespace gatehouse
