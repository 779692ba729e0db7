#include "engine/matching/byte_set.h"

#include <functional>
#include <optional>

namespace gatehouse {
namespace {

ByteSet AllBytes() { return ByteSet().set(); }

ByteSet Masked(uint8_t value, uint8_t mask) {
  ByteSet bytes;
  for (size_t c = 0; c < bytes.size(); ++c) bytes[c] = (c & mask) == value;
  return bytes;
}

// A letter in lower case stands for both.
ByteSet Folded(uint8_t byte) {
  const bool is_letter = byte >= 'a' && byte <= 'z';
  return Masked(is_letter ? byte & 0xdf : byte, is_letter ? 0xdf : 0xff);
}

// What the program begins with; an empty one with anything.
ByteSet FirstOf(ByteView program, int depth) {
  const std::optional<PatternStep> step = PatternReader(program).Next();
  if (!step || step->count == 0 || depth == kPatternDepthMax) {
    return AllBytes();
  }
  switch (step->op) {
    case PatternOp::kLiteral:
      return Masked(step->bytes[0], 0xff);
    case PatternOp::kLiteralFolded:
      return Folded(step->bytes[0]);
    case PatternOp::kMasked:
      return Masked(step->bytes[0], step->bytes[1]);
    case PatternOp::kOneOf: {
      const auto programs = ProgramsOf(*step);
      if (!programs) return AllBytes();
      ByteSet bytes;
      for (const ByteView one : *programs) bytes |= FirstOf(one, depth + 1);
      return bytes;
    }
    case PatternOp::kAny:
    case PatternOp::kNoneOf:
    case PatternOp::kBoundary:
    case PatternOp::kGap:
    case PatternOp::kNear:
      break;
  }
  return AllBytes();
}

}  // namespace

ByteSet BytesBehind(const PatternPart& part, const FixedRun& run) {
  const uint8_t* const begin = part.code.data();
  const uint8_t* const end = begin + part.code.size();
  const uint8_t* const behind = run.bytes.data() + run.bytes.size();
  // A run that is no part of the program, of an expression.
  const std::less_equal<> is_not_beyond;
  if (!is_not_beyond(begin, run.bytes.data()) || !is_not_beyond(behind, end)) {
    return AllBytes();
  }
  return FirstOf(part.code.subspan(static_cast<size_t>(behind - begin)), 0);
}

}  // namespace gatehouse
