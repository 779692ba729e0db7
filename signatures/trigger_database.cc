#include "signatures/trigger_database.h"

#include <hs/hs_compile.h>
#include <hs/hs_runtime.h>

#include <algorithm>
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

// Hyperscan is faster with less than this, where a literal of either case and
// one that is short count so often: measured on texts, ELF and PE files with
// 500 to 10,000 literals, and on HTML files with 10 to 10,000.
constexpr size_t kGramWeightMin = 9000;
constexpr size_t kGramWeightMinOfHtml = 20;
constexpr size_t kFoldedWeight = 20;
constexpr size_t kShortWeight = 40;

bool IsForGrams(const TriggerText& trigger) {
  return trigger.bytes.size() >= kGramLiteralBytesMin &&
         trigger.bytes.size() <= kGramLiteralBytesMax;
}

bool UsesGrams(const ShardTriggers& triggers, TriggerMeans means) {
  if (means != TriggerMeans::kFastest) return means == TriggerMeans::kGrams;
  size_t weight = 0;
  for (const TriggerText& trigger : triggers.texts) {
    if (!IsForGrams(trigger)) {
      weight += kShortWeight;
    } else {
      weight += trigger.is_folded ? kFoldedWeight : 1;
    }
  }
  const bool is_html = triggers.looked_in == LookedIn::kHtml;
  return weight >= (is_html ? kGramWeightMinOfHtml : kGramWeightMin);
}

// Literals with grams of any byte in front cost 200 times as much memory.
constexpr size_t kManyGramsMax = 4096;

bool HasManyGrams(const TriggerText& trigger) {
  return IsForGrams(trigger) && trigger.bytes.size() < kGramInnerBytesMin;
}

bool AreTooMany(const std::vector<TriggerText>& triggers) {
  const auto count =
      std::count_if(triggers.begin(), triggers.end(), HasManyGrams);
  return static_cast<size_t>(count) > kManyGramsMax;
}

unsigned FlagsOf(const TriggerText& trigger) {
  unsigned flags = HS_FLAG_DOTALL;
  if (trigger.is_folded) flags |= HS_FLAG_CASELESS;
  if (trigger.is_frequent) flags |= HS_FLAG_SINGLEMATCH;
  return flags;
}

struct FreeDatabase {
  void operator()(hs_database_t* database) const {
    (void)hs_free_database(database);  // As above.
  }
};

Result<std::vector<uint8_t>> Serialised(const hs_database_t* database) {
  struct FreeBytes {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  char* bytes = nullptr;
  size_t size = 0;
  const hs_error_t status = hs_serialize_database(database, &bytes, &size);
  if (status != HS_SUCCESS) {
    return Fail(ErrorCode::kOperational,
                "serialise triggers: Hyperscan says " + std::to_string(status));
  }
  const std::unique_ptr<char, FreeBytes> owned(bytes);
  const ByteView view = AsBytes({bytes, size});
  return std::vector<uint8_t>(view.begin(), view.end());
}

// Of the triggers with these numbers.
Result<std::vector<uint8_t>> CompileOthers(
    const std::vector<TriggerText>& triggers,
    const std::vector<unsigned>& ids) {
  if (ids.empty()) return std::vector<uint8_t>();
  std::vector<std::string> patterns;
  std::vector<unsigned> flags;
  for (const unsigned id : ids) {
    patterns.push_back(PatternOf(triggers[id].bytes));
    flags.push_back(FlagsOf(triggers[id]));
  }
  if (hs_valid_platform() != HS_SUCCESS) {
    return Fail(ErrorCode::kNotSupported,
                "compile: this processor lacks SSSE3, which Hyperscan needs");
  }
  std::vector<const char*> expressions;
  for (const std::string& pattern : patterns) {
    expressions.push_back(pattern.c_str());
  }
  hs_database_t* compiled = nullptr;
  hs_compile_error_t* compile_error = nullptr;
  const hs_error_t status =
      hs_compile_multi(expressions.data(), flags.data(), ids.data(),
                       static_cast<unsigned>(ids.size()), HS_MODE_BLOCK,
                       nullptr, &compiled, &compile_error);
  const std::unique_ptr<hs_database_t, FreeDatabase> database(compiled);
  const std::unique_ptr<hs_compile_error_t, FreeCompileError> error(
      compile_error);
  if (status == HS_SUCCESS) return Serialised(database.get());
  const std::string reason = error ? error->message : "unknown error";
  // Its only sign of it.
  const bool is_memory = reason.find("allocate memory") != std::string::npos;
  return Fail(is_memory ? ErrorCode::kLimitExceeded : ErrorCode::kInvalidInput,
              "compile signatures: " + reason);
}

}  // namespace

