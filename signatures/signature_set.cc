#include "signatures/signature_set.h"

#include <array>
#include <atomic>
#include <cassert>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "signatures/set_image.h"
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
  WordBuffer buffer;  // What all but `triggers` shows.
  SetImage image;
  SignatureTables tables;
  std::vector<TriggerDatabase> triggers;  // By shard.
  std::vector<PricedSignature> priced;
  HashStore hashes;
  HashStore section_hashes;
  HashStore import_hashes;
  HashStore allowed_hashes;
  MagicTable magics;
  uint64_t generation = NextGeneration();

  Result<bool> OpenTriggers();
  Result<bool> OpenPrices();
  Result<bool> OpenHashStores();
};

Result<bool> SignatureSet::State::OpenTriggers() {
  const size_t shards = tables.shards.size();
  if (image.databases.size() != shards || image.grams.size() != shards) {
    return Fail(ErrorCode::kInvalidInput, "signature set: missing triggers");
  }
  for (size_t shard = 0; shard < shards; ++shard) {
    Result<TriggerDatabase> database = TriggerDatabase::Open(
        image.Grams(image.grams[shard]), image.Database(image.databases[shard]),
        tables.shards[shard].trigger_count);
    if (!database) return Unexpected(database.error());
    triggers.push_back(std::move(*database));
  }
  return true;
}

Result<bool> SignatureSet::State::OpenPrices() {
  for (const PriceRecord& record : image.prices) {
    if (record.signature >= tables.signatures.size() ||
        record.route > static_cast<uint32_t>(PriceRoute::kAlways)) {
      return Fail(ErrorCode::kInvalidInput, "signature set: wrong price");
    }
    PricedSignature one;
    one.signature = record.signature;
    one.name = tables.Text(tables.signatures[record.signature].name);
    one.share = static_cast<double>(record.millionths) * 1e-6;
    one.route = static_cast<PriceRoute>(record.route);
    priced.push_back(std::move(one));
  }
  return true;
}

Result<bool> SignatureSet::State::OpenHashStores() {
  const std::array<std::pair<std::span<const uint64_t>, HashStore*>, 4> stores =
      {{{image.hashes, &hashes},
        {image.section_hashes, &section_hashes},
        {image.import_hashes, &import_hashes},
        {image.allowed_hashes, &allowed_hashes}}};
  for (const auto& [words, store] : stores) {
    const Result<HashStore> opened = HashStore::Open(words);
    if (!opened) return Unexpected(opened.error());
    *store = *opened;
  }
  return true;
}

SignatureSet::SignatureSet(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
SignatureSet::~SignatureSet() = default;

Result<std::vector<uint64_t>> SignatureSet::CompileImage(Signatures signatures,
                                                         std::string_view notes,
                                                         TriggerMeans means) {
  SetImageVectors image;
  const ByteView note_bytes = AsBytes(notes);
  image.notes.assign(note_bytes.begin(), note_bytes.end());
  const LiteralRates rates = LiteralRates::BuiltIn();
  Result<CompiledTables> compiled =
      CompileTables(std::move(signatures.bodies), kTriggerWindow, rates);
  if (!compiled) return Unexpected(compiled.error());
  image.bodies = PackTables(compiled->tables);
  compiled->tables = TableVectors();
  for (const ShardTriggers& triggers : compiled->triggers) {
    const Result<PackedTriggers> packed = PackTriggers(triggers, rates, means);
    if (!packed) return Unexpected(packed.error());
    image.AddTriggers(packed->grams, packed->others);
  }
  for (const PricedSignature& one : compiled->priced) {
    image.prices.push_back({one.signature, static_cast<uint32_t>(one.route),
                            static_cast<uint64_t>(one.share * 1e6)});
  }
  const std::array<
      std::pair<std::vector<HashSignature>*, std::vector<uint64_t>*>, 4>
      stores = {{{&signatures.hashes, &image.hashes},
                 {&signatures.section_hashes, &image.section_hashes},
                 {&signatures.import_hashes, &image.import_hashes},
                 {&signatures.allowed_hashes, &image.allowed_hashes}}};
  for (const auto& [list, words] : stores) {
    Result<std::vector<uint64_t>> packed = PackHashes(std::move(*list));
    if (!packed) return Unexpected(packed.error());
    *words = std::move(*packed);
  }
  MagicVectors magics = PackMagics(signatures.magics);
  image.magics = std::move(magics.records);
  image.magic_codes = std::move(magics.codes);
  return PackSetImage(image);
}

Result<std::shared_ptr<const SignatureSet>> SignatureSet::Open(
    WordBuffer buffer) {
  auto state = std::make_unique<State>();
  state->buffer = std::move(buffer);
  const std::span<const uint64_t> words = std::as_const(state->buffer).words();
  const Result<SetImage> image = ViewSetImage(words);
  if (!image) return Unexpected(image.error());
  state->image = *image;
  const Result<SignatureTables> tables = OpenTables(image->bodies);
  if (!tables) return Unexpected(tables.error());
  state->tables = *tables;
  const Result<MagicTable> magics =
      OpenMagics(image->magics, image->magic_codes);
  if (!magics) return Unexpected(magics.error());
  state->magics = *magics;
  for (const auto& opened :
       {state->OpenHashStores(), state->OpenTriggers(), state->OpenPrices()}) {
    if (!opened) return Unexpected(opened.error());
  }
  // Hyperscan has copies of its own.
  const size_t kept = WordsWithoutDatabases(*image, words);
  state->image.databases = {};
  state->image.database_bytes = {};
  state->buffer.KeepFirst(kept);
  return std::shared_ptr<const SignatureSet>(
      new SignatureSet(std::move(state)));  // The constructor is private.
}

Result<std::shared_ptr<const SignatureSet>> SignatureSet::Compile(
    Signatures signatures, TriggerMeans means) {
  const Result<std::vector<uint64_t>> image =
      CompileImage(std::move(signatures), {}, means);
  if (!image) return Unexpected(image.error());
  Result<WordBuffer> buffer = WordBuffer::From(*image);
  if (!buffer) return Unexpected(buffer.error());
  return Open(std::move(*buffer));
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
const MagicTable& SignatureSet::magics() const { return state_->magics; }

std::string_view SignatureSet::notes() const {
  return AsText(state_->image.notes);
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
