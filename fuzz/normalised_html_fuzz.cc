// Fuzzes the normaliser of HTML. The first byte chooses where the file is cut
// into blocks, the rest is the file.
//
// Asserts that cuts and NUL do not matter, that the views stay below their
// bound, and that no upper case is left in text without references.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "engine/format/normalised_html.h"

namespace {

using gatehouse::ByteView;

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

struct Views {
  std::vector<uint8_t> no_comments;
  std::vector<uint8_t> no_tags;
  bool operator==(const Views&) const = default;
};

Views Normalise(ByteView html, size_t block_bytes) {
  Views views;
  gatehouse::HtmlNormaliser normaliser(views.no_comments, views.no_tags);
  for (; html.size() > block_bytes; html = html.subspan(block_bytes)) {
    normaliser.Feed(html.first(block_bytes));
  }
  normaliser.Feed(html);
  normaliser.Finish();
  Require(!normaliser.limit_reached(), "no limit is near");
  return views;
}

std::vector<uint8_t> WithNul(ByteView html, size_t distance) {
  std::vector<uint8_t> changed;
  for (size_t i = 0; i < html.size(); ++i) {
    if (i % distance == 0) changed.push_back(0);
    changed.push_back(html[i]);
  }
  return changed;
}

bool HasUpperCase(ByteView view) {
  return std::any_of(view.begin(), view.end(),
                     [](uint8_t c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t block_bytes = size_t{1} + data[0] * size_t{40};
  const ByteView html = ByteView(data, size).subspan(1);

  const Views whole = Normalise(html, html.size() + 1);
  Require(Normalise(html, block_bytes) == whole, "cuts do not matter");
  constexpr size_t kPieceBytesMax = 8191;  // Beyond, NUL costs other bytes.
  Require(html.size() > kPieceBytesMax ||
              Normalise(WithNul(html, block_bytes), 5) == whole,
          "NUL stands for nothing");
  Require(whole.no_comments.size() <= 2 * html.size(),
          "tags and text at most double");
  Require(whole.no_tags.size() <= 2 * html.size(), "text at most doubles");
  const bool has_reference =
      std::find(html.begin(), html.end(), '&') != html.end();
  Require(has_reference || !HasUpperCase(whole.no_comments),
          "no upper case is left");
  return 0;
}
