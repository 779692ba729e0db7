// For processors without a fast part.
#include <array>

#include "engine/format/html_marks.h"

namespace gatehouse {

std::span<const HtmlMarking> AvailableHtmlMarkings() {
  static constexpr std::array<HtmlMarking, 1> kMarkings = {
      {{"portable", MarkHtmlBlocksAnywhere}}};
  return kMarkings;
}

}  // namespace gatehouse
