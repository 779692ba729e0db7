// ActiveSignatures: the set that is used from now on, and scanners that keep up
// with it.
//
// Thread-safe; a RenewedScanner is for one thread at a time. Owns the set.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/mutex.h"
#include "base/result.h"
#include "engine/scan_limits.h"
#include "engine/scanner.h"
#include "engine/verdict.h"
#include "signatures/signature_set.h"

namespace gatehouse {

class ActiveSignatures {
 public:
  // REQUIRES: `set` is not null, here and below.
  explicit ActiveSignatures(std::shared_ptr<const SignatureSet> set);

  [[nodiscard]] std::shared_ptr<const SignatureSet> Get() const;
  void Set(std::shared_ptr<const SignatureSet> set);
  // Of the set: asked before each scan.
  [[nodiscard]] uint64_t generation() const { return generation_.load(); }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const SignatureSet> set_ GATEHOUSE_GUARDED_BY(mutex_);
  std::atomic<uint64_t> generation_;
};

// A Scanner that is made anew when the set has changed: some milliseconds then.
// For whoever is not waited for.
class RenewedScanner {
 public:
  // `signatures` must outlive it. Errors: those of Scanner::Create.
  static Result<RenewedScanner> Create(const ActiveSignatures& signatures);

  // As Scanner::Scan. When no new scanner is to be had, with the old one: the
  // generation of the verdict tells.
  Verdict Scan(int fd, const ScanLimits& limits);

 private:
  RenewedScanner(const ActiveSignatures& signatures, uint64_t generation,
                 std::unique_ptr<Scanner> scanner);

  const ActiveSignatures* signatures_;  // Never null.
  uint64_t generation_;
  std::unique_ptr<Scanner> scanner_;
};

}  // namespace gatehouse
