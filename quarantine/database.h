// Database: SQLite as an owner of its handles, with errors as Results.
//
// One thread at a time: whoever shares it locks. Owns connection and
// statements; a Statement must not outlive its Database, a Run not its
// Statement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;  // SQLite's, opaque; named by one .cc file only.
struct sqlite3_stmt;

namespace gatehouse {

// A prepared statement, to be run again and again.
class Statement {
 public:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  Statement() = default;  // Cannot be run: filled in by Prepare.

 private:
  friend class Database;
  friend class Run;
  explicit Statement(sqlite3_stmt* owned) : handle_(owned) {}

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// One run of a statement: parameters, then rows. At its end the statement is
// free again. One Run of a Statement at a time.
class Run {
 public:
  explicit Run(const Statement& statement);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // The next parameter. Text and bytes are borrowed until the end of the run;
  // what goes wrong is said by the next Step.
  Run& Text(std::string_view text);
  Run& Bytes(std::string_view bytes);
  Run& Number(int64_t number);
  Run& Null();

  // True: there is a row; false: it is done. The errors of Database.
  Result<bool> Step();
  // Steps to the end, for statements without rows.
  Result<bool> Finish();

  // REQUIRES: Step returned true. NULL reads as 0 or as empty.
  int64_t NumberAt(int column) const;
  std::string TextAt(int column) const;  // Bytes too.
  bool IsNullAt(int column) const;

 private:
  void Bound(int sqlite_result);

  sqlite3_stmt* const unsafe_handle_;
  int parameters_ = 0;
  int bind_error_ = 0;  // The first one; 0: none.
};

// Errors of all of them: kInvalidInput when the file is no database or is
// damaged, kLimitExceeded when disk or quota is full, else kOperational with
// SQLite's message.
class Database {
 public:
  // Opens or creates the file, which nobody else may use (mode 0600); its last
  // component is not followed if it is a link. Write-ahead log, durable
  // commits, foreign keys, no trust in what a schema might call.
  static Result<Database> Open(const std::string& path);

  Result<Statement> Prepare(std::string_view sql) const;
  // Runs statements that need no parameters and whose rows do not matter.
  Result<bool> Execute(const std::string& sql) const;
  // The first column of the first row of a query.
  Result<std::string> Ask(std::string_view sql) const;

  // Asked when the disk is full: true if there may be room now. May be empty.
  void set_make_room(std::function<bool()> make_room) {
    make_room_ = std::move(make_room);
  }
  bool MakeRoom() const { return make_room_ && make_room_(); }

  // Rows that the last INSERT, UPDATE or DELETE changed.
  uint64_t Changes() const;

 private:
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  explicit Database(sqlite3* owned) : connection_(owned) {}
  Result<bool> Configure() const;

  std::unique_ptr<sqlite3, Close> connection_;
  std::function<bool()> make_room_;
};

// All or nothing: what is not committed is rolled back at the end.
class Transaction {
 public:
  static Result<Transaction> Begin(const Database& database);
  Transaction(Transaction&&) noexcept = default;
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() = default;

  // Durable afterwards. Errors: nothing has changed.
  Result<bool> Commit();

 private:
  struct Roll {
    void operator()(const Database* database) const;
  };
  explicit Transaction(const Database* database) : open_(database) {}

  std::unique_ptr<const Database, Roll> open_;
};

}  // namespace gatehouse
