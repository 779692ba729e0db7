// HistoryPurge: what is forgotten of the history, by age and by number.
//
// An item is a threat or an on-demand scan. What is in quarantine is never an
// item to be forgotten here, nor is a scan that goes on, or that a threat which
// is remembered refers to. Fair between users: where there are too many, those
// go whose user has most, so that nobody pushes out what is another's.
//
// One thread at a time. Owns its statements; borrows the Database, which must
// outlive it. Whoever calls has begun a transaction, and commits it only if
// there was no error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "quarantine/database.h"
#include "quarantine/purged.h"

namespace gatehouse {

class HistoryPurge {
 public:
  static Result<HistoryPurge> Prepare(const Database& database);

  // Threats that are finished (removed, restored, not_found, allowed) and have
  // not changed since, and scans that ended before. Those whose file lies in
  // its place stay: detected, blocked, quarantine_failed.
  Result<Purged> Before(int64_t time_ms);

  // So many that no more than `items_max` stay; a 64th of that less, so that
  // not every threat has to make room for itself. Finished threats and scans
  // first, then those whose file lies in its place; the oldest first. Not
  // `kept_id`.
  Result<Purged> Above(size_t items_max, std::string_view kept_id);

  // Ids of what has been in quarantine since before then, and of what could not
  // be taken, of which there may be a copy.
  Result<std::vector<std::string>> InVaultBefore(int64_t time_ms);

 private:
  // Items of one kind, that of a user each.
  struct Kind {
    Statement count;   // By user.
    Statement oldest;  // Of one user: is it a scan, and its number.
  };
  using Counts = std::vector<std::pair<int64_t, int64_t>>;  // User, items.

  explicit HistoryPurge(const Database* database) : database_(database) {}

  Result<Purged> Reduce(const Kind& kind, int64_t& excess,
                        std::string_view kept_id);
  Result<Counts> CountByUser(const Kind& kind, std::string_view kept_id);
  Result<Purged> ForgetOldest(const Kind& kind, int64_t user, int64_t count,
                              std::string_view kept_id);

  const Database* database_;
  Statement threats_before_;
  Statement scans_before_;
  Statement in_vault_before_;
  Statement count_;
  Statement forget_threat_;
  Statement forget_scan_;
  Kind finished_;
  Kind in_place_;
};

}  // namespace gatehouse
