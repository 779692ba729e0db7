#include "engine/file_digest.h"

#include <openssl/evp.h>

#include <cassert>
#include <cstdlib>
#include <string>
#include <utility>

namespace gatehouse {
namespace {

struct FreeAlgorithm {
  void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
};
struct FreeDigester {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

constexpr std::array<const char*, kDigestAlgorithmCount> kNames = {
    "MD5", "SHA1", "SHA256"};

// On a context that has worked once these calls fail only when memory runs
// out. A wrong digest would be a missed threat, so that ends the process, as
// std::bad_alloc does.
void MustSucceed(int openssl_result) {
  if (openssl_result != 1) std::abort();
}

}  // namespace

struct FileDigests::State {
  struct Slot {
    std::unique_ptr<EVP_MD, FreeAlgorithm> algorithm;
    std::unique_ptr<EVP_MD_CTX, FreeDigester> context;
  };
  std::array<Slot, kDigestAlgorithmCount> slots;
};

FileDigests::FileDigests(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
FileDigests::FileDigests(FileDigests&&) noexcept = default;
FileDigests& FileDigests::operator=(FileDigests&&) noexcept = default;
FileDigests::~FileDigests() = default;

Result<FileDigests> FileDigests::Create(const DigestNeeds& wanted) {
  auto state = std::make_unique<State>();
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    if (!wanted.at(i)) continue;
    State::Slot& slot = state->slots.at(i);
    slot.algorithm.reset(EVP_MD_fetch(nullptr, kNames.at(i), nullptr));
    slot.context.reset(EVP_MD_CTX_new());
    // Proves that the algorithm can be used at all.
    if (!slot.algorithm || !slot.context ||
        EVP_DigestInit_ex2(slot.context.get(), slot.algorithm.get(), nullptr) !=
            1) {
      return Fail(
          ErrorCode::kNotSupported,
          std::string("OpenSSL does not offer the digest ") + kNames.at(i));
    }
  }
  return FileDigests(std::move(state));
}

void FileDigests::Start(const DigestNeeds& needs) {
  started_ = needs;
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    if (!needs.at(i)) continue;
    State::Slot& slot = state_->slots.at(i);
    assert(slot.context != nullptr);
    MustSucceed(
        EVP_DigestInit_ex2(slot.context.get(), slot.algorithm.get(), nullptr));
  }
}

void FileDigests::Update(ByteView bytes) {
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    if (!started_.at(i)) continue;
    MustSucceed(EVP_DigestUpdate(state_->slots.at(i).context.get(),
                                 bytes.data(), bytes.size()));
  }
}

Digest FileDigests::Finish(DigestAlgorithm algorithm) {
  const size_t index = static_cast<size_t>(algorithm);
  assert(started_.at(index));
  started_.at(index) = false;
  Digest digest;
  unsigned length = 0;
  MustSucceed(EVP_DigestFinal_ex(state_->slots.at(index).context.get(),
                                 digest.bytes.data(), &length));
  digest.length = length;
  assert(digest.length == DigestBytes(algorithm));
  return digest;
}

}  // namespace gatehouse
