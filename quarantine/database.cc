#include "quarantine/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cassert>
#include <cerrno>
#include <utility>

#include "base/unique_fd.h"

namespace gatehouse {
namespace {

// Another process may look at the database with SQLite's own program.
constexpr int kBusyTimeoutMs = 5000;
// A statement or a value longer than this is a mistake of ours.
constexpr int kValueBytesMax = 1 << 20;

ErrorCode CodeOf(int sqlite_result) {
  switch (sqlite_result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kInvalidInput;
    case SQLITE_FULL:
      return ErrorCode::kLimitExceeded;
    default:
      return ErrorCode::kOperational;
  }
}

Unexpected FailSqlite(sqlite3* connection, int sqlite_result,
                      std::string_view what) {
  std::string message = "database: ";
  message += what;
  message += ": ";
  message += connection == nullptr ? sqlite3_errstr(sqlite_result)
                                   : sqlite3_errmsg(connection);
  return Fail(CodeOf(sqlite_result), std::move(message));
}

// SQLite would create it with the rights the umask leaves. Its journals get the
// rights of the file.
Result<bool> CreatePrivately(const std::string& path) {
  const UniqueFd file(
      ::open(path.c_str(),
             O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!file.valid()) return FailSystem("open '" + path + "'", errno);
  if (::fchmod(file.UnsafeFd(), 0600) != 0) {
    return FailSystem("chmod '" + path + "'", errno);
  }
  return true;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  (void)sqlite3_finalize(statement);  // Repeats the error of the last run.
}

Run::Run(const Statement& statement) : unsafe_handle_(statement.handle_.get()) {
  assert(unsafe_handle_ != nullptr);
  assert(sqlite3_stmt_busy(unsafe_handle_) == 0);
}

Run::~Run() {
  (void)sqlite3_reset(unsafe_handle_);  // Repeats the error of the last Step.
  (void)sqlite3_clear_bindings(unsafe_handle_);
}

void Run::Bound(int sqlite_result) {
  if (bind_error_ == SQLITE_OK) bind_error_ = sqlite_result;
}

Run& Run::Text(std::string_view text) {
  const char* const start = text.empty() ? "" : text.data();
  Bound(sqlite3_bind_text64(unsafe_handle_, ++parameters_, start, text.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Run& Run::Bytes(std::string_view bytes) {
  const char* const start = bytes.empty() ? "" : bytes.data();
  Bound(sqlite3_bind_blob64(unsafe_handle_, ++parameters_, start, bytes.size(),
                            SQLITE_STATIC));
  return *this;
}

Run& Run::Number(int64_t number) {
  Bound(sqlite3_bind_int64(unsafe_handle_, ++parameters_, number));
  return *this;
}

Run& Run::Null() {
  Bound(sqlite3_bind_null(unsafe_handle_, ++parameters_));
  return *this;
}

Result<bool> Run::Step() {
  assert(parameters_ == sqlite3_bind_parameter_count(unsafe_handle_));
  const int result =
      bind_error_ == SQLITE_OK ? sqlite3_step(unsafe_handle_) : bind_error_;
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return FailSqlite(sqlite3_db_handle(unsafe_handle_), result,
                    sqlite3_sql(unsafe_handle_));
}

Result<bool> Run::Finish() {
  while (true) {
    Result<bool> row = Step();
    if (!row) return row;
    if (!*row) return true;
  }
}

int64_t Run::NumberAt(int column) const {
  return sqlite3_column_int64(unsafe_handle_, column);
}

std::string Run::TextAt(int column) const {
  // As bytes: text is not converted either, and may hold any bytes.
  const void* const start = sqlite3_column_blob(unsafe_handle_, column);
  const int count = sqlite3_column_bytes(unsafe_handle_, column);
  if (start == nullptr || count <= 0) return {};
  return std::string(static_cast<const char*>(start),
                     static_cast<size_t>(count));
}

bool Run::IsNullAt(int column) const {
  return sqlite3_column_type(unsafe_handle_, column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* connection) const {
  const int result = sqlite3_close(connection);
  assert(result == SQLITE_OK && "a statement outlives its database");
  (void)result;
}

Result<Database> Database::Open(const std::string& path) {
  if (const auto created = CreatePrivately(path); !created) {
    return Unexpected(created.error());
  }
  sqlite3* connection = nullptr;
  // NOMUTEX: one thread at a time.
  const int result =
      sqlite3_open_v2(path.c_str(), &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                          SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                      nullptr);
  Database database(connection);  // There even after most errors.
  if (result != SQLITE_OK) {
    return FailSqlite(connection, result, "open '" + path + "'");
  }
  if (const auto done = database.Configure(); !done) {
    return Unexpected(done.error());
  }
  return database;
}

Result<bool> Database::Configure() const {
  sqlite3* const connection = connection_.get();
  (void)sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  (void)sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, kValueBytesMax);
  (void)sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
  // No text in the schema may do harm: the file might not be ours any more.
  for (const int off : {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DDL,
                        SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_ENABLE_TRIGGER,
                        SQLITE_DBCONFIG_ENABLE_VIEW}) {
    (void)sqlite3_db_config(connection, off, 0, nullptr);
  }
  (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  Result<bool> set = Execute(
      "PRAGMA cell_size_check = ON;"
      "PRAGMA mmap_size = 0;"
      "PRAGMA foreign_keys = ON;"
      "PRAGMA synchronous = FULL;"
      "PRAGMA journal_size_limit = 4194304;");
  if (!set) return set;
  const Result<std::string> mode = Ask("PRAGMA journal_mode = WAL");
  if (!mode) return Unexpected(mode.error());
  if (*mode != "wal") {
    return Fail(ErrorCode::kOperational,
                "database: no write-ahead log, but '" + *mode + "'");
  }
  return true;
}

Result<Statement> Database::Prepare(std::string_view sql) const {
  sqlite3_stmt* handle = nullptr;
  const int result = sqlite3_prepare_v3(
      connection_.get(), sql.data(), static_cast<int>(sql.size()),
      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  Statement statement(handle);
  if (result != SQLITE_OK) {
    return FailSqlite(connection_.get(), result, sql);
  }
  return statement;
}

Result<bool> Database::Execute(const std::string& sql) const {
  const int result =
      sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result == SQLITE_OK) return true;
  return FailSqlite(connection_.get(), result, sql);
}

Result<std::string> Database::Ask(std::string_view sql) const {
  const Result<Statement> statement = Prepare(sql);
  if (!statement) return Unexpected(statement.error());
  Run run(*statement);
  const Result<bool> row = run.Step();
  if (!row) return Unexpected(row.error());
  return *row ? run.TextAt(0) : std::string();
}

uint64_t Database::Changes() const {
  return static_cast<uint64_t>(sqlite3_changes64(connection_.get()));
}

Result<Transaction> Transaction::Begin(const Database& database) {
  // IMMEDIATE: a lock that cannot be had is an error here, not in the middle.
  const Result<bool> begun = database.Execute("BEGIN IMMEDIATE");
  if (!begun) return Unexpected(begun.error());
  return Transaction(&database);
}

void Transaction::Roll::operator()(const Database* database) const {
  // After some errors SQLite has rolled back itself.
  if (sqlite3_get_autocommit(database->connection_.get()) != 0) return;
  (void)database->Execute("ROLLBACK");  // Nothing was promised.
}

Result<bool> Transaction::Commit() {
  assert(open_ != nullptr);
  Result<bool> committed = open_->Execute("COMMIT");
  // A commit that failed may still be open: it is rolled back.
  if (!committed) open_.reset();
  (void)open_.release();
  return committed;
}

}  // namespace gatehouse
