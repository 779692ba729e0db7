// VaultKey: the root key that wraps the key of each sealed object, and the two
// files that keep it: `vault.key` in the state directory, and its escrow copy
// in the vault, so that losing either is not losing every object.
//
// Thread-compatible; const access is thread-safe. Owns its memory, which is
// kept out of core dumps and wiped when the key is destroyed. Move-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "quarantine/file_operations.h"

namespace gatehouse {

inline constexpr size_t kVaultKeyBytes = 32;

// In the state directory, and in the vault's.
inline constexpr char kVaultKeyName[] = "vault.key";
inline constexpr char kVaultKeyEscrowName[] = "vault.key.escrow";

class VaultKey {
 public:
  // A new random one.
  static Result<VaultKey> Random();
  // A key known beforehand.
  static Result<VaultKey> FromBytes(
      std::span<const uint8_t, kVaultKeyBytes> bytes);

  VaultKey(VaultKey&&) noexcept = default;
  VaultKey& operator=(VaultKey&&) noexcept = default;
  VaultKey(const VaultKey&) = delete;
  VaultKey& operator=(const VaultKey&) = delete;
  ~VaultKey() = default;

  // Borrowed: valid while this key lives; never copy it elsewhere.
  ByteView UnsafeBytes() const { return {bytes_.get(), kVaultKeyBytes}; }
  // Takes the same time wherever they differ.
  [[nodiscard]] bool IsSameAs(const VaultKey& other) const;

 private:
  struct Wipe {
    void operator()(uint8_t* bytes) const;
  };
  using Memory = std::unique_ptr<uint8_t[], Wipe>;

  explicit VaultKey(Memory bytes) : bytes_(std::move(bytes)) {}
  static Result<Memory> Allocate();

  Memory bytes_;
};

// Where the key files are; descriptors are borrowed.
struct VaultKeyPlaces {
  int unsafe_state_fd = -1;
  int unsafe_vault_fd = -1;
  bool has_objects = false;  // Something is sealed with the key already.
};

struct LoadedVaultKey {
  VaultKey key;
  std::string notice;  // What somebody should look at; empty: nothing.
};

// Reads the key, or makes one where nothing was ever sealed.
//
// A new key is durable, file, name and escrow copy, before this returns. An
// existing file is never replaced, whatever is wrong with it. A missing
// `vault.key` is made from the escrow copy, and the other way round; a damaged
// one is left alone, and the escrow copy is used: both are noticed. Blocks for
// four fsyncs when it makes a key. When two processes race, both get the key of
// the one that was first.
//
// Errors: kNotPermitted when a key file belongs to somebody else or anybody
// else may use it; kNotFound when both are missing and there are objects;
// kInvalidInput when `vault.key` is not a key file, is damaged or is no regular
// file, and there is no copy; kNotSupported for a newer version; else of the
// system.
Result<LoadedVaultKey> LoadOrCreateVaultKey(FileOperations& files,
                                            const VaultKeyPlaces& places);

// What is wrong with the files of `key`, read anew; empty: nothing.
std::vector<std::string> VaultKeyFileProblems(FileOperations& files,
                                              const VaultKeyPlaces& places,
                                              const VaultKey& key);

}  // namespace gatehouse
