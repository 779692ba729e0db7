// AllowedHashes: whether a file in which something was found is one that a
// database knows not to be malicious (.fp and .sfp).
//
// One thread at a time. Borrows the SignatureSet, which must outlive it. Owns
// its digests.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "engine/file_digest.h"
#include "engine/format/content.h"
#include "engine/scan_limits.h"
#include "engine/verdict.h"
#include "signatures/signature_set.h"

namespace gatehouse {

struct Allowance {
  std::string by;  // The hash's name; empty: the file is not allowed.
  // Why that is not known: a limit, or kChangedWhileScanning.
  NotScannedReason unfinished = NotScannedReason::kNone;
};

class AllowedHashes {
 public:
  // Errors: those of FileDigests::Create.
  static Result<AllowedHashes> Create(const SignatureSet& signatures);

  // Whether a hash, of several that with the smallest name, allows the whole of
  // `content`. What cannot be read to its end is not allowed.
  //
  // Asked only after a hit, it reads the file once more, and only if there is a
  // hash of its size or of any. Whoever can change the file in between gains
  // nothing: he could as well have shown the first reading something harmless.
  Allowance Find(Content& content, const ScanLimits& limits);

 private:
  AllowedHashes(const SignatureSet& signatures, FileDigests digests);

  const SignatureSet* signatures_;  // Never null.
  FileDigests digests_;
};

}  // namespace gatehouse
