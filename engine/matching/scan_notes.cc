#include "engine/matching/scan_notes.h"

#include <time.h>

#include <algorithm>
#include <span>

namespace gatehouse {
namespace {

uint64_t CpuNanoseconds() {
  struct timespec now = {};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

void ScanNotes::Enter(ScanStage stage) {
  const uint64_t now_ns = CpuNanoseconds();
  if (stage_)
    times_ns_.at(static_cast<size_t>(*stage_)) += now_ns - entered_ns_;
  stage_ = stage;
  entered_ns_ = now_ns;
}

void ScanNotes::Leave() {
  if (stage_) Enter(*stage_);
  stage_.reset();
}

// What is done for the notes is no part of a scan.
void ScanNotes::EndLayer(const Layer& layer, std::optional<ViewKind> view,
                         const TriggerHits* hits) {
  const std::optional<ScanStage> stage = stage_;
  Leave();
  const auto seen =
      hits == nullptr ? std::span<const TriggerHits::Hit>() : hits->hits();
  const auto crowded = std::count_if(
      seen.begin(), seen.end(),
      [](const TriggerHits::Hit& hit) { return !hit.knows_all_places; });
  triggers_ += seen.size();
  candidates_of_all_ += candidates_.size();
  if (on_layer) {
    on_layer(
        {layer, view, seen.size(), static_cast<size_t>(crowded), candidates_});
  }
  candidates_.clear();
  if (stage) Enter(*stage);
}

}  // namespace gatehouse
