#include "tests/engine/matching/case_shrinker.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "tests/engine/matching/agreement.h"

namespace gatehouse {
namespace {

constexpr size_t kBytesShown = 2048;

// Nothing where the lines themselves are what is wrong.
std::unique_ptr<Agreement> CompileLines(const std::vector<MatchingLine>& lines,
                                        uint64_t steps_max) {
  auto agreement = std::make_unique<Agreement>(steps_max);
  for (const MatchingLine& line : lines) {
    if (agreement->AddLine(line)) return nullptr;
  }
  if (agreement->Compile()) return nullptr;
  return agreement;
}

std::optional<std::string> Disagreement(const MatchingCase& one,
                                        uint64_t steps_max) {
  const auto agreement = CompileLines(one.lines, steps_max);
  if (agreement == nullptr) return std::nullopt;
  return agreement->Compare(one.subject, one.block_bytes);
}

bool Disagrees(const MatchingCase& one, uint64_t steps_max) {
  return Disagreement(one, steps_max).has_value();
}

void DropLines(MatchingCase& one, uint64_t steps_max) {
  for (size_t index = one.lines.size(); index > 0; --index) {
    MatchingCase smaller = one;
    smaller.lines.erase(smaller.lines.begin() +
                        static_cast<ptrdiff_t>(index - 1));
    if (Disagrees(smaller, steps_max)) one = std::move(smaller);
  }
}

// Bytes of an executable cannot go without moving its sections; they can become
// zero.
bool IsBound(const oracle::Subject& subject) {
  return subject.entry_point || !subject.sections.empty();
}

void ShrinkContent(MatchingCase& one, uint64_t steps_max) {
  const auto agreement = CompileLines(one.lines, steps_max);
  if (agreement == nullptr) return;
  const bool is_bound = IsBound(one.subject);
  for (size_t size = one.subject.bytes.size(); size > 0; size /= 2) {
    for (size_t at = 0; at < one.subject.bytes.size();) {
      oracle::Subject smaller = one.subject;
      std::string& bytes = smaller.bytes;
      if (is_bound) {
        std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(at),
                    std::min(size, bytes.size() - at), '\0');
      } else {
        bytes.erase(at, size);
      }
      const bool is_needed = !agreement->Compare(smaller, one.block_bytes);
      if (!is_needed) one.subject = std::move(smaller);
      if (is_needed || is_bound) at += size;
    }
  }
}

std::string ShownBytes(const std::string& bytes) {
  const std::string size = "(" + std::to_string(bytes.size()) + " bytes) ";
  if (bytes.size() <= kBytesShown) return size + HexText(AsBytes(bytes));
  std::string text = size;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end =
        std::min(bytes.find_first_not_of(bytes[at], at), bytes.size());
    text += HexText(AsBytes(bytes.substr(at, 1)));
    if (end - at > 1) text += "x" + std::to_string(end - at) + " ";
    at = end;
  }
  return text;
}

}  // namespace

std::string ShrunkenCase(MatchingCase one, uint64_t steps_max) {
  DropLines(one, steps_max);
  ShrinkContent(one, steps_max);
  DropLines(one, steps_max);
  const auto what = Disagreement(one, steps_max);
  std::string text = what.value_or("only together with what was before it");
  for (const MatchingLine& line : one.lines) {
    text += "\n  " + line.extension + " " + line.text;
  }
  text += "\n  target " + std::to_string(one.subject.target);
  if (one.subject.entry_point) {
    text += ", entry point " + std::to_string(*one.subject.entry_point);
  }
  for (const oracle::Section& section : one.subject.sections) {
    text += ", section " + std::to_string(section.raw_offset) + "+" +
            std::to_string(section.raw_size);
  }
  return text + ", blocks of " + std::to_string(one.block_bytes) +
         "\n  content " + ShownBytes(one.subject.bytes);
}

}  // namespace gatehouse
