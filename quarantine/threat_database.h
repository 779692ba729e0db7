// The database file of the threat store: its schema, its version, and what
// happens to one that is damaged.
//
// Thread-safe: one function, for one caller per directory at a time. The caller
// owns what it returns.
#pragma once

#include <string>

#include "base/result.h"
#include "quarantine/database.h"

namespace gatehouse {

struct ThreatDatabase {
  Database database;
  std::string notice;  // Empty, or that a damaged one was moved aside.
};

// Opens the database in a state directory, or begins one. See ThreatStore::Open
// for errors. Blocks: reads the whole database to check it.
Result<ThreatDatabase> OpenThreatDatabase(const std::string& state_directory);

}  // namespace gatehouse
