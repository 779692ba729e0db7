// ObjectCipher: the keys and the cryptography of one sealed object.
//
// One thread at a time. Owns its keys, and wipes them when it is destroyed. It
// knows no format but the order of its own bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "quarantine/file_operations.h"
#include "quarantine/vault_key.h"

namespace gatehouse {

// The object key, wrapped by the root key (nonce, then box); the nonce of the
// header box; the header of the content stream.
inline constexpr size_t kWrappedKeyBytes = 24 + 16 + 32;
inline constexpr size_t kHeaderNonceBytes = 24;
inline constexpr size_t kStreamHeaderBytes = 24;
inline constexpr size_t kCipherPrologueBytes =
    kWrappedKeyBytes + kHeaderNonceBytes + kStreamHeaderBytes;
using CipherPrologue = std::array<uint8_t, kCipherPrologueBytes>;

// What encryption adds to a header and to a chunk.
inline constexpr size_t kHeaderBoxOverhead = 16;
inline constexpr size_t kChunkOverhead = 17;

enum class PulledChunk : uint8_t { kForged, kMore, kLast };

class ObjectCipher {
 public:
  // With fresh random keys, for Push.
  static ObjectCipher ForSealing(const VaultKey& root);
  // With the keys in `prologue`, for Pull. Errors: kInvalidInput when the root
  // key does not open it.
  static Result<ObjectCipher> ForUnsealing(const VaultKey& root,
                                           const CipherPrologue& prologue);
  ObjectCipher(ObjectCipher&&) noexcept;
  ObjectCipher& operator=(ObjectCipher&&) noexcept;
  ObjectCipher(const ObjectCipher&) = delete;
  ObjectCipher& operator=(const ObjectCipher&) = delete;
  ~ObjectCipher();

  const CipherPrologue& prologue() const;

  // REQUIRES: `box` has kHeaderBoxOverhead bytes more than `header`. Call it
  // once: the nonce is used up.
  void SealHeader(ByteView associated, ByteView header, MutableByteView box);
  // False: forged, or the associated bytes are.
  [[nodiscard]] bool OpenHeader(ByteView associated, ByteView box,
                                MutableByteView header) const;

  // REQUIRES: `chunk` has kChunkOverhead bytes more than `message`, and they do
  // not overlap. Chunks come out in the order they went in, or are forged.
  void Push(ByteView associated, ByteView message, bool is_last,
            MutableByteView chunk);
  [[nodiscard]] PulledChunk Pull(ByteView associated, ByteView chunk,
                                 MutableByteView message);

 private:
  struct State;
  struct WipeState {
    void operator()(State* state) const;
  };
  using StatePointer = std::unique_ptr<State, WipeState>;

  explicit ObjectCipher(StatePointer state);
  static StatePointer NewState();

  StatePointer state_;
};

}  // namespace gatehouse
