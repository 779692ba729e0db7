// ThreatTable: threats and their history, as rows.
//
// One thread at a time. Owns its statements; borrows the Database, which must
// outlive it. Whoever calls a function that changes something has begun a
// transaction, and commits it only if there was no error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "quarantine/database.h"
#include "quarantine/threat.h"

namespace gatehouse {

class ThreatTable {
 public:
  static Result<ThreatTable> Prepare(const Database& database);

  // See ThreatStore, also for the errors.
  Result<std::string> Record(const Threat& threat, std::string_view file_key);
  // REQUIRES: the id is known. True if the status is another one now.
  Result<bool> AddStatus(std::string_view id, const StatusChange& change);
  Result<bool> Knows(std::string_view id);
  Result<std::vector<std::string>> IdsOf(std::string_view file_key);
  // Empty: the id is not known.
  Result<std::optional<std::string>> FileKeyOf(std::string_view id);
  Result<std::vector<Threat>> OfOwner(std::optional<uint32_t> owner_uid);
  Result<std::vector<Threat>> WithStatus(ThreatStatus status);
  Result<std::vector<Threat>> WithId(std::string_view id);  // One, or none.
  Result<std::string> UnfinishedOf(std::string_view file_key);

 private:
  explicit ThreatTable(const Database* database) : database_(database) {}

  Result<bool> Insert(const Threat& threat, std::string_view file_key);
  Result<bool> Append(std::string_view id, const StatusChange& change);
  Result<std::vector<Threat>> Read(Run& run);
  Result<bool> ReadHistory(Threat& threat);

  const Database* database_;
  Statement insert_;
  Statement append_;
  Statement trim_history_;
  Statement set_status_;
  Statement complete_;
  Statement find_id_;
  Statement find_file_;
  Statement find_key_;
  Statement find_unfinished_;
  Statement of_owner_;
  Statement with_status_;
  Statement with_id_;
  Statement history_;
};

}  // namespace gatehouse
