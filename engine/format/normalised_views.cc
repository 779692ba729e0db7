#include "engine/format/normalised_views.h"

#include <cassert>

#include "engine/format/normalised_text.h"

namespace gatehouse {

uint32_t TargetOfView(ViewKind kind) {
  constexpr uint32_t kTargetHtml = 3;
  constexpr uint32_t kTargetText = 7;
  switch (kind) {
    case ViewKind::kText:
      return kTargetText;
    case ViewKind::kHtmlNoComments:
    case ViewKind::kHtmlNoTags:
      return kTargetHtml;
  }
  return kTargetText;
}

std::span<const NormalisedView> NormalisedViews::Make(ByteView file,
                                                      NormalisedForm form) {
  for (std::vector<uint8_t>& buffer : buffers_) {
    // One large file does not keep its memory for all that follow.
    if (buffer.capacity() > kViewBytesKept) buffer = {};
    buffer.clear();
  }
  if (text_runs_.capacity() * sizeof(HtmlTextRun) > kViewBytesKept) {
    text_runs_ = {};
  }
  text_runs_.clear();
  view_count_ = 0;
  limit_reached_ = false;
  switch (form) {
    case NormalisedForm::kNone:
      break;
    case NormalisedForm::kText:
      MakeText(file);
      break;
    case NormalisedForm::kHtml:
      MakeHtml(file);
      break;
  }
  return std::span(views_).first(view_count_);
}

void NormalisedViews::MakeText(ByteView file) {
  if (file.size() > kTextFileBytesMax) {
    limit_reached_ = true;
    return;
  }
  buffers_[0].reserve(file.size());
  limit_reached_ = NormaliseText(file, kTextFileBytesMax, buffers_[0]);
  assert(!limit_reached_);
  Add(ViewKind::kText, buffers_[0]);
}

void NormalisedViews::MakeHtml(ByteView file) {
  if (file.size() > kHtmlFileBytesMax) {
    limit_reached_ = true;
    return;
  }
  HtmlNormaliser normaliser(buffers_[0], buffers_[1], &text_runs_);
  normaliser.Feed(file);
  normaliser.Finish();
  Add(ViewKind::kHtmlNoComments, buffers_[0]);
  limit_reached_ = normaliser.limit_reached();
  if (file.size() > kHtmlNoTagsFileBytesMax) {
    limit_reached_ = true;
    return;
  }
  Add(ViewKind::kHtmlNoTags, buffers_[1]);
}

void NormalisedViews::Add(ViewKind kind, const std::vector<uint8_t>& bytes) {
  assert(view_count_ < views_.size());
  views_.at(view_count_++) = {kind, bytes};
}

}  // namespace gatehouse
