#include "quarantine/object_cipher.h"

#include <sodium.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace gatehouse {
namespace {

constexpr size_t kWrapNonceBytes = crypto_secretbox_NONCEBYTES;
constexpr size_t kObjectKeyBytes =
    crypto_secretstream_xchacha20poly1305_KEYBYTES;
constexpr size_t kHeaderNonceAt = kWrappedKeyBytes;
constexpr size_t kStreamHeaderAt = kHeaderNonceAt + kHeaderNonceBytes;

// The sizes of the header file, which does not know the library.
static_assert(kWrappedKeyBytes ==
              kWrapNonceBytes + crypto_secretbox_MACBYTES + kObjectKeyBytes);
static_assert(kVaultKeyBytes == crypto_secretbox_KEYBYTES);
static_assert(kObjectKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kHeaderNonceBytes ==
              crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(kStreamHeaderBytes ==
              crypto_secretstream_xchacha20poly1305_HEADERBYTES);
static_assert(kHeaderBoxOverhead == crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(kChunkOverhead == crypto_secretstream_xchacha20poly1305_ABYTES);

constexpr unsigned char kTagMore =
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
constexpr unsigned char kTagLast =
    crypto_secretstream_xchacha20poly1305_TAG_FINAL;

}  // namespace

struct ObjectCipher::State {
  std::array<uint8_t, kObjectKeyBytes> key = {};
  crypto_secretstream_xchacha20poly1305_state stream = {};
  CipherPrologue prologue = {};

  uint8_t* wrapped_key() { return prologue.data(); }
  uint8_t* header_nonce() { return &prologue.at(kHeaderNonceAt); }
  uint8_t* stream_header() { return &prologue.at(kStreamHeaderAt); }
};

void ObjectCipher::WipeState::operator()(State* state) const {
  sodium_memzero(state, sizeof(*state));
  delete state;  // Came from NewState.
}

ObjectCipher::StatePointer ObjectCipher::NewState() {
  // Owned at once; make_unique knows no deleter.
  return StatePointer(new State());
}

ObjectCipher::ObjectCipher(StatePointer state) : state_(std::move(state)) {}
ObjectCipher::ObjectCipher(ObjectCipher&&) noexcept = default;
ObjectCipher& ObjectCipher::operator=(ObjectCipher&&) noexcept = default;
ObjectCipher::~ObjectCipher() = default;

ObjectCipher ObjectCipher::ForSealing(const VaultKey& root) {
  StatePointer state = NewState();
  crypto_secretstream_xchacha20poly1305_keygen(state->key.data());
  uint8_t* const wrap_nonce = state->wrapped_key();
  randombytes_buf(wrap_nonce, kWrapNonceBytes);
  (void)crypto_secretbox_easy(wrap_nonce + kWrapNonceBytes, state->key.data(),
                              state->key.size(), wrap_nonce,
                              root.UnsafeBytes().data());
  randombytes_buf(state->header_nonce(), kHeaderNonceBytes);
  (void)crypto_secretstream_xchacha20poly1305_init_push(
      &state->stream, state->stream_header(), state->key.data());
  return ObjectCipher(std::move(state));
}

Result<ObjectCipher> ObjectCipher::ForUnsealing(
    const VaultKey& root, const CipherPrologue& prologue) {
  StatePointer state = NewState();
  state->prologue = prologue;
  const uint8_t* const wrap_nonce = state->wrapped_key();
  if (crypto_secretbox_open_easy(state->key.data(),
                                 wrap_nonce + kWrapNonceBytes,
                                 kWrappedKeyBytes - kWrapNonceBytes, wrap_nonce,
                                 root.UnsafeBytes().data()) != 0 ||
      crypto_secretstream_xchacha20poly1305_init_pull(
          &state->stream, state->stream_header(), state->key.data()) != 0) {
    return Fail(ErrorCode::kInvalidInput,
                "sealed object: the vault key does not open it: it is damaged, "
                "or was sealed with another key");
  }
  return ObjectCipher(std::move(state));
}

const CipherPrologue& ObjectCipher::prologue() const {
  return state_->prologue;
}

void ObjectCipher::SealHeader(ByteView associated, ByteView header,
                              MutableByteView box) {
  assert(box.size() == header.size() + kHeaderBoxOverhead);
  assert(header.data() != nullptr);
  (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
      box.data(), nullptr, header.data(), header.size(), associated.data(),
      associated.size(), nullptr, state_->header_nonce(), state_->key.data());
}

bool ObjectCipher::OpenHeader(ByteView associated, ByteView box,
                              MutableByteView header) const {
  assert(box.size() == header.size() + kHeaderBoxOverhead);
  return crypto_aead_xchacha20poly1305_ietf_decrypt(
             header.data(), nullptr, nullptr, box.data(), box.size(),
             associated.data(), associated.size(), state_->header_nonce(),
             state_->key.data()) == 0;
}

void ObjectCipher::Push(ByteView associated, ByteView message, bool is_last,
                        MutableByteView chunk) {
  assert(chunk.size() == message.size() + kChunkOverhead);
  assert(chunk.data() + chunk.size() <= message.data() ||
         message.data() + message.size() <= chunk.data());
  (void)crypto_secretstream_xchacha20poly1305_push(
      &state_->stream, chunk.data(), nullptr, message.data(), message.size(),
      associated.data(), associated.size(), is_last ? kTagLast : kTagMore);
}

PulledChunk ObjectCipher::Pull(ByteView associated, ByteView chunk,
                               MutableByteView message) {
  assert(chunk.size() == message.size() + kChunkOverhead);
  unsigned char tag = 0;
  if (crypto_secretstream_xchacha20poly1305_pull(
          &state_->stream, message.data(), nullptr, &tag, chunk.data(),
          chunk.size(), associated.data(), associated.size()) != 0) {
    return PulledChunk::kForged;
  }
  // Other tags are valid in a stream, and in no object of ours.
  if (tag == kTagLast) return PulledChunk::kLast;
  return tag == kTagMore ? PulledChunk::kMore : PulledChunk::kForged;
}

}  // namespace gatehouse
