#include "signatures/trigger_database.h"

#include <hs/hs_compile.h>

#include <string>
#include <string_view>
#include <utility>

namespace gatehouse {
namespace {

struct FreeCompileError {
  void operator()(hs_compile_error_t* error) const {
    (void)hs_free_compile_error(error);  // Fails only for a foreign pointer.
  }
};

// The regular-expression API takes every byte when it is written as \xHH; the
// pure literal API of some Hyperscan releases refuses a leading NUL.
std::string PatternOf(const std::vector<uint8_t>& literal) {
  static constexpr std::string_view kHexDigits = "0123456789abcdef";
  std::string pattern;
  pattern.reserve(literal.size() * 4);
  for (const uint8_t byte : literal) {
    pattern += "\\x";
    pattern += kHexDigits[byte >> 4];
    pattern += kHexDigits[byte & 0x0FU];
  }
  return pattern;
}

unsigned FlagsOf(const TriggerText& trigger) {
  unsigned flags = HS_FLAG_DOTALL;
  if (trigger.is_folded) flags |= HS_FLAG_CASELESS;
  if (trigger.is_frequent) flags |= HS_FLAG_SINGLEMATCH;
  return flags;
}

}  // namespace

void TriggerDatabase::Free::operator()(hs_database* database) const {
  (void)hs_free_database(database);  // As above.
}

TriggerDatabase::TriggerDatabase(Database long_triggers,
                                 Database short_triggers)
    : long_(std::move(long_triggers)), short_(std::move(short_triggers)) {}
TriggerDatabase::~TriggerDatabase() = default;

Result<TriggerDatabase::Database> TriggerDatabase::CompileSome(
    const std::vector<TriggerText>& triggers, bool is_long) {
  std::vector<std::string> patterns;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  for (unsigned id = 0; id < triggers.size(); ++id) {
    const TriggerText& trigger = triggers[id];
    if ((trigger.bytes.size() >= kTriggerBytesLong) != is_long) continue;
    patterns.push_back(PatternOf(trigger.bytes));
    flags.push_back(FlagsOf(trigger));
    ids.push_back(id);
  }
  if (ids.empty()) return Database();
  if (hs_valid_platform() != HS_SUCCESS) {
    return Fail(ErrorCode::kNotSupported,
                "compile: this processor lacks SSSE3, which Hyperscan needs");
  }
  std::vector<const char*> expressions;
  for (const std::string& pattern : patterns) {
    expressions.push_back(pattern.c_str());
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* compile_error = nullptr;
  const hs_error_t status =
      hs_compile_multi(expressions.data(), flags.data(), ids.data(),
                       static_cast<unsigned>(ids.size()), HS_MODE_BLOCK,
                       nullptr, &database, &compile_error);
  const std::unique_ptr<hs_compile_error_t, FreeCompileError> error(
      compile_error);
  if (status == HS_SUCCESS) return Database(database);
  const std::string reason = error ? error->message : "unknown error";
  return Fail(ErrorCode::kInvalidInput, "compile signatures: " + reason);
}

Result<TriggerDatabase> TriggerDatabase::Compile(
    const std::vector<TriggerText>& triggers) {
  Result<Database> long_triggers = CompileSome(triggers, true);
  if (!long_triggers) return Unexpected(long_triggers.error());
  Result<Database> short_triggers = CompileSome(triggers, false);
  if (!short_triggers) return Unexpected(short_triggers.error());
  return TriggerDatabase(std::move(*long_triggers), std::move(*short_triggers));
}

}  // namespace gatehouse
