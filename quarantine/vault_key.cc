#include "quarantine/vault_key.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "quarantine/object_format.h"

namespace gatehouse {
namespace {

// Values are on disk: never renumber. docs/vault-format.md shows the file.
constexpr std::array<uint8_t, 8> kMagic = {0x89, 'G',  'H',  'K',
                                           '\r', '\n', 0x1a, '\n'};
constexpr uint32_t kVersion = 1;
constexpr size_t kVersionAt = kMagic.size();
constexpr size_t kKeyAt = kVersionAt + sizeof(uint32_t);
constexpr size_t kChecksumAt = kKeyAt + kVaultKeyBytes;
constexpr size_t kChecksumBytes = 32;
constexpr size_t kFileBytes = kChecksumAt + kChecksumBytes;

constexpr int kRacesMax = 8;  // Somebody makes and removes key files.

// The bytes of a key file, wiped when done with.
struct KeyFile {
  std::array<uint8_t, kFileBytes> bytes = {};

  KeyFile() = default;
  ~KeyFile() { sodium_memzero(bytes.data(), bytes.size()); }
  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;

  std::array<uint8_t, kChecksumBytes> Checksum() const {
    std::array<uint8_t, kChecksumBytes> checksum = {};
    (void)crypto_generichash(checksum.data(), checksum.size(), bytes.data(),
                             kChecksumAt, nullptr, 0);
    return checksum;
  }
  uint32_t Version() const {
    uint32_t version = 0;
    for (size_t i = sizeof(version); i > 0; --i) {
      version = version << 8 | bytes.at(kVersionAt + i - 1);
    }
    return version;
  }
};

// One of the two files.
struct KeyPlace {
  int directory = -1;
  const char* name = nullptr;
};

Unexpected Refuse(const KeyPlace& place, ErrorCode code,
                  const std::string& why) {
  return Fail(code, std::string("key file '") + place.name + "': " + why);
}

std::string Octal(unsigned mode) {
  std::string text;
  for (; mode != 0; mode /= 8) {
    text.insert(text.begin(), static_cast<char>('0' + mode % 8));
  }
  return "0" + text;
}

Result<bool> CheckOwnership(const KeyPlace& place, const FileFacts& facts) {
  if (!S_ISREG(facts.mode)) {
    return Refuse(place, ErrorCode::kInvalidInput, "not a regular file");
  }
  if (facts.uid != ::geteuid()) {
    return Refuse(place, ErrorCode::kNotPermitted,
                  "belongs to uid " + std::to_string(facts.uid) +
                      ", not to uid " + std::to_string(::geteuid()));
  }
  const unsigned permissions = facts.mode & 07777U;
  if ((permissions & 077U) != 0) {
    return Refuse(
        place, ErrorCode::kNotPermitted,
        "mode " + Octal(permissions) + " lets others use it; it must be 0600");
  }
  return true;
}

Result<VaultKey> Parse(const KeyPlace& place, const KeyFile& file,
                       size_t length, uint64_t size) {
  if (length < kKeyAt ||
      !std::equal(kMagic.begin(), kMagic.end(), file.bytes.begin())) {
    return Refuse(place, ErrorCode::kInvalidInput, "is not a key file");
  }
  if (file.Version() != kVersion) {
    return Refuse(place, ErrorCode::kNotSupported,
                  "has version " + std::to_string(file.Version()) +
                      ", this program knows version 1");
  }
  if (length != kFileBytes || size != kFileBytes) {
    return Refuse(place, ErrorCode::kInvalidInput,
                  "has " + std::to_string(size) + " bytes, not " +
                      std::to_string(kFileBytes));
  }
  const auto checksum = file.Checksum();
  if (!std::equal(checksum.begin(), checksum.end(),
                  &file.bytes.at(kChecksumAt))) {
    return Refuse(place, ErrorCode::kInvalidInput,
                  "is damaged: wrong checksum");
  }
  return VaultKey::FromBytes(std::span<const uint8_t, kVaultKeyBytes>(
      &file.bytes.at(kKeyAt), kVaultKeyBytes));
}

// Errors: kNotFound if there is no such file.
Result<VaultKey> Load(FileOperations& files, const KeyPlace& place) {
  const Result<UniqueFd> opened = files.OpenFileIn(place.directory, place.name);
  if (!opened) return Unexpected(opened.error());
  const int fd = opened->UnsafeFd();
  const Result<FileFacts> facts = files.Identity(fd);
  if (!facts) return Unexpected(facts.error());
  const Result<bool> is_ours = CheckOwnership(place, *facts);
  if (!is_ours) return Unexpected(is_ours.error());
  KeyFile file;
  const Result<size_t> length =
      ReadAt(files, fd, 0, file.bytes, "read the key file");
  if (!length) return Unexpected(length.error());
  return Parse(place, file, *length, facts->size);
}

// Durable, and complete, before it has a name. False: there was one.
Result<bool> Store(FileOperations& files, const KeyPlace& place,
                   const VaultKey& key) {
  KeyFile file;
  std::copy(kMagic.begin(), kMagic.end(), file.bytes.begin());
  PutLittleEndian(kVersion, &file.bytes.at(kVersionAt));
  const ByteView bytes = key.UnsafeBytes();
  std::copy(bytes.begin(), bytes.end(), &file.bytes.at(kKeyAt));
  const auto checksum = file.Checksum();
  std::copy(checksum.begin(), checksum.end(), &file.bytes.at(kChecksumAt));

  const Result<UniqueFd> made = files.CreateUnnamed(place.directory);
  if (!made) return Unexpected(made.error());
  const int fd = made->UnsafeFd();
  Result<bool> done = WriteAt(files, fd, 0, file.bytes, "write the key file");
  if (done) done = files.Sync(fd);
  if (!done) return done;
  done = files.Link(fd, place.directory, place.name);
  if (!done && done.error().error_number == EEXIST) return false;
  if (done) done = files.Sync(place.directory);
  return done;
}

bool IsMissing(const Result<VaultKey>& key) {
  return !key && key.error().code == ErrorCode::kNotFound;
}

// The main file exists. The copy is made if there is none; one that is wrong
// is somebody's to look at.
Result<LoadedVaultKey> WithEscrow(FileOperations& files, const KeyPlace& escrow,
                                  VaultKey key) {
  std::string notice;
  const Result<VaultKey> copy = Load(files, escrow);
  if (IsMissing(copy)) {
    const Result<bool> stored = Store(files, escrow, key);
    if (!stored) return Unexpected(stored.error());
  } else if (!copy) {
    notice = copy.error().message;
  } else if (!copy->IsSameAs(key)) {
    notice = std::string("key file '") + escrow.name +
             "' is not a copy of the vault's key";
  }
  return LoadedVaultKey{std::move(key), std::move(notice)};
}

}  // namespace

// --- The key ----------------------------------------------------------------

void VaultKey::Wipe::operator()(uint8_t* bytes) const { sodium_free(bytes); }

Result<VaultKey::Memory> VaultKey::Allocate() {
  if (sodium_init() < 0) {
    return Fail(ErrorCode::kOperational, "libsodium has no random source");
  }
  Memory memory(static_cast<uint8_t*>(sodium_malloc(kVaultKeyBytes)));
  if (memory == nullptr) return FailSystem("allocate the vault key", errno);
  return memory;
}

Result<VaultKey> VaultKey::Random() {
  Result<Memory> memory = Allocate();
  if (!memory) return Unexpected(memory.error());
  randombytes_buf(memory->get(), kVaultKeyBytes);
  return VaultKey(std::move(*memory));
}

Result<VaultKey> VaultKey::FromBytes(
    std::span<const uint8_t, kVaultKeyBytes> bytes) {
  Result<Memory> memory = Allocate();
  if (!memory) return Unexpected(memory.error());
  std::copy(bytes.begin(), bytes.end(), memory->get());
  return VaultKey(std::move(*memory));
}

bool VaultKey::IsSameAs(const VaultKey& other) const {
  return sodium_memcmp(bytes_.get(), other.bytes_.get(), kVaultKeyBytes) == 0;
}

// --- Its files --------------------------------------------------------------

Result<LoadedVaultKey> LoadOrCreateVaultKey(FileOperations& files,
                                            const VaultKeyPlaces& places) {
  const KeyPlace main = {places.unsafe_state_fd, kVaultKeyName};
  const KeyPlace escrow = {places.unsafe_vault_fd, kVaultKeyEscrowName};
  for (int race = 0; race < kRacesMax; ++race) {
    Result<VaultKey> key = Load(files, main);
    if (key) {
      // Whoever made it may have been killed before its name was durable.
      const Result<bool> synced = files.Sync(main.directory);
      if (!synced) return Unexpected(synced.error());
      return WithEscrow(files, escrow, std::move(*key));
    }
    const Error why = key.error();
    // Whoever may have read it: that is not for a copy to cure.
    if (why.code != ErrorCode::kNotFound &&
        why.code != ErrorCode::kInvalidInput) {
      return Unexpected(why);
    }
    Result<VaultKey> copy = Load(files, escrow);
    if (!copy && !IsMissing(copy)) return Unexpected(copy.error());
    if (why.code == ErrorCode::kInvalidInput) {
      if (!copy) return Unexpected(why);
      return LoadedVaultKey{std::move(*copy),
                            why.message + "; its escrow copy is used"};
    }
    if (!copy && places.has_objects) {
      return Fail(ErrorCode::kNotFound,
                  "key file 'vault.key' is missing, and so is its copy "
                  "'vault/vault.key.escrow': what is in the vault cannot be "
                  "opened without it, and no new key is made; put it back");
    }
    const bool is_new = !copy;
    if (is_new) copy = VaultKey::Random();
    if (!copy) return Unexpected(copy.error());
    const Result<bool> stored = Store(files, main, *copy);
    if (!stored) return Unexpected(stored.error());
    if (!*stored) continue;  // Somebody was first.
    if (is_new) return WithEscrow(files, escrow, std::move(*copy));
    return LoadedVaultKey{
        std::move(*copy),
        "key file 'vault.key' was missing; it was made anew from its escrow "
        "copy"};
  }
  return Fail(ErrorCode::kOperational, "create 'vault.key': it comes and goes");
}

std::vector<std::string> VaultKeyFileProblems(FileOperations& files,
                                              const VaultKeyPlaces& places,
                                              const VaultKey& key) {
  std::vector<std::string> problems;
  for (const KeyPlace& place :
       {KeyPlace{places.unsafe_state_fd, kVaultKeyName},
        KeyPlace{places.unsafe_vault_fd, kVaultKeyEscrowName}}) {
    const Result<VaultKey> found = Load(files, place);
    const std::string what = std::string("key file '") + place.name + "'";
    if (IsMissing(found)) {
      problems.push_back(what + " is missing");
    } else if (!found) {
      problems.push_back(found.error().message);
    } else if (!found->IsSameAs(key)) {
      problems.push_back(what + " holds another key than the one in use");
    }
  }
  return problems;
}

}  // namespace gatehouse
