#include "signatures/hash_tables.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace gatehouse {
namespace {

constexpr size_t kTables = 5;
constexpr size_t kWord = sizeof(uint64_t);
constexpr size_t kBitsPerWord = 64;
constexpr size_t kSmallSizeWords = kSmallSizes / kBitsPerWord;
// The head: version, number of tables, then begin (in words) and count of each.
constexpr size_t kHeadWords = 1 + 2 * kTables;

constexpr uint64_t HeadWord() {
  return uint64_t{kHashTablesVersion} << 32U | kTables;
}

// What PackHashes fills, table by table.
struct HashVectors {
  std::vector<Md5Record> md5;
  std::vector<Sha1Record> sha1;
  std::vector<Sha256Record> sha256;
  std::vector<uint64_t> small_sizes;
  std::vector<uint8_t> names;
};

// One function for writer and reader, so that both know the same order.
template <class Tables, class Visit>
void VisitTables(Tables& tables, Visit visit) {
  visit(tables.md5);
  visit(tables.sha1);
  visit(tables.sha256);
  visit(tables.small_sizes);
  visit(tables.names);
}

struct PlaceOfName {
  uint32_t begin = 0;
  uint32_t size = 0;
};

class Packer {
 public:
  // False: no room for its name.
  bool Add(const HashSignature& signature);
  [[nodiscard]] std::vector<uint64_t> Pack() const;

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

std::vector<uint64_t> Packer::Pack() const {
  const auto words_of = [](const auto& records) {
    return (records.size() * sizeof(records[0]) + kWord - 1) / kWord;
  };
  size_t words = kHeadWords;
  VisitTables(tables_,
              [&](const auto& records) { words += words_of(records); });
  std::vector<uint64_t> buffer(words);
  buffer[0] = HeadWord();
  size_t table = 0;
  size_t begin = kHeadWords;
  VisitTables(tables_, [&](const auto& records) {
    using Record = typename std::decay_t<decltype(records)>::value_type;
    static_assert(std::is_trivially_copyable_v<Record>);
    static_assert(alignof(Record) <= kWord);
    static_assert(std::has_unique_object_representations_v<Record>);
    buffer[1 + 2 * table] = begin;
    buffer[2 + 2 * table] = records.size();
    ++table;
    if (records.empty()) return;
    std::memcpy(&buffer[begin], records.data(),
                records.size() * sizeof(Record));
    begin += words_of(records);
  });
  return buffer;
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
  return packer.Pack();
}

Result<HashTables> OpenHashes(std::span<const uint64_t> buffer) {
  if (buffer.size() < kHeadWords || buffer[0] != HeadWord()) {
    return Fail(ErrorCode::kInvalidInput, "hash tables: another version");
  }
  HashTables tables;
  size_t table = 0;
  bool is_whole = true;
  VisitTables(tables, [&](auto& view) {
    using Record = typename std::remove_reference_t<decltype(view)>::value_type;
    const uint64_t begin = buffer[1 + 2 * table];
    const uint64_t count = buffer[2 + 2 * table];
    ++table;
    if (begin > buffer.size() ||
        count > (buffer.size() - begin) * kWord / sizeof(Record)) {
      is_whole = false;
      return;
    }
    // The buffer was written from these records, and is aligned for them.
    view = {static_cast<const Record*>(
                static_cast<const void*>(buffer.data() + begin)),
            static_cast<size_t>(count)};
  });
  if (!is_whole) return Fail(ErrorCode::kInvalidInput, "hash tables: cut off");
  if (const char* const wrong = FirstWrong(tables)) {
    return Fail(ErrorCode::kInvalidInput,
                std::string("hash tables: wrong table of ") + wrong);
  }
  return tables;
}

}  // namespace gatehouse
