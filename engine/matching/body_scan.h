// BodyScan: finds the body signatures that match one file.
//
// Sees the file block by block as it is read, looks for triggers, and confirms
// at the end. A text or an HTML file is judged in its normalised views, too,
// each a layer of its own.
//
// One thread at a time. Borrows the SignatureSet, which must outlive it; keeps
// its memory from file to file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/format/content.h"
#include "engine/format/executable_facts.h"
#include "engine/format/file_type.h"
#include "engine/format/normalised_views.h"
#include "engine/format/text_seams.h"
#include "engine/matching/scan_notes.h"
#include "engine/matching/signature_judge.h"
#include "engine/matching/trigger_hits.h"
#include "engine/matching/trigger_scan.h"
#include "engine/matching/type_magics.h"
#include "engine/matching/work_budget.h"
#include "signatures/matched_ids.h"
#include "signatures/signature_set.h"

namespace gatehouse {

class BodyScan {
 public:
  // Errors: kOperational when there is no memory.
  static Result<std::unique_ptr<BodyScan>> Create(
      const SignatureSet& signatures);

  // Notes what is done from now on; null: nothing.
  void Observe(ScanNotes* notes) {
    notes_ = notes;
    judge_.Observe(notes);
  }

  // Forgets the file before. `head` is the first block of the next one, of
  // which `file_bytes` are expected.
  void Begin(ByteView head, uint64_t file_bytes);

  // How much of the block before must stand in front of the next one.
  [[nodiscard]] size_t overlap_bytes() const;

  // `block` stands at `offset`; its first `seen_bytes` were shown before. False
  // if the file could not be scanned.
  bool LookAt(ByteView block, uint64_t offset, size_t seen_bytes);

  enum class End : uint8_t {
    kDone,
    // The budget is used up, or a normalised view in which something may match
    // would be too large: not all matches are known.
    kWorkLimit,
    kReadError,  // Content::error_number.
  };
  // Adds what matches the file, of which everything was shown.
  End Judge(Content& content, WorkBudget& budget, MatchedIds& matched);

  // HTML may count as text where no signature is about either.
  [[nodiscard]] FileType type() const { return type_; }
  [[nodiscard]] const ExecutableFacts& executable() const { return facts_; }

 private:
  BodyScan(const SignatureSet& signatures, TriggerScan triggers);

  bool IsHtmlTold() const;
  size_t ShardOf(Target target) const;
  size_t ShardOfBytes() const;
  bool LookAtSeams();
  bool DoOwnBytesTell() const;
  bool IsWide() const;
  bool LooksAtAllViews() const;
  bool HasSignaturesOfViews() const;
  End JudgeViews(const Layer& layer, WorkBudget& budget, MatchedIds& matched);
  bool ScanViews(std::span<const NormalisedView> views);
  void JudgeView(const NormalisedView& view, uint64_t file_bytes,
                 WorkBudget& budget, MatchedIds& matched);
  ByteView Whole(Content& content);

  const SignatureSet& signatures_;
  ScanNotes* notes_ = nullptr;
  TriggerScan triggers_;
  TriggerHits hits_;
  TriggerHits seam_hits_;
  TriggerHits no_tags_hits_;
  SignatureJudge judge_;
  const bool has_of_text_;  // Signatures of the normalised form of texts.
  const bool has_of_html_;
  TextSeams seams_;
  std::vector<uint8_t> seam_bytes_;
  bool has_all_seams_ = true;  // In seam_bytes_.
  TypeMagics magics_;
  ExecutableFacts facts_;
  NormalisedViews views_;
  std::vector<uint8_t> whole_;  // A text that is not in memory.
  FileType type_ = FileType::kBinary;
  Target target_ = Target::kAny;  // Of the file's own bytes.
  NormalisedForm form_ = NormalisedForm::kNone;
};

}  // namespace gatehouse
