// Fuzzes the reader of hash tables: the input is the buffer.
//
// Asserts that what opens is what a store finds: every record by its digest and
// size, and under its name; and that the same signatures, packed anew, are the
// same store.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "signatures/hash_store.h"

namespace {

using gatehouse::ByteView;
using gatehouse::DigestAlgorithm;
using gatehouse::DigestBytes;
using gatehouse::HashSignature;
using gatehouse::HashStore;
using gatehouse::HashTables;
using gatehouse::kAnySize;

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

template <class Record>
void AddSignatures(const HashTables& tables, std::span<const Record> records,
                   DigestAlgorithm algorithm,
                   std::vector<HashSignature>& signatures) {
  for (const Record& record : records) {
    HashSignature signature;
    signature.name = tables.Name(record.name_begin, record.name_size);
    signature.algorithm = algorithm;
    std::copy_n(record.digest.begin(), DigestBytes(algorithm),
                signature.digest.begin());
    signature.size = record.size;
    signatures.push_back(std::move(signature));
  }
}

bool Finds(const HashStore& store, const HashSignature& signature) {
  const uint64_t size = signature.size == kAnySize ? 1 : signature.size;
  const auto algorithm = static_cast<size_t>(signature.algorithm);
  if (!store.NeedsFor(size).at(algorithm)) return false;
  const ByteView digest(signature.digest);
  const auto names =
      store.Find(signature.algorithm,
                 digest.first(DigestBytes(signature.algorithm)), size);
  return std::find(names.begin(), names.end(), signature.name) != names.end();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint64_t> buffer(size / sizeof(uint64_t));
  if (!buffer.empty()) {
    std::memcpy(buffer.data(), data, buffer.size() * sizeof(uint64_t));
  }
  const auto tables = gatehouse::OpenHashes(buffer);
  auto store = HashStore::Open(buffer);
  Require(tables.has_value() == store.has_value(), "both open");
  if (!tables) return 0;
  std::vector<HashSignature> signatures;
  AddSignatures(*tables, tables->md5, DigestAlgorithm::kMd5, signatures);
  AddSignatures(*tables, tables->sha1, DigestAlgorithm::kSha1, signatures);
  AddSignatures(*tables, tables->sha256, DigestAlgorithm::kSha256, signatures);
  Require(store->count() == signatures.size(), "every record counts");
  const auto again = gatehouse::PackHashes(signatures);
  Require(again.has_value(), "it can be packed again");
  const auto packed = HashStore::Open(*again);
  Require(packed.has_value(), "and opens then");
  for (const HashSignature& signature : signatures) {
    Require(Finds(*store, signature), "every record is found");
    Require(Finds(*packed, signature), "and in its copy");
  }
  return 0;
}
