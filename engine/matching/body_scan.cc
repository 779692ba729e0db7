#include "engine/matching/body_scan.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

namespace gatehouse {
namespace {

// Seams that are kept, all of them: more are searched in steps, and then less
// is known of the text.
constexpr size_t kSeamBytesMax = size_t{256} << 10;
// Of the budget, what may be spent on whether a text's form has to be made: a
// half, for it may have to be judged.
constexpr uint64_t kLooksShare = 2;

size_t MostTriggers(const SignatureSet& signatures) {
  size_t most = 0;
  for (const ShardRecord& shard : signatures.tables().shards) {
    most = std::max<size_t>(most, shard.trigger_count);
  }
  return most;
}

const ShardRecord& TextShard(const SignatureSet& signatures) {
  const SignatureTables& tables = signatures.tables();
  return tables.shards[tables.targets[kTextBytesIndex]];
}

size_t TextTriggers(const SignatureSet& signatures) {
  return TextShard(signatures).trigger_count;
}

size_t HtmlTriggers(const SignatureSet& signatures) {
  const SignatureTables& tables = signatures.tables();
  const auto target = static_cast<size_t>(Target::kHtml);
  return tables.shards[tables.targets[target]].trigger_count;
}

size_t SeamReach(const SignatureSet& signatures) {
  return std::max<size_t>(TextShard(signatures).literal_bytes_max,
                          kProspectWordBytesMax);
}

bool HasAny(const SignatureSet& signatures, Target target) {
  const SignatureTables& tables = signatures.tables();
  const ShardRecord& shard =
      tables.shards[tables.targets[static_cast<size_t>(target)]];
  return shard.trigger_count + shard.anchor_count + shard.always_count != 0;
}

NormalisedForm FormOf(Target target) {
  if (target == Target::kText) return NormalisedForm::kText;
  return target == Target::kHtml ? NormalisedForm::kHtml
                                 : NormalisedForm::kNone;
}

}  // namespace

BodyScan::BodyScan(const SignatureSet& signatures, TriggerScan triggers)
    : signatures_(signatures),
      triggers_(std::move(triggers)),
      hits_(MostTriggers(signatures)),
      seam_hits_(TextTriggers(signatures)),
      no_tags_hits_(HtmlTriggers(signatures)),
      judge_(signatures),
      has_of_text_(HasAny(signatures, Target::kText)),
      has_of_html_(HasAny(signatures, Target::kHtml)),
      seams_(SeamReach(signatures)),
      magics_(signatures.magics()) {}

Result<std::unique_ptr<BodyScan>> BodyScan::Create(
    const SignatureSet& signatures) {
  Result<TriggerScan> triggers = TriggerScan::Create(signatures);
  if (!triggers) return Unexpected(triggers.error());
  return std::unique_ptr<BodyScan>(
      new BodyScan(signatures, std::move(*triggers)));
}

void BodyScan::Begin(ByteView head, uint64_t file_bytes) {
  EnterStage(notes_, ScanStage::kType);
  hits_.Clear();
  facts_.Clear();
  const ByteView seen =
      IsHtmlTold() ? head : head.first(std::min(head.size(), kTypeHeadBytes));
  type_ = magics_.TypeOf(
      head, DetectFileType(seen, std::max<uint64_t>(head.size(), file_bytes)));
  if (notes_ != nullptr) notes_->SetType(type_);
  target_ = static_cast<Target>(TargetOf(type_));
  form_ = FormOf(target_);
  // The signatures of such a target are written for the views.
  if (form_ != NormalisedForm::kNone) target_ = Target::kAny;
  seams_.Begin();
  seam_bytes_.clear();
  seam_hits_.Clear();
  has_all_seams_ = true;
}

// Where it makes no difference, nobody looks for tags in all of a text.
bool BodyScan::IsHtmlTold() const {
  return has_of_text_ || has_of_html_ ||
         !signatures_.magics().records.empty() || notes_ != nullptr;
}

size_t BodyScan::ShardOf(Target target) const {
  return signatures_.tables().targets[static_cast<size_t>(target)];
}

// Of a text, that also knows what its normalised form may have.
size_t BodyScan::ShardOfBytes() const {
  const std::span<const uint32_t> targets = signatures_.tables().targets;
  if (form_ == NormalisedForm::kText) return targets[kTextBytesIndex];
  if (form_ == NormalisedForm::kHtml) return targets[kHtmlBytesIndex];
  return ShardOf(target_);
}

size_t BodyScan::overlap_bytes() const {
  return triggers_.OverlapOf(ShardOfBytes());
}

bool BodyScan::LookAt(ByteView block, uint64_t offset, size_t seen_bytes) {
  EnterStage(notes_, ScanStage::kTriggers);
  if (DoOwnBytesTell()) {
    seams_.Feed(block.subspan(seen_bytes), seam_bytes_);
    if (seam_bytes_.size() > kSeamBytesMax) {
      has_all_seams_ = false;
      if (!LookAtSeams()) return false;
      // What a trigger may begin in.
      const size_t kept = triggers_.OverlapOf(ShardOfBytes());
      seam_bytes_.erase(seam_bytes_.begin(),
                        seam_bytes_.end() - static_cast<ptrdiff_t>(kept));
    }
  }
  return triggers_.Scan(ShardOfBytes(), block, offset, seen_bytes, hits_);
}

bool BodyScan::LookAtSeams() {
  return seam_bytes_.empty() ||
         triggers_.Scan(ShardOfBytes(), seam_bytes_, 0, 0, seam_hits_);
}

BodyScan::End BodyScan::Judge(Content& content, WorkBudget& budget,
                              MatchedIds& matched) {
  Layer layer{content, target_, content.size()};
  if (IsExecutable(target_)) {
    EnterStage(notes_, ScanStage::kFacts);
    ReadExecutableFacts(type_, content, facts_);
    layer.executable = &facts_;
  }
  EnterStage(notes_, ScanStage::kConfirmation);
  hits_.Finish();
  judge_.Judge(layer, ShardOfBytes(), hits_, budget, matched);
  if (notes_ != nullptr) notes_->EndLayer(layer, std::nullopt, &hits_);
  const End end = form_ == NormalisedForm::kNone
                      ? End::kDone
                      : JudgeViews(layer, budget, matched);
  if (content.error_number() != 0) return End::kReadError;
  return budget.is_exhausted() ? End::kWorkLimit : end;
}

// What was seen in the own bytes of this text tells what its normalised form
// may match.
bool BodyScan::DoOwnBytesTell() const {
  return form_ == NormalisedForm::kText && has_of_text_ && !IsWide() &&
         signatures_.tables().shards[ShardOfBytes()].always_view == 0;
}

// UTF-16, for which also most random bytes are taken: nearly all of their words
// are joined where bytes are dropped, and to search them costs more than to
// make the form.
bool BodyScan::IsWide() const {
  return type_ == FileType::kTextUtf16Le || type_ == FileType::kTextUtf16Be;
}

// Whoever explains wants to see what they would not have been made for.
bool BodyScan::LooksAtAllViews() const {
  return notes_ != nullptr && notes_->looks_at_all_views;
}

bool BodyScan::HasSignaturesOfViews() const {
  return form_ == NormalisedForm::kText ? has_of_text_ : has_of_html_;
}

// The file in one piece; cut short where a read fails.
ByteView BodyScan::Whole(Content& content) {
  if (!content.memory().empty() || content.size() == 0) return content.memory();
  whole_.clear();
  whole_.reserve(content.size());
  while (whole_.size() < content.size()) {
    const ByteView more = content.At(whole_.size(), kContentWindowMax);
    if (more.empty()) break;
    whole_.insert(whole_.end(), more.begin(), more.end());
  }
  return whole_;
}

BodyScan::End BodyScan::JudgeViews(const Layer& layer, WorkBudget& budget,
                                   MatchedIds& matched) {
  Content& content = layer.content;
  if (!HasSignaturesOfViews()) return End::kDone;
  bool is_needed = true;
  if (DoOwnBytesTell()) {
    if (!LookAtSeams()) return End::kReadError;
    seam_hits_.Finish();
    const uint64_t given = budget.left() / kLooksShare;
    WorkBudget looks(given);
    const OwnText text{content, seam_bytes_, has_all_seams_, looks};
    is_needed =
        judge_.FindForView(layer, ShardOfBytes(), hits_, seam_hits_, text);
    (void)budget.Take(given - looks.left());
    if (!is_needed && !LooksAtAllViews()) return End::kDone;
  }
  const size_t bytes_max =
      form_ == NormalisedForm::kText ? kTextFileBytesMax : kHtmlFileBytesMax;
  if (content.size() > bytes_max) {
    if (notes_ != nullptr) notes_->SetViewsAreCut();
    // Else every large file of random bytes would count as not scanned.
    return is_needed && !IsWide() ? End::kWorkLimit : End::kDone;
  }
  EnterStage(notes_, ScanStage::kViews);
  const std::span<const NormalisedView> views =
      views_.Make(Whole(content), form_);
  const bool is_scanned = ScanViews(views);
  for (const NormalisedView& view : views) {
    JudgeView(view, content.size(), budget, matched);
  }
  if (notes_ != nullptr && views_.limit_reached()) notes_->SetViewsAreCut();
  if (whole_.capacity() > kViewBytesKept) whole_ = {};
  if (!is_scanned) return End::kReadError;
  return views_.limit_reached() ? End::kWorkLimit : End::kDone;
}

// Looks for triggers in all views. What a text has of them may be known.
bool BodyScan::ScanViews(std::span<const NormalisedView> views) {
  if (DoOwnBytesTell() && !LooksAtAllViews()) return true;
  EnterStage(notes_, ScanStage::kTriggers);
  hits_.Clear();
  no_tags_hits_.Clear();
  if (views.empty()) return true;
  const auto target = static_cast<Target>(TargetOfView(views.front().kind));
  const size_t shard = ShardOf(target);
  if (views.size() == 1) {
    return triggers_.Scan(shard, views.front().bytes, 0, 0, hits_);
  }
  assert(views.back().kind == ViewKind::kHtmlNoTags);
  return triggers_.ScanHtml(
      shard, {views.front().bytes, views.back().bytes, views_.text_runs()},
      hits_, no_tags_hits_);
}

void BodyScan::JudgeView(const NormalisedView& view, uint64_t file_bytes,
                         WorkBudget& budget, MatchedIds& matched) {
  EnterStage(notes_, ScanStage::kConfirmation);
  const auto target = static_cast<Target>(TargetOfView(view.kind));
  Content content(view.bytes);
  const bool is_text = view.kind == ViewKind::kText;
  const Layer layer{content, target, is_text ? file_bytes : view.bytes.size()};
  if (DoOwnBytesTell() && !LooksAtAllViews()) {
    judge_.JudgeFound(layer, budget, matched);
    if (notes_ != nullptr) notes_->EndLayer(layer, view.kind, nullptr);
    return;
  }
  TriggerHits& hits =
      view.kind == ViewKind::kHtmlNoTags ? no_tags_hits_ : hits_;
  hits.Finish();
  judge_.Judge(layer, ShardOf(target), hits, budget, matched);
  if (notes_ != nullptr) notes_->EndLayer(layer, view.kind, &hits);
}

}  // namespace gatehouse
