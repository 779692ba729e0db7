#include "engine/range_digest.h"

#include <algorithm>

#include "base/bytes.h"

namespace gatehouse {
namespace {

constexpr uint64_t kLimitBytes = uint64_t{1} << 20;
static_assert(kLimitBytes % kContentWindowMax == 0);

}  // namespace

NotScannedReason DigestRange(Content& content, const ContentRange& range,
                             const ScanLimits& limits, FileDigests& digests) {
  uint64_t done = 0;
  while (done < range.bytes) {
    if (done != 0 && done % kLimitBytes == 0) {
      const NotScannedReason limit = ReachedLimit(limits);
      if (limit != NotScannedReason::kNone) return limit;
    }
    const size_t wanted =
        std::min<uint64_t>(range.bytes - done, kContentWindowMax);
    const ByteView part = content.At(range.offset + done, wanted);
    if (part.size() < wanted) return NotScannedReason::kChangedWhileScanning;
    digests.Update(part);
    done += wanted;
  }
  return NotScannedReason::kNone;
}

void AddNamesOfDigests(const HashStore& store, uint64_t size,
                       FileDigests& digests,
                       std::vector<std::string_view>& names) {
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    if (!digests.started().at(i)) continue;
    const auto algorithm = static_cast<DigestAlgorithm>(i);
    const Digest digest = digests.Finish(algorithm);
    for (const std::string_view name :
         store.Find(algorithm, digest.view(), size)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
      }
    }
  }
}

}  // namespace gatehouse
