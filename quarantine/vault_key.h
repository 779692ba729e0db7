// VaultKey: the root key that wraps the key of each sealed object.
//
// Thread-compatible; const access is thread-safe. Owns its memory, which is
// kept out of core dumps and wiped when the key is destroyed. Move-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace gatehouse {

inline constexpr size_t kVaultKeyBytes = 32;

// The key file's name in the state directory.
inline constexpr char kVaultKeyName[] = "vault.key";

class VaultKey {
 public:
  // Reads the key of a state directory, or makes one if there is no key file.
  //
  // A new key is durable, file and name, before this returns. An existing file
  // is never replaced, whatever is wrong with it: the objects sealed with its
  // key would be lost. Blocks for two fsyncs when it makes a key. When two
  // processes race, both get the key of the one that was first.
  // Errors: kNotPermitted when the key file belongs to somebody else or anybody
  // else may use it; kInvalidInput when it is not a key file, is damaged or is
  // no regular file; kNotSupported for a newer version; else of the system.
  static Result<VaultKey> LoadOrCreate(int state_directory_fd);

  // A key known beforehand: for tests and golden files.
  static Result<VaultKey> FromBytes(
      std::span<const uint8_t, kVaultKeyBytes> bytes);

  VaultKey(VaultKey&&) noexcept = default;
  VaultKey& operator=(VaultKey&&) noexcept = default;
  VaultKey(const VaultKey&) = delete;
  VaultKey& operator=(const VaultKey&) = delete;
  ~VaultKey() = default;

  // Borrowed: valid while this key lives; never copy it elsewhere.
  ByteView UnsafeBytes() const { return {bytes_.get(), kVaultKeyBytes}; }

 private:
  struct Wipe {
    void operator()(uint8_t* bytes) const;
  };
  using Memory = std::unique_ptr<uint8_t[], Wipe>;

  explicit VaultKey(Memory bytes) : bytes_(std::move(bytes)) {}
  static Result<Memory> Allocate();
  static Result<VaultKey> Load(int file_fd);

  Memory bytes_;
};

}  // namespace gatehouse
