#include "engine/matching/body_scan.h"

#include <algorithm>
#include <utility>

#include "engine/format/normalised_text.h"

namespace gatehouse {
namespace {

size_t MostTriggers(const SignatureSet& signatures) {
  size_t most = 0;
  for (const ShardRecord& shard : signatures.tables().shards) {
    most = std::max<size_t>(most, shard.trigger_count);
  }
  return most;
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
      judge_(signatures),
      magics_(signatures.magics()) {}

Result<std::unique_ptr<BodyScan>> BodyScan::Create(
    const SignatureSet& signatures) {
  Result<TriggerScan> triggers = TriggerScan::Create(signatures);
  if (!triggers) return Unexpected(triggers.error());
  return std::unique_ptr<BodyScan>(
      new BodyScan(signatures, std::move(*triggers)));
}

void BodyScan::Begin(ByteView head, uint64_t file_bytes) {
  hits_.Clear();
  facts_.Clear();
  type_ = magics_.TypeOf(
      head, DetectFileType(head, std::max<uint64_t>(head.size(), file_bytes)));
  target_ = static_cast<Target>(TargetOf(type_));
  form_ = FormOf(target_);
  // The signatures of such a target are written for the views.
  if (form_ != NormalisedForm::kNone) target_ = Target::kAny;
  has_dropped_byte_ = false;
}

size_t BodyScan::ShardOf(Target target) const {
  return signatures_.tables().targets[static_cast<size_t>(target)];
}

// Of a text, that also knows what its normalised form may have.
size_t BodyScan::ShardOfBytes() const {
  if (form_ != NormalisedForm::kText) return ShardOf(target_);
  return signatures_.tables().targets[kTextBytesIndex];
}

size_t BodyScan::overlap_bytes() const {
  return triggers_.OverlapOf(ShardOfBytes());
}

bool BodyScan::LookAt(ByteView block, uint64_t offset, size_t seen_bytes) {
  // Where bytes are dropped, what stands in the form need not stand in the
  // text.
  if (form_ == NormalisedForm::kText && !has_dropped_byte_) {
    has_dropped_byte_ = HasDroppedByte(block.subspan(seen_bytes));
  }
  return triggers_.Scan(ShardOfBytes(), block, offset, seen_bytes, hits_);
}

BodyScan::End BodyScan::Judge(Content& content, WorkBudget& budget,
                              MatchedIds& matched) {
  Layer layer{content, target_, content.size()};
  if (IsExecutable(target_)) {
    ReadExecutableFacts(type_, content, facts_);
    layer.executable = &facts_;
  }
  hits_.Finish();
  judge_.Judge(layer, ShardOfBytes(), hits_, budget, matched);
  End end = End::kDone;
  const bool may_match_view =
      form_ != NormalisedForm::kNone &&
      (!IsViewPlain() || judge_.FindForView(ShardOfBytes(), hits_));
  if (may_match_view) end = JudgeViews(content, budget, matched);
  if (content.error_number() != 0) return End::kReadError;
  return budget.is_exhausted() ? End::kWorkLimit : end;
}

// What was seen in the own bytes of this text tells what its normalised form
// may match.
bool BodyScan::IsViewPlain() const {
  const size_t shard = ShardOfBytes();
  return form_ == NormalisedForm::kText && !has_dropped_byte_ &&
         signatures_.tables().shards[shard].always_view == 0;
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

BodyScan::End BodyScan::JudgeViews(Content& content, WorkBudget& budget,
                                   MatchedIds& matched) {
  const size_t bytes_max =
      form_ == NormalisedForm::kText ? kTextFileBytesMax : kHtmlFileBytesMax;
  if (content.size() > bytes_max) return End::kDone;  // As the formats mean it.
  bool is_scanned = true;
  for (const NormalisedView& view : views_.Make(Whole(content), form_)) {
    is_scanned = JudgeView(view, content.size(), budget, matched) && is_scanned;
  }
  if (whole_.capacity() > kViewBytesKept) whole_ = {};
  return is_scanned ? End::kDone : End::kReadError;
}

bool BodyScan::JudgeView(const NormalisedView& view, uint64_t file_bytes,
                         WorkBudget& budget, MatchedIds& matched) {
  const auto target = static_cast<Target>(TargetOfView(view.kind));
  Content content(view.bytes);
  const bool is_text = view.kind == ViewKind::kText;
  const Layer layer{content, target, is_text ? file_bytes : view.bytes.size()};
  if (IsViewPlain()) {
    judge_.JudgeFound(layer, budget, matched);
    return true;
  }
  hits_.Clear();
  if (!triggers_.Scan(ShardOf(target), view.bytes, 0, 0, hits_)) return false;
  hits_.Finish();
  judge_.Judge(layer, ShardOf(target), hits_, budget, matched);
  return true;
}

}  // namespace gatehouse
