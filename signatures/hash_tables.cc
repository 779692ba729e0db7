#include "signatures/hash_tables.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "signatures/table_buffer.h"

namespace gatehouse {
namespace {

constexpr size_t kBitsPerWord = 64;
constexpr size_t kSmallSizeWords = kSmallSizes / kBitsPerWord;
// What PackHashes fills, table by table.
struct HashVectors {
  std::vector<Md5Record> md5;
  std::vector<Sha1Record> sha1;
  std::vector<Sha256Record> sha256;
  std::vector<uint64_t> small_sizes;
  std::vector<uint8_t> names;
};

constexpr auto kVisitTables = [](auto& tables, const auto& visit) {
  visit(tables.md5);
  visit(tables.sha1);
  visit(tables.sha256);
  visit(tables.small_sizes);
  visit(tables.names);
};

struct PlaceOfName {
  uint32_t begin = 0;
  uint32_t size = 0;
};

class Packer {
 public:
  // False: no room for its name.
  bool Add(const HashSignature& signature);
  [[nodiscard]] const HashVectors& tables() const { return tables_; }

 private:
  template <size_t kDigestBytes>
  static void AddRecord(const HashSignature& signature, PlaceOfName name,
                        std::vector<HashRecord<kDigestBytes>>& records);

  HashVectors tables_;
  // Many signatures of one family may share a name. Keys are the caller's.
  std::unordered_map<std::string_view, PlaceOfName> names_;
};

template <size_t kDigestBytes>
void Packer::AddRecord(const HashSignature& signature, PlaceOfName name,
                       std::vector<HashRecord<kDigestBytes>>& records) {
  HashRecord<kDigestBytes> record;
  record.size = signature.size;
  std::copy_n(signature.digest.begin(), kDigestBytes, record.digest.begin());
  record.name_begin = name.begin;
  record.name_size = name.size;
  records.push_back(record);
}

bool Packer::Add(const HashSignature& signature) {
  constexpr size_t kNamesMax = std::numeric_limits<uint32_t>::max();
  PlaceOfName name;
  const auto known = names_.find(signature.name);
  if (known != names_.end()) {
    name = known->second;
  } else {
    if (signature.name.size() > kNamesMax - tables_.names.size()) return false;
    name.begin = static_cast<uint32_t>(tables_.names.size());
    name.size = static_cast<uint32_t>(signature.name.size());
    const ByteView bytes = AsBytes(signature.name);
    tables_.names.insert(tables_.names.end(), bytes.begin(), bytes.end());
    names_.emplace(signature.name, name);
  }
  if (signature.size < kSmallSizes) {
    tables_.small_sizes.resize(kSmallSizeWords);
    tables_.small_sizes[signature.size / kBitsPerWord] |=
        uint64_t{1} << signature.size % kBitsPerWord;
  }
  switch (signature.algorithm) {
    case DigestAlgorithm::kMd5:
      AddRecord(signature, name, tables_.md5);
      break;
    case DigestAlgorithm::kSha1:
      AddRecord(signature, name, tables_.sha1);
      break;
    case DigestAlgorithm::kSha256:
      AddRecord(signature, name, tables_.sha256);
      break;
  }
  return true;
}

template <class Record>
bool AreRecords(std::span<const Record> records, DigestAlgorithm algorithm,
                size_t name_bytes) {
  const auto is_unnamed = [name_bytes](const Record& record) {
    return record.name_begin > name_bytes ||
           record.name_size > name_bytes - record.name_begin;
  };
  const auto is_before = [](const Record& a, const Record& b) {
    return std::tie(a.size, a.digest) < std::tie(b.size, b.digest);
  };
  // Whoever looks for a digest fills it up with zeros, too.
  const auto is_filled = [digest_bytes =
                              DigestBytes(algorithm)](const Record& record) {
    return std::all_of(
        record.digest.begin() + static_cast<std::ptrdiff_t>(digest_bytes),
        record.digest.end(), [](uint8_t byte) { return byte == 0; });
  };
  return std::none_of(records.begin(), records.end(), is_unnamed) &&
         std::all_of(records.begin(), records.end(), is_filled) &&
         std::is_sorted(records.begin(), records.end(), is_before);
}

// A size whose bit is missing would never be asked for.
template <class Record>
bool KnowsSizes(std::span<const uint64_t> small_sizes,
                std::span<const Record> records) {
  return std::all_of(records.begin(), records.end(),
                     [small_sizes](const Record& record) {
                       if (record.size >= kSmallSizes) return true;
                       return !small_sizes.empty() &&
                              (small_sizes[record.size / kBitsPerWord] >>
                                   record.size % kBitsPerWord &
                               1U) != 0;
                     });
}

// The name of the first table that is wrong, or nothing.
const char* FirstWrong(const HashTables& tables) {
  if (!tables.small_sizes.empty() &&
      tables.small_sizes.size() != kSmallSizeWords) {
    return "sizes";
  }
  const char* wrong = nullptr;
  const auto look_at = [&](const auto& records, DigestAlgorithm algorithm,
                           const char* name) {
    if (wrong != nullptr) return;
    if (!AreRecords(records, algorithm, tables.names.size())) wrong = name;
    if (!KnowsSizes(tables.small_sizes, records)) wrong = "sizes";
  };
  look_at(tables.md5, DigestAlgorithm::kMd5, "MD5");
  look_at(tables.sha1, DigestAlgorithm::kSha1, "SHA-1");
  look_at(tables.sha256, DigestAlgorithm::kSha256, "SHA-256");
  return wrong;
}

}  // namespace

Result<std::vector<uint64_t>> PackHashes(
    std::vector<HashSignature> signatures) {
  std::sort(signatures.begin(), signatures.end(),
            [](const HashSignature& a, const HashSignature& b) {
              return std::tie(a.algorithm, a.size, a.digest, a.name) <
                     std::tie(b.algorithm, b.size, b.digest, b.name);
            });
  Packer packer;
  for (const HashSignature& signature : signatures) {
    if (!packer.Add(signature)) {
      return Fail(ErrorCode::kLimitExceeded,
                  "names of hashes: more than 4 GiB");
    }
  }
  return PackTableBuffer(kHashTablesVersion, packer.tables(), kVisitTables);
}

Result<HashTables> OpenHashes(std::span<const uint64_t> buffer) {
  HashTables tables;
  const Result<bool> viewed = ViewTableBuffer(kHashTablesVersion, "hash tables",
                                              buffer, tables, kVisitTables);
  if (!viewed) return Unexpected(viewed.error());
  if (const char* const wrong = FirstWrong(tables)) {
    return Fail(ErrorCode::kInvalidInput,
                std::string("hash tables: wrong table of ") + wrong);
  }
  return tables;
}

}  // namespace gatehouse
