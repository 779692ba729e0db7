// ScanNotes: what a scan did and what that cost, for whoever asks why
// (Explainer). A scan without notes asks a null pointer, per stage and per
// signature whose trigger was seen, and never per byte.
//
// One thread. Borrowed by a Scanner, which must not outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "engine/format/file_type.h"
#include "engine/format/normalised_views.h"
#include "engine/matching/layer.h"
#include "engine/matching/trigger_hits.h"

namespace gatehouse {

// What a scan spends its time with.
enum class ScanStage : uint8_t {
  kReading,
  kType,
  kTriggers,
  kFacts,  // Of executables.
  kViews,  // Normalised forms are made.
  kConfirmation,
  kHashes,
  kAllowLists,
};
inline constexpr size_t kScanStageCount = 8;

// A signature that a trigger, a place or nothing at all asked to look at.
struct NotedCandidate {
  uint32_t signature = 0;
  bool passes_gates = false;
  bool was_seen =
      false;  // All that it needs was seen, as far as triggers tell.
  bool matches = false;
};

// Valid only in on_layer.
struct NotedLayer {
  const Layer& layer;
  std::optional<ViewKind> view;  // Empty: the bytes of the file.
  size_t triggers = 0;           // Different ones that were seen.
  size_t crowded_triggers = 0;   // Of which not all places are known.
  const std::vector<NotedCandidate>& candidates;
};

class ScanNotes {
 public:
  // Called after each layer has been judged, while it is there. May be empty.
  std::function<void(const NotedLayer&)> on_layer;
  // A view is looked through itself, though the bytes of its file may tell what
  // it holds: else nobody knows what was nearly found there.
  bool looks_at_all_views = false;

  // From now on, the time is this stage's.
  void Enter(ScanStage stage);
  // The scan is over.
  void Leave();

  void AddCandidate(const NotedCandidate& candidate) {
    candidates_.push_back(candidate);
  }
  void AddAtomTried() { ++atoms_tried_; }
  void SetType(FileType type) { type_ = type; }
  // A view is missing or cut because of a limit.
  void SetViewsAreCut() { views_are_cut_ = true; }
  // Null: the triggers were those of another layer.
  void EndLayer(const Layer& layer, std::optional<ViewKind> view,
                const TriggerHits* hits);

  // CPU time of this thread, in nanoseconds.
  [[nodiscard]] uint64_t TimeOf(ScanStage stage) const {
    return times_ns_.at(static_cast<size_t>(stage));
  }
  [[nodiscard]] uint64_t triggers() const { return triggers_; }
  [[nodiscard]] uint64_t candidates() const { return candidates_of_all_; }
  // Searches for an atom of a signature.
  [[nodiscard]] uint64_t atoms_tried() const { return atoms_tried_; }
  [[nodiscard]] FileType type() const { return type_; }
  [[nodiscard]] bool views_are_cut() const { return views_are_cut_; }

 private:
  std::array<uint64_t, kScanStageCount> times_ns_ = {};
  std::optional<ScanStage> stage_;
  uint64_t entered_ns_ = 0;
  uint64_t triggers_ = 0;
  uint64_t candidates_of_all_ = 0;
  uint64_t atoms_tried_ = 0;
  FileType type_ = FileType::kBinary;
  bool views_are_cut_ = false;
  std::vector<NotedCandidate> candidates_;  // Of this layer.
};

inline void EnterStage(ScanNotes* notes, ScanStage stage) {
  if (notes != nullptr) notes->Enter(stage);
}

}  // namespace gatehouse
