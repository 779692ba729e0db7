#include "signatures/signature_set.h"

#include <array>
#include <atomic>
#include <cassert>
#include <string>
#include <utility>
#include <vector>

#include "signatures/signature_compiler.h"

namespace gatehouse {
namespace {

// Of a trigger. Longer ones are rarer, but make Hyperscan's tables larger.
constexpr size_t kTriggerWindow = 8;

uint64_t NextGeneration() {
  static std::atomic<uint64_t> last{0};
  // Relaxed: only uniqueness and growth matter, no other data hangs on it.
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

struct SignatureSet::State {
  std::vector<uint64_t> buffer;  // What `tables` shows.
  SignatureTables tables;
  std::vector<TriggerDatabase> triggers;  // By shard.
  std::vector<PricedSignature> priced;
  HashStore hashes;
  HashStore section_hashes;
  HashStore import_hashes;
  HashStore allowed_hashes;
  uint64_t generation = NextGeneration();
};

SignatureSet::SignatureSet(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
SignatureSet::~SignatureSet() = default;

Result<std::shared_ptr<const SignatureSet>> SignatureSet::Compile(
    Signatures signatures, TriggerMeans means) {
  Result<CompiledTables> compiled =
      CompileTables(std::move(signatures.bodies), kTriggerWindow);
  if (!compiled) return Unexpected(compiled.error());
  auto state = std::make_unique<State>();
  state->buffer = PackTables(compiled->tables);
  compiled->tables = TableVectors();
  state->priced = std::move(compiled->priced);
  Result<SignatureTables> tables = OpenTables(state->buffer);
  if (!tables) return Unexpected(tables.error());
  state->tables = *tables;
  for (const std::vector<TriggerText>& triggers : compiled->triggers) {
    Result<TriggerDatabase> database =
        TriggerDatabase::Compile(triggers, means);
    if (!database) return Unexpected(database.error());
    state->triggers.push_back(std::move(*database));
  }
  const std::array<std::pair<std::vector<HashSignature>*, HashStore*>, 4>
      stores = {{{&signatures.hashes, &state->hashes},
                 {&signatures.section_hashes, &state->section_hashes},
                 {&signatures.import_hashes, &state->import_hashes},
                 {&signatures.allowed_hashes, &state->allowed_hashes}}};
  for (const auto& [list, store] : stores) {
    Result<HashStore> compiled_hashes = HashStore::Compile(std::move(*list));
    if (!compiled_hashes) return Unexpected(compiled_hashes.error());
    *store = std::move(*compiled_hashes);
  }
  return std::shared_ptr<const SignatureSet>(
      new SignatureSet(std::move(state)));  // The constructor is private.
}

const SignatureTables& SignatureSet::tables() const { return state_->tables; }

const TriggerDatabase& SignatureSet::triggers(size_t shard) const {
  assert(shard < state_->triggers.size());
  return state_->triggers[shard];
}

std::string_view SignatureSet::body_name(uint32_t id) const {
  assert(id < state_->tables.signatures.size());
  return state_->tables.Text(state_->tables.signatures[id].name);
}

const HashStore& SignatureSet::hashes() const { return state_->hashes; }
const HashStore& SignatureSet::section_hashes() const {
  return state_->section_hashes;
}
const HashStore& SignatureSet::import_hashes() const {
  return state_->import_hashes;
}
const HashStore& SignatureSet::allowed_hashes() const {
  return state_->allowed_hashes;
}

const std::vector<PricedSignature>& SignatureSet::priced_signatures() const {
  return state_->priced;
}

size_t SignatureSet::body_count() const {
  return state_->tables.signatures.size();
}
size_t SignatureSet::hash_count() const {
  return state_->hashes.count() + state_->section_hashes.count() +
         state_->import_hashes.count();
}
uint64_t SignatureSet::generation() const { return state_->generation; }

}  // namespace gatehouse