void TriggerDatabase::Free::operator()(hs_database* database) const {
  FreeDatabase()(database);
}

TriggerDatabase::~TriggerDatabase() = default;

Result<PackedTriggers> PackTriggers(const ShardTriggers& shard,
                                    const LiteralRates& rates,
                                    TriggerMeans means) {
  const std::vector<TriggerText>& triggers = shard.texts;
  if (triggers.size() > kGramLiteralsMax) {
    return Fail(ErrorCode::kLimitExceeded, "compile: too many triggers");
  }
  const bool uses_grams = UsesGrams(shard, means);
  const bool are_too_many = AreTooMany(triggers);
  const auto is_by_pair = [are_too_many](const TriggerText& trigger) {
    return !IsForGrams(trigger) || trigger.has_common_gram ||
           (are_too_many && HasManyGrams(trigger));
  };
  std::vector<GramText> grams;
  std::vector<unsigned> others;
  for (unsigned id = 0; id < triggers.size(); ++id) {
    const TriggerText& trigger = triggers[id];
    if (!uses_grams || trigger.bytes.size() > kGramLiteralBytesMax) {
      others.push_back(id);
    } else {
      grams.push_back(
          {trigger.bytes, trigger.is_folded, id, is_by_pair(trigger)});
    }
  }
  PackedTriggers packed;
  if (!grams.empty()) {
    const FileKind kind = shard.looked_in == LookedIn::kAnything
                              ? FileKind::kBinaries
                              : FileKind::kTexts;
    packed.grams = PackGramFilter(grams, rates.PairsOf(kind));
  }
  Result<std::vector<uint8_t>> compiled = CompileOthers(triggers, others);
  if (!compiled) return Unexpected(compiled.error());
  packed.others = std::move(*compiled);
  return packed;
}

Result<TriggerDatabase> TriggerDatabase::Open(std::span<const uint64_t> grams,
                                              ByteView others,
                                              size_t triggers) {
  TriggerDatabase opened;
  if (!grams.empty()) {
    const Result<GramFilter> filter = GramFilter::Open(grams, triggers);
    if (!filter) return Unexpected(filter.error());
    opened.grams_ = *filter;
  }
  if (others.empty()) return opened;
  hs_database_t* database = nullptr;
  const hs_error_t status =
      hs_deserialize_database(AsText(others).data(), others.size(), &database);
  if (status == HS_SUCCESS) {
    opened.others_.reset(database);
    return opened;
  }
  const bool is_foreign =
      status == HS_DB_VERSION_ERROR || status == HS_DB_PLATFORM_ERROR;
  return Fail(
      is_foreign ? ErrorCode::kNotSupported : ErrorCode::kInvalidInput,
      "triggers: Hyperscan refuses them (" + std::to_string(status) + ")");
}

std::string TriggerDatabasePlatform() {
  hs_platform_info_t info = {};
  (void)hs_populate_platform(&info);  // Fails only for a null pointer.
  return std::string(hs_version()) + ", tune " + std::to_string(info.tune) +
         ", features " + std::to_string(info.cpu_features);
}

}  // namespace gatehouse
