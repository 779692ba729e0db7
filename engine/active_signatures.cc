#include "engine/active_signatures.h"

#include <cassert>
#include <utility>

namespace gatehouse {

ActiveSignatures::ActiveSignatures(std::shared_ptr<const SignatureSet> set)
    : set_(std::move(set)), generation_(set_->generation()) {}

std::shared_ptr<const SignatureSet> ActiveSignatures::Get() const {
  const MutexLock lock(mutex_);
  return set_;
}

void ActiveSignatures::Set(std::shared_ptr<const SignatureSet> set) {
  assert(set != nullptr);
  const uint64_t generation = set->generation();
  {
    const MutexLock lock(mutex_);
    set_.swap(set);
    generation_.store(generation);
  }
  // The last one of the old set may go here, without the lock.
}

RenewedScanner::RenewedScanner(const ActiveSignatures& signatures,
                               uint64_t generation,
                               std::unique_ptr<Scanner> scanner)
    : signatures_(&signatures),
      generation_(generation),
      scanner_(std::move(scanner)) {}

Result<RenewedScanner> RenewedScanner::Create(
    const ActiveSignatures& signatures) {
  const std::shared_ptr<const SignatureSet> set = signatures.Get();
  Result<std::unique_ptr<Scanner>> scanner = Scanner::Create(set);
  if (!scanner) return Unexpected(scanner.error());
  return RenewedScanner(signatures, set->generation(), std::move(*scanner));
}

Verdict RenewedScanner::Scan(int fd, const ScanLimits& limits) {
  if (generation_ != signatures_->generation()) {
    Result<RenewedScanner> renewed = Create(*signatures_);
    if (renewed) *this = std::move(*renewed);
  }
  return scanner_->Scan(fd, limits);
}

}  // namespace gatehouse
