#include "signatures/trigger_database.h"

#include <hs/hs_compile.h>
#include <hs/hs_runtime.h>

#include <cstdlib>
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
  // Its only sign of it.
  const bool is_memory = reason.find("allocate memory") != std::string::npos;
  return Fail(is_memory ? ErrorCode::kLimitExceeded : ErrorCode::kInvalidInput,
              "compile signatures: " + reason);
}

Result<TriggerDatabase> TriggerDatabase::Compile(
    const std::vector<TriggerText>& triggers) {
  Result<Database> long_triggers = CompileSome(triggers, true);
  if (!long_triggers) return Unexpected(long_triggers.error());
  Result<Database> short_triggers = CompileSome(triggers, false);
  if (!short_triggers) return Unexpected(short_triggers.error());
  return TriggerDatabase(std::move(*long_triggers), std::move(*short_triggers));
}

Result<TriggerDatabase::Database> TriggerDatabase::OpenOne(ByteView bytes) {
  if (bytes.empty()) return Database();
  hs_database_t* database = nullptr;
  const hs_error_t status =
      hs_deserialize_database(AsText(bytes).data(), bytes.size(), &database);
  if (status == HS_SUCCESS) return Database(database);
  const bool is_foreign =
      status == HS_DB_VERSION_ERROR || status == HS_DB_PLATFORM_ERROR;
  return Fail(
      is_foreign ? ErrorCode::kNotSupported : ErrorCode::kInvalidInput,
      "triggers: Hyperscan refuses them (" + std::to_string(status) + ")");
}

Result<TriggerDatabase> TriggerDatabase::Open(ByteView long_triggers,
                                              ByteView short_triggers) {
  Result<Database> long_ones = OpenOne(long_triggers);
  if (!long_ones) return Unexpected(long_ones.error());
  Result<Database> short_ones = OpenOne(short_triggers);
  if (!short_ones) return Unexpected(short_ones.error());
  return TriggerDatabase(std::move(*long_ones), std::move(*short_ones));
}

Result<TriggerDatabase::Serialised> TriggerDatabase::Serialise() const {
  struct FreeBytes {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  Serialised serialised;
  for (const bool is_long : {true, false}) {
    const hs_database_t* const database = (is_long ? long_ : short_).get();
    if (database == nullptr) continue;
    char* bytes = nullptr;
    size_t size = 0;
    const hs_error_t status = hs_serialize_database(database, &bytes, &size);
    if (status != HS_SUCCESS) {
      return Fail(
          ErrorCode::kOperational,
          "serialise triggers: Hyperscan says " + std::to_string(status));
    }
    const std::unique_ptr<char, FreeBytes> owned(bytes);
    const ByteView view = AsBytes({bytes, size});
    (is_long ? serialised.long_triggers : serialised.short_triggers)
        .assign(view.begin(), view.end());
  }
  return serialised;
}

std::string TriggerDatabasePlatform() {
  hs_platform_info_t info = {};
  (void)hs_populate_platform(&info);  // Fails only for a null pointer.
  return std::string(hs_version()) + ", tune " + std::to_string(info.tune) +
         ", features " + std::to_string(info.cpu_features);
}

}  // namespace gatehouse
