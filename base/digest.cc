#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sys/random.h>

#include <cerrno>
#include <initializer_list>
#include <string>
#include <utility>

namespace gatehouse {
namespace {

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeMac {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

Unexpected NotSupported(const std::string& what) {
  return Fail(ErrorCode::kNotSupported, "OpenSSL refuses " + what);
}

// `digest` is the one that HMAC uses; null for others.
template <size_t kTagBytes>
Result<std::array<uint8_t, kTagBytes>> MacOf(
    const char* name, const char* digest, const SecretKey& key,
    std::initializer_list<ByteView> parts) {
  const std::unique_ptr<EVP_MAC, FreeMac> mac(
      EVP_MAC_fetch(nullptr, name, nullptr));
  if (mac == nullptr) return NotSupported(name);
  const std::unique_ptr<EVP_MAC_CTX, FreeMac> context(
      EVP_MAC_CTX_new(mac.get()));
  std::string digest_name = digest == nullptr ? "" : digest;
  const std::array<OSSL_PARAM, 2> parameters = {
      digest == nullptr ? OSSL_PARAM_construct_end()
                        : OSSL_PARAM_construct_utf8_string(
                              OSSL_MAC_PARAM_DIGEST, digest_name.data(), 0),
      OSSL_PARAM_construct_end()};
  if (context == nullptr || EVP_MAC_init(context.get(), key.data(), key.size(),
                                         parameters.data()) != 1) {
    return NotSupported(name);
  }
  for (const ByteView part : parts) {
    if (EVP_MAC_update(context.get(), part.data(), part.size()) != 1) {
      return NotSupported(name);
    }
  }
  std::array<uint8_t, kTagBytes> tag = {};
  size_t length = 0;
  if (EVP_MAC_final(context.get(), tag.data(), &length, tag.size()) != 1 ||
      length != tag.size()) {
    return NotSupported(name);
  }
  return tag;
}

}  // namespace

struct Sha256Stream::State {
  std::unique_ptr<EVP_MD_CTX, FreeDigest> context;
};

Sha256Stream::Sha256Stream(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
Sha256Stream::~Sha256Stream() = default;

Result<Sha256Stream> Sha256Stream::Create() {
  auto state = std::make_unique<State>();
  state->context.reset(EVP_MD_CTX_new());
  if (state->context == nullptr ||
      EVP_DigestInit_ex(state->context.get(), EVP_sha256(), nullptr) != 1) {
    return NotSupported("SHA-256");
  }
  return Sha256Stream(std::move(state));
}

void Sha256Stream::Update(ByteView bytes) {
  // Fails only for a context that was not started.
  (void)EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

void Sha256Stream::UpdateField(ByteView bytes) {
  std::array<uint8_t, sizeof(uint64_t)> length = {};
  uint64_t rest = bytes.size();
  for (uint8_t& byte : length) {
    byte = static_cast<uint8_t>(rest);
    rest >>= 8U;
  }
  Update(length);
  Update(bytes);
}

Sha256Digest Sha256Stream::Finish() {
  Sha256Digest digest = {};
  (void)EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr);
  return digest;
}

Result<Md5Digest> Md5Of(ByteView bytes) {
  Md5Digest digest = {};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_md5(),
                 nullptr) != 1) {
    return NotSupported("MD5");
  }
  return digest;
}

Result<Sha256Digest> HmacSha256(const SecretKey& key, ByteView bytes) {
  return MacOf<sizeof(Sha256Digest)>("HMAC", "SHA256", key, {bytes});
}

Result<AuthenticationTag> Poly1305(const SecretKey& one_time_key, ByteView head,
                                   ByteView body) {
  return MacOf<sizeof(AuthenticationTag)>("POLY1305", nullptr, one_time_key,
                                          {head, body});
}

bool AreEqualTags(const AuthenticationTag& a, const AuthenticationTag& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<bool> FillRandom(std::span<uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::getrandom(bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FailSystem("get random bytes", errno);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace gatehouse
