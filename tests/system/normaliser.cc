// Makes the normalised views of files for the test that compares them with what
// the peer makes.
//
// Input, repeated: 't' or 'h', the size in four bytes (little endian), the
// bytes. Output: for each view in turn its size and its bytes, likewise.
#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "engine/format/normalised_views.h"

namespace {

using gatehouse::NormalisedForm;
using gatehouse::NormalisedView;
using gatehouse::NormalisedViews;

constexpr size_t kSizeBytes = 4;

bool Read(std::vector<uint8_t>& bytes) {
  return std::fread(bytes.data(), 1, bytes.size(), stdin) == bytes.size();
}

bool Write(const NormalisedView& view) {
  std::array<uint8_t, kSizeBytes> size = {};
  for (size_t i = 0; i < kSizeBytes; ++i) {
    size.at(i) = static_cast<uint8_t>(view.bytes.size() >> (8 * i) & 0xff);
  }
  return std::fwrite(size.data(), 1, size.size(), stdout) == size.size() &&
         std::fwrite(view.bytes.data(), 1, view.bytes.size(), stdout) ==
             view.bytes.size();
}

}  // namespace

int main() {
  NormalisedViews views;
  std::vector<uint8_t> head(1 + kSizeBytes);
  std::vector<uint8_t> file;
  while (Read(head)) {
    size_t size = 0;
    for (size_t i = kSizeBytes; i > 0; --i) size = size << 8 | head[i];
    file.resize(size);
    if (!Read(file)) return 1;
    const auto form =
        head[0] == 'h' ? NormalisedForm::kHtml : NormalisedForm::kText;
    for (const NormalisedView& view : views.Make(file, form)) {
      if (!Write(view)) return 1;
    }
  }
}
