// Digests and authentication codes of bytes in memory, by OpenSSL.
//
// Thread-safe functions; a Sha256Stream is used by one thread at a time and
// owns its OpenSSL context.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace gatehouse {

using Md5Digest = std::array<uint8_t, 16>;
using Sha256Digest = std::array<uint8_t, 32>;
using AuthenticationTag = std::array<uint8_t, 16>;
using SecretKey = std::array<uint8_t, 32>;

class Sha256Stream {
 public:
  // Errors: kNotSupported when OpenSSL has no SHA-256.
  static Result<Sha256Stream> Create();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  ~Sha256Stream();

  void Update(ByteView bytes);
  // Length first, so that two fields never run together.
  void UpdateField(ByteView bytes);
  // REQUIRES: not called before.
  Sha256Digest Finish();

 private:
  struct State;
  explicit Sha256Stream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Errors: kNotSupported where MD5 is switched off (FIPS).
Result<Md5Digest> Md5Of(ByteView bytes);

// HMAC-SHA256 (RFC 2104). Errors: kNotSupported.
Result<Sha256Digest> HmacSha256(const SecretKey& key, ByteView bytes);

// Poly1305 (RFC 8439) of `head` and then `body`. The key must never be used
// for another message. Five to ten times as fast as HMAC-SHA256. Errors:
// kNotSupported.
Result<AuthenticationTag> Poly1305(const SecretKey& one_time_key, ByteView head,
                                   ByteView body);

// In a time that does not depend on where they differ.
[[nodiscard]] bool AreEqualTags(const AuthenticationTag& a,
                                const AuthenticationTag& b);

// Errors: kOperational when the system has no random bytes to give.
Result<bool> FillRandom(std::span<uint8_t> bytes);

}  // namespace gatehouse
