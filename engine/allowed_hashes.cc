#include "engine/allowed_hashes.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/range_digest.h"

namespace gatehouse {

AllowedHashes::AllowedHashes(const SignatureSet& signatures,
                             FileDigests digests)
    : signatures_(&signatures), digests_(std::move(digests)) {}

Result<AllowedHashes> AllowedHashes::Create(const SignatureSet& signatures) {
  Result<FileDigests> digests =
      FileDigests::Create(signatures.allowed_hashes().algorithms());
  if (!digests) return Unexpected(digests.error());
  return AllowedHashes(signatures, std::move(*digests));
}

Allowance AllowedHashes::Find(Content& content, const ScanLimits& limits) {
  const HashStore& store = signatures_->allowed_hashes();
  const uint64_t size = content.size();
  const DigestNeeds needs = store.NeedsFor(size);
  if (std::find(needs.begin(), needs.end(), true) == needs.end()) return {};
  digests_.Start(needs);
  const NotScannedReason ended =
      DigestRange(content, {0, size}, limits, digests_);
  if (ended != NotScannedReason::kNone) return {{}, ended};
  std::vector<std::string_view> names;
  AddNamesOfDigests(store, size, digests_, names);
  if (names.empty()) return {};
  return {std::string(*std::min_element(names.begin(), names.end())),
          NotScannedReason::kNone};
}

}  // namespace gatehouse
