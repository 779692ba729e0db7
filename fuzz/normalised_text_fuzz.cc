// Fuzzes the normaliser of texts. The first two bytes choose where the text is
// cut into blocks and how much may be written; the rest is the text.
//
// Asserts that a slow normaliser agrees, that cuts do not matter, that the form
// is its own form, that nothing is written beyond the limit, and that the text
// without dropped bytes contains what its form contains.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/normalised_text.h"

namespace {

using gatehouse::AsBytes;
using gatehouse::AsText;
using gatehouse::ByteView;

constexpr size_t kPlenty = size_t{1} << 30;

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

std::string Slow(ByteView text) {
  std::string form;
  for (const uint8_t c : text) {
    if (c >= 0x80) continue;
    if (std::isspace(c) != 0) {
      if (form.empty() || form.back() != ' ') form += ' ';
    } else if (c >= ' ') {
      form += static_cast<char>(std::tolower(c));
    }
  }
  return form;
}

std::string Fast(ByteView text, size_t block_bytes, size_t bytes_max) {
  std::vector<uint8_t> output;
  gatehouse::TextNormaliser normaliser(bytes_max);
  for (; text.size() > block_bytes; text = text.subspan(block_bytes)) {
    normaliser.Feed(text.first(block_bytes), output);
  }
  normaliser.Feed(text, output);
  Require(output.size() <= bytes_max, "no more is written than allowed");
  return std::string(AsText(output));
}

std::string InLowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 0x20);
  }
  return lower;
}

void RequireWordsOfForm(ByteView text, const std::string& form) {
  if (gatehouse::HasDroppedByte(text)) return;
  const std::string lower = InLowerCase(AsText(text));
  for (size_t from = 0; from < form.size();) {
    const size_t to = std::min(form.find(' ', from), form.size());
    Require(lower.find(form.substr(from, to - from)) != std::string::npos,
            "a word of the form is in the text");
    from = to + 1;
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t block_bytes = size_t{1} + data[0];
  const size_t bytes_max = data[1];
  const ByteView text = ByteView(data, size).subspan(2);

  const std::string form = Slow(text);
  Require(Fast(text, text.size() + 1, kPlenty) == form, "both agree");
  Require(Fast(text, block_bytes, kPlenty) == form, "cuts do not matter");
  Require(Fast(text, block_bytes, bytes_max) == form.substr(0, bytes_max),
          "a limit cuts the form, and nothing else");
  Require(Fast(AsBytes(form), block_bytes, kPlenty) == form,
          "the form is its own form");
  RequireWordsOfForm(text, form);
  return 0;
}
