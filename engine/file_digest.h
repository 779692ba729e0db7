// FileDigests: the digests of one file at a time, fed block by block.
//
// One thread at a time. Owns its OpenSSL contexts, which are fetched once. We
// allocate nothing per file; OpenSSL 3.0 itself allocates its state of some
// hundred bytes anew with each Start.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "signatures/signature_set.h"

namespace gatehouse {

struct Digest {
  std::array<uint8_t, kDigestBytesMax> bytes = {};
  size_t length = 0;

  ByteView view() const { return ByteView(bytes).first(length); }
};

class FileDigests {
 public:
  // Prepares the algorithms in `wanted`; later calls may use only those.
  // Errors: kNotSupported when OpenSSL refuses one (MD5 in FIPS mode).
  static Result<FileDigests> Create(const DigestNeeds& wanted);
  FileDigests(FileDigests&&) noexcept;
  FileDigests& operator=(FileDigests&&) noexcept;
  FileDigests(const FileDigests&) = delete;
  FileDigests& operator=(const FileDigests&) = delete;
  ~FileDigests();

  // Begins a new file; what was fed before is forgotten.
  void Start(const DigestNeeds& needs);
  void Update(ByteView bytes);
  // REQUIRES: `algorithm` was started. Ends that digest.
  Digest Finish(DigestAlgorithm algorithm);

  // What Start was last called with.
  const DigestNeeds& started() const { return started_; }

 private:
  struct State;
  explicit FileDigests(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
  DigestNeeds started_ = {};
};

}  // namespace gatehouse
