// NormalisedViews: the forms of a file, beside its own bytes, that signatures
// for texts (target 7) and HTML (target 3) are matched against.
//
//   form    views, in this order              targets
//   kText   kText                             0 and 7
//   kHtml   kHtmlNoComments, kHtmlNoTags      0 and 3
//
// Each view is matched on its own: an offset, the end of the file and a logical
// expression all refer to one view. FileSize of a logical signature means the
// view for kHtml, and the file for kText. The peer matches the own bytes of a
// text with target 0, and those of HTML not at all: docs/normalised-views.md.
//
// Thread-compatible; keeps its memory from file to file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "engine/format/normalised_html.h"

namespace gatehouse {

// Sizes of files. Longer ones have no view, respectively none without tags.
inline constexpr size_t kTextFileBytesMax = size_t{20} << 20;
inline constexpr size_t kHtmlFileBytesMax = size_t{40} << 20;
inline constexpr size_t kHtmlNoTagsFileBytesMax = size_t{8} << 20;

// Memory that is kept from one file to the next, for each kind of view.
inline constexpr size_t kViewBytesKept = size_t{4} << 20;

enum class NormalisedForm : uint8_t { kNone, kText, kHtml };
enum class ViewKind : uint8_t { kText, kHtmlNoComments, kHtmlNoTags };

// The target, beside 0, whose signatures are matched against the view.
[[nodiscard]] uint32_t TargetOfView(ViewKind kind);

struct NormalisedView {
  ViewKind kind = ViewKind::kText;
  ByteView bytes;
};

class NormalisedViews {
 public:
  // The views of `file`, which replace those of the file before and are there
  // until the next call. They are made of the whole file.
  std::span<const NormalisedView> Make(ByteView file, NormalisedForm form);

  // What the two views of the last file have in common, if it is HTML.
  [[nodiscard]] std::span<const HtmlTextRun> text_runs() const {
    return text_runs_;
  }

  // A view of the last file is missing or cut because of a limit.
  [[nodiscard]] bool limit_reached() const { return limit_reached_; }

 private:
  void MakeText(ByteView file);
  void MakeHtml(ByteView file);
  void Add(ViewKind kind, const std::vector<uint8_t>& bytes);

  std::array<std::vector<uint8_t>, 2> buffers_;
  std::vector<HtmlTextRun> text_runs_;
  std::array<NormalisedView, 2> views_;
  size_t view_count_ = 0;
  bool limit_reached_ = false;
};

}  // namespace gatehouse
