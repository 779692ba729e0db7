#include "signatures/signature_set.h"

#include <hs/hs_compile.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <utility>

#include "base/display_text.h"
#include "signatures/hash_store.h"

namespace gatehouse {
namespace {

struct FreeDatabase {
  void operator()(hs_database_t* database) const {
    (void)hs_free_database(database);  // Fails only for a foreign pointer.
  }
};
using Database = std::unique_ptr<hs_database_t, FreeDatabase>;

struct FreeCompileError {
  void operator()(hs_compile_error_t* error) const {
    (void)hs_free_compile_error(error);  // As above.
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

Error Refused(const BodySignature& body, std::string_view reason) {
  std::string message = "compile '" + DisplayText(body.name) + "': ";
  message += reason;
  return Error{ErrorCode::kInvalidInput, std::move(message)};
}

Result<void> CheckBodies(const std::vector<BodySignature>& bodies) {
  if (bodies.size() >= kNoSignature) {
    return Fail(ErrorCode::kLimitExceeded, "compile: too many signatures");
  }
  for (const BodySignature& body : bodies) {
    if (body.name.empty()) return Unexpected(Refused(body, "no name"));
    if (body.literal.size() < kLiteralBytesMin) {
      return Unexpected(Refused(body, "literal too short"));
    }
    if (body.literal.size() > kLiteralBytesMax) {
      return Unexpected(Refused(body, "literal too long"));
    }
    if (body.offset != kAnyOffset && body.offset > kOffsetMax) {
      return Unexpected(Refused(body, "offset too large"));
    }
  }
  return {};
}

// `ids` are the bodies that may match anywhere.
Result<Database> CompileDatabase(const std::vector<BodySignature>& bodies,
                                 const std::vector<unsigned>& ids) {
  if (ids.empty()) return Database();
  if (hs_valid_platform() != HS_SUCCESS) {
    return Fail(ErrorCode::kNotSupported,
                "compile: this processor lacks SSSE3, which Hyperscan needs");
  }
  std::vector<std::string> patterns;
  std::vector<const char*> expressions;
  patterns.reserve(ids.size());
  expressions.reserve(ids.size());
  for (const unsigned id : ids) {
    expressions.push_back(
        patterns.emplace_back(PatternOf(bodies[id].literal)).c_str());
  }
  // One report per signature and file: whoever writes a file must not be able
  // to make it expensive by repeating a signature.
  const std::vector<unsigned> flags(ids.size(), HS_FLAG_SINGLEMATCH);
  hs_database_t* database = nullptr;
  hs_compile_error_t* compile_error = nullptr;
  const hs_error_t status =
      hs_compile_multi(expressions.data(), flags.data(), ids.data(),
                       static_cast<unsigned>(ids.size()), HS_MODE_STREAM,
                       nullptr, &database, &compile_error);
  const std::unique_ptr<hs_compile_error_t, FreeCompileError> error(
      compile_error);
  if (status == HS_SUCCESS) return Database(database);
  const std::string reason = error ? error->message : "unknown error";
  if (error && error->expression >= 0) {
    return Unexpected(
        Refused(bodies[ids[static_cast<size_t>(error->expression)]], reason));
  }
  return Fail(ErrorCode::kInvalidInput, "compile signatures: " + reason);
}

uint64_t NextGeneration() {
  static std::atomic<uint64_t> last{0};
  // Relaxed: only uniqueness and growth matter, no other data hangs on it.
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

size_t DigestBytes(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::kMd5:
      return 16;
    case DigestAlgorithm::kSha1:
      return 20;
    case DigestAlgorithm::kSha256:
      return 32;
  }
  return 0;
}

struct SignatureSet::State {
  explicit State(std::vector<HashSignature> signatures)
      : hashes(std::move(signatures)) {}

  Database database;
  AnchoredLiterals anchored;
  std::vector<std::string> body_names;  // By id.
  HashStore hashes;
  uint64_t generation = NextGeneration();
};

SignatureSet::SignatureSet(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
SignatureSet::~SignatureSet() = default;

Result<std::shared_ptr<const SignatureSet>> SignatureSet::Compile(
    std::vector<BodySignature> bodies, std::vector<HashSignature> hashes) {
  const Result<void> checked = CheckBodies(bodies);
  if (!checked) return Unexpected(checked.error());
  std::stable_sort(bodies.begin(), bodies.end(),
                   [](const BodySignature& a, const BodySignature& b) {
                     return a.name < b.name;
                   });
  std::vector<unsigned> floating_ids;
  std::vector<AnchoredLiteral> anchored;
  for (uint32_t id = 0; id < bodies.size(); ++id) {
    if (bodies[id].offset == kAnyOffset) {
      floating_ids.push_back(id);
    } else {
      anchored.push_back({bodies[id].offset, bodies[id].literal, id});
    }
  }
  Result<Database> database = CompileDatabase(bodies, floating_ids);
  if (!database) return Unexpected(database.error());

  auto state = std::make_unique<State>(std::move(hashes));
  state->database = std::move(*database);
  state->anchored = AnchoredLiterals(std::move(anchored));
  state->body_names.reserve(bodies.size());
  for (BodySignature& body : bodies) {
    state->body_names.push_back(std::move(body.name));
  }
  return std::shared_ptr<const SignatureSet>(
      new SignatureSet(std::move(state)));  // The constructor is private.
}

const hs_database* SignatureSet::body_database() const {
  return state_->database.get();
}

const AnchoredLiterals& SignatureSet::anchored_bodies() const {
  return state_->anchored;
}

std::string_view SignatureSet::body_name(uint32_t id) const {
  assert(id < state_->body_names.size());
  return state_->body_names[id];
}

DigestNeeds SignatureSet::digest_algorithms() const {
  return state_->hashes.algorithms();
}

DigestNeeds SignatureSet::DigestsFor(uint64_t size) const {
  return state_->hashes.NeedsFor(size);
}

std::vector<std::string_view> SignatureSet::FindHashes(
    DigestAlgorithm algorithm, ByteView digest, uint64_t size) const {
  return state_->hashes.Find(algorithm, digest, size);
}

size_t SignatureSet::body_count() const { return state_->body_names.size(); }
size_t SignatureSet::hash_count() const { return state_->hashes.count(); }
uint64_t SignatureSet::generation() const { return state_->generation; }

}  // namespace gatehouse
