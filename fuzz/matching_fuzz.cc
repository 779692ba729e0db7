// Fuzzes the way from lines to matches. Lines, each behind its file's extension
// and a space, until an empty line; then a byte that says how large the blocks
// are; the rest is the content.
//
// Asserts that production and a slow oracle that shares no code with it agree:
// about each line, whether it is a signature, and about the content, which
// signatures match it. What is too hard for the oracle is not judged.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "tests/engine/matching/agreement.h"

namespace {

using gatehouse::Agreement;
using gatehouse::MatchingLine;

constexpr size_t kLinesMax = 16;
constexpr size_t kContentBytesMax = 4096;
// Of the oracle, for one signature.
constexpr uint64_t kStepsMax = 300'000;

void RequireNone(const std::optional<std::string>& difference,
                 std::string_view line) {
  if (!difference) return;
  (void)std::fprintf(stderr, "violated: they agree: %s\n  %.*s\n",
                     difference->c_str(), static_cast<int>(line.size()),
                     line.data());
  std::abort();
}

bool IsBodyFormat(std::string_view extension) {
  return extension == "ndb" || extension == "ndu" || extension == "db" ||
         extension == "ldb" || extension == "ldu";
}

// Takes the lines off `input`.
void AddLines(std::string_view& input, Agreement& agreement) {
  for (size_t count = 0; count < kLinesMax; ++count) {
    const size_t end = input.find('\n');
    const std::string_view line = input.substr(0, end);
    input.remove_prefix(end == input.npos ? input.size() : end + 1);
    const size_t space = line.find(' ');
    if (space == line.npos || !IsBodyFormat(line.substr(0, space))) return;
    const std::string_view text = line.substr(space + 1);
    // A NUL byte is in no line, and what the oracle says of one means nothing.
    if (text.find('\0') != text.npos) return;
    RequireNone(agreement.AddLine(
                    {std::string(line.substr(0, space)), std::string(text)}),
                line);
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(data, data + size);
  std::string_view input = bytes;
  Agreement agreement(kStepsMax);
  AddLines(input, agreement);
  if (input.empty() || agreement.signatures().empty()) return 0;
  RequireNone(agreement.Compile(), "");
  const auto block_bytes = size_t{1} + static_cast<uint8_t>(input.front());
  const gatehouse::oracle::Subject subject =
      gatehouse::SubjectOfFile(std::string(input.substr(1, kContentBytesMax)));
  RequireNone(agreement.Compare(subject, block_bytes), "");
  return 0;
}
