#include "signatures/byte_pattern.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace gatehouse {
namespace {

constexpr size_t kCountBytes = 2;
constexpr uint32_t kCountMax = 0xffff;
// Lengths beyond it are of no pattern that a line can hold.
constexpr uint64_t kLengthMax = uint64_t{1} << 30;

void AppendNumber(std::vector<uint8_t>& code, uint32_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    code.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
}

struct Lengths {
  uint64_t min = 0;
  uint64_t max = 0;
};

std::optional<Lengths> LengthsOf(ByteView code, int depth);

std::optional<Lengths> LengthsOfStep(const PatternStep& step, int depth) {
  switch (step.op) {
    case PatternOp::kLiteral:
    case PatternOp::kLiteralFolded:
    case PatternOp::kMasked:
    case PatternOp::kAny:
      return Lengths{step.count, step.count};
    case PatternOp::kNoneOf:
      return Lengths{step.length, step.length};
    case PatternOp::kBoundary:
      if (step.boundary.place != BoundaryPlace::kWithin) return Lengths{};
      return Lengths{1, 1};
    case PatternOp::kNear:
      return Lengths{};
    case PatternOp::kGap:
      return std::nullopt;  // Only at top level, and there it is no step.
    case PatternOp::kOneOf:
      break;
  }
  const auto programs = ProgramsOf(step);
  if (!programs || programs->empty()) return std::nullopt;
  Lengths all{std::numeric_limits<uint64_t>::max(), 0};
  for (const ByteView program : *programs) {
    const std::optional<Lengths> one = LengthsOf(program, depth + 1);
    if (!one) return std::nullopt;
    all.min = std::min(all.min, one->min);
    all.max = std::max(all.max, one->max);
  }
  return all;
}

std::optional<Lengths> LengthsOf(ByteView code, int depth) {
  if (depth > kPatternDepthMax) return std::nullopt;
  Lengths sum;
  PatternReader reader(code);
  while (const std::optional<PatternStep> step = reader.Next()) {
    const std::optional<Lengths> one = LengthsOfStep(*step, depth);
    if (!one) return std::nullopt;
    sum.min += one->min;
    sum.max += one->max;
    if (sum.max > kLengthMax) return std::nullopt;
  }
  if (reader.is_broken()) return std::nullopt;
  return sum;
}

// Adds the step to the part; false if it is broken.
bool AddStep(const PatternStep& step, PatternPart& part) {
  const bool is_folded = step.op == PatternOp::kLiteralFolded;
  if (is_folded || step.op == PatternOp::kLiteral) {
    part.runs.push_back(
        {step.bytes, is_folded, part.length_min, part.length_max});
  }
  const std::optional<Lengths> lengths = LengthsOfStep(step, 0);
  if (!lengths || part.length_max + lengths->max > kLengthMax) return false;
  part.length_min += static_cast<uint32_t>(lengths->min);
  part.length_max += static_cast<uint32_t>(lengths->max);
  return true;
}

}  // namespace

uint8_t Boundary::Code() const {
  return static_cast<uint8_t>(
      static_cast<uint32_t>(kind) | static_cast<uint32_t>(place) << 2 |
      (is_negated ? 0x10U : 0U) | (is_wide ? 0x20U : 0U));
}

std::optional<Boundary> Boundary::FromCode(uint8_t code) {
  const uint32_t kind = code & 3U;
  const uint32_t place = (code >> 2) & 3U;
  if (kind > 2 || place > 2 || (code & 0xc0U) != 0) return std::nullopt;
  return Boundary{static_cast<BoundaryKind>(kind),
                  static_cast<BoundaryPlace>(place), (code & 0x10U) != 0,
                  (code & 0x20U) != 0};
}

// --- Writing ----------------------------------------------------------------

bool PatternWriter::Extends(PatternOp op) const {
  if (last_op_ != op) return false;
  const uint32_t high = code_[last_at_ + 2];
  return (code_[last_at_ + 1] | high << 8U) < kCountMax;
}

void PatternWriter::Begin(PatternOp op) {
  last_at_ = code_.size();
  last_op_ = op;
  code_.push_back(static_cast<uint8_t>(op));
}

void PatternWriter::CountOne() {
  uint8_t& low = code_[last_at_ + 1];
  uint8_t& high = code_[last_at_ + 2];
  low = static_cast<uint8_t>(low + 1);
  if (low == 0) high = static_cast<uint8_t>(high + 1);
}

void PatternWriter::Literal(uint8_t byte) {
  if (!Extends(PatternOp::kLiteral)) {
    Begin(PatternOp::kLiteral);
    AppendNumber(code_, 0, kCountBytes);
  }
  CountOne();
  code_.push_back(byte);
}

void PatternWriter::Folded(uint8_t byte) {
  if (!Extends(PatternOp::kLiteralFolded)) {
    Begin(PatternOp::kLiteralFolded);
    AppendNumber(code_, 0, kCountBytes);
  }
  CountOne();
  const bool is_upper = byte >= 'A' && byte <= 'Z';
  code_.push_back(is_upper ? static_cast<uint8_t>(byte + ('a' - 'A')) : byte);
}

void PatternWriter::Masked(MaskedByte byte) {
  if (!Extends(PatternOp::kMasked)) {
    Begin(PatternOp::kMasked);
    AppendNumber(code_, 0, kCountBytes);
  }
  CountOne();
  code_.push_back(byte.value & byte.mask);
  code_.push_back(byte.mask);
}

void PatternWriter::Any(uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (!Extends(PatternOp::kAny)) {
      Begin(PatternOp::kAny);
      AppendNumber(code_, 0, kCountBytes);
    }
    CountOne();
  }
}

void PatternWriter::OneOf(const std::vector<std::vector<uint8_t>>& programs) {
  assert(!programs.empty() && programs.size() <= kCountMax);
  Begin(PatternOp::kOneOf);
  AppendNumber(code_, static_cast<uint32_t>(programs.size()), kCountBytes);
  for (const std::vector<uint8_t>& program : programs) {
    assert(program.size() <= kCountMax);
    AppendNumber(code_, static_cast<uint32_t>(program.size()), kCountBytes);
    code_.insert(code_.end(), program.begin(), program.end());
  }
}

void PatternWriter::NoneOf(const std::vector<std::vector<uint8_t>>& literals) {
  assert(!literals.empty() && literals.size() <= kCountMax);
  Begin(PatternOp::kNoneOf);
  const size_t length = literals.front().size();
  AppendNumber(code_, static_cast<uint32_t>(literals.size()), kCountBytes);
  AppendNumber(code_, static_cast<uint32_t>(length), kCountBytes);
  for (const std::vector<uint8_t>& literal : literals) {
    assert(literal.size() == length);
    code_.insert(code_.end(), literal.begin(), literal.end());
  }
}

void PatternWriter::AddBoundary(const Boundary& boundary) {
  Begin(PatternOp::kBoundary);
  code_.push_back(boundary.Code());
}

void PatternWriter::AddNear(const NearByte& near) {
  assert(near.min <= near.max && near.max <= kNearMax);
  Begin(PatternOp::kNear);
  code_.insert(code_.end(),
               {static_cast<uint8_t>(near.place), near.min, near.max,
                static_cast<uint8_t>(near.value & near.mask), near.mask});
}

void PatternWriter::Gap(uint32_t min, uint32_t max) {
  assert(min <= max);
  Begin(PatternOp::kGap);
  AppendNumber(code_, min, 4);
  AppendNumber(code_, max, 4);
}

std::vector<uint8_t> PatternWriter::Take() {
  last_op_.reset();
  return std::exchange(code_, {});
}

// --- Reading ----------------------------------------------------------------

std::optional<uint32_t> PatternReader::Number(size_t bytes) {
  if (rest_.size() < bytes) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value |= uint32_t{rest_[i]} << (8 * i);
  rest_ = rest_.subspan(bytes);
  return value;
}

std::optional<ByteView> PatternReader::Bytes(size_t count) {
  if (rest_.size() < count) return std::nullopt;
  const ByteView bytes = rest_.first(count);
  rest_ = rest_.subspan(count);
  return bytes;
}

std::optional<PatternStep> PatternReader::ReadStep(PatternOp op) {
  PatternStep step;
  step.op = op;
  if (op == PatternOp::kGap) {
    const std::optional<uint32_t> min = Number(4);
    const std::optional<uint32_t> max = Number(4);
    if (!min || !max || *min > *max) return std::nullopt;
    step.gap_min = *min;
    step.gap_max = *max;
    return step;
  }
  if (op == PatternOp::kBoundary) {
    const std::optional<uint32_t> code = Number(1);
    if (!code) return std::nullopt;
    const auto boundary = Boundary::FromCode(static_cast<uint8_t>(*code));
    if (!boundary) return std::nullopt;
    step.boundary = *boundary;
    return step;
  }
  if (op == PatternOp::kNear) {
    const std::optional<ByteView> near = Bytes(5);
    if (!near || (*near)[0] > 1 || (*near)[1] > (*near)[2] ||
        (*near)[2] > kNearMax) {
      return std::nullopt;
    }
    step.near = {static_cast<BoundaryPlace>((*near)[0]), (*near)[1], (*near)[2],
                 (*near)[3], (*near)[4]};
    return step;
  }
  const std::optional<uint32_t> count = Number(kCountBytes);
  if (!count || *count == 0) return std::nullopt;
  step.count = *count;
  size_t bytes = 0;
  if (op == PatternOp::kLiteral || op == PatternOp::kLiteralFolded) {
    bytes = step.count;
  } else if (op == PatternOp::kMasked) {
    bytes = size_t{2} * step.count;
  } else if (op == PatternOp::kNoneOf) {
    const std::optional<uint32_t> length = Number(kCountBytes);
    if (!length || *length == 0) return std::nullopt;
    step.length = *length;
    bytes = size_t{step.count} * step.length;
  } else if (op == PatternOp::kOneOf) {
    const ByteView begin = rest_;
    for (uint32_t i = 0; i < step.count; ++i) {
      const std::optional<uint32_t> size = Number(kCountBytes);
      if (!size || !Bytes(*size)) return std::nullopt;
    }
    step.bytes = begin.first(begin.size() - rest_.size());
    return step;
  }
  const std::optional<ByteView> operand = Bytes(bytes);
  if (!operand) return std::nullopt;
  step.bytes = *operand;
  return step;
}

std::optional<PatternStep> PatternReader::Next() {
  if (rest_.empty() || is_broken_) return std::nullopt;
  const uint8_t op = rest_.front();
  rest_ = rest_.subspan(1);
  std::optional<PatternStep> step;
  if (op >= static_cast<uint8_t>(PatternOp::kLiteral) &&
      op <= static_cast<uint8_t>(PatternOp::kNear)) {
    step = ReadStep(static_cast<PatternOp>(op));
  }
  is_broken_ = !step.has_value();
  return step;
}

std::optional<StepLengths> LengthsOf(const PatternStep& step) {
  const std::optional<Lengths> lengths = LengthsOfStep(step, 0);
  if (!lengths || lengths->max > kLengthMax) return std::nullopt;
  return StepLengths{static_cast<uint32_t>(lengths->min),
                     static_cast<uint32_t>(lengths->max)};
}

std::optional<std::vector<ByteView>> ProgramsOf(const PatternStep& one_of) {
  assert(one_of.op == PatternOp::kOneOf);
  std::vector<ByteView> programs;
  ByteView rest = one_of.bytes;
  while (programs.size() < one_of.count) {
    if (rest.size() < kCountBytes) return std::nullopt;
    const size_t size = rest[0] | size_t{rest[1]} << 8;
    rest = rest.subspan(kCountBytes);
    if (rest.size() < size) return std::nullopt;
    programs.push_back(rest.first(size));
    rest = rest.subspan(size);
  }
  return programs;
}

std::optional<std::vector<PatternPart>> PartsOf(ByteView code) {
  if (code.size() > kPatternBytesMax) return std::nullopt;
  std::vector<PatternPart> parts(1);
  PatternReader reader(code);
  const uint8_t* part_begin = code.data();
  const uint8_t* step_begin = code.data();
  while (const std::optional<PatternStep> step = reader.Next()) {
    if (step->op != PatternOp::kGap) {
      if (!AddStep(*step, parts.back())) return std::nullopt;
    } else {
      if (parts.size() == kPatternPartsMax) return std::nullopt;
      parts.back().code = ByteView(part_begin, step_begin);
      parts.emplace_back();
      parts.back().gap_min = step->gap_min;
      parts.back().gap_max = step->gap_max;
      part_begin = reader.rest().data();
    }
    step_begin = reader.rest().data();
  }
  if (reader.is_broken()) return std::nullopt;
  parts.back().code = ByteView(part_begin, step_begin);
  for (const PatternPart& part : parts) {
    if (part.length_max == 0) return std::nullopt;
  }
  return parts;
}

namespace {

// The first operation of `code`, if it is one that nearly all are: a count and
// so many bytes of operand. `size` is 0 if it is another one, or broken.
struct PlainStep {
  size_t size = 0;  // Of its code.
  uint32_t count = 0;
};

PlainStep PlainStepOf(ByteView code) {
  constexpr size_t kHead = 1 + kCountBytes;
  if (code.size() < kHead) return {};
  const uint32_t count = code[1] | uint32_t{code[2]} << 8;
  size_t size = kHead;
  switch (static_cast<PatternOp>(code[0])) {
    case PatternOp::kLiteral:
    case PatternOp::kLiteralFolded:
      size += count;
      break;
    case PatternOp::kMasked:
      size += size_t{2} * count;
      break;
    case PatternOp::kAny:
      break;
    default:
      return {};
  }
  if (count == 0 || size > code.size()) return {};
  return {size, count};
}

}  // namespace

bool HasParts(ByteView code, uint32_t length_max) {
  if (code.size() > kPatternBytesMax) return false;
  const auto is_good = [length_max](uint64_t length) {
    return length != 0 && length <= length_max;
  };
  size_t parts = 1;
  uint64_t length = 0;
  while (!code.empty()) {
    if (const PlainStep plain = PlainStepOf(code); plain.size != 0) {
      length += plain.count;
      code = code.subspan(plain.size);
      continue;
    }
    PatternReader reader(code);
    const std::optional<PatternStep> step = reader.Next();
    if (!step) return false;
    code = reader.rest();
    if (step->op == PatternOp::kGap) {
      if (parts == kPatternPartsMax || !is_good(length)) return false;
      ++parts;
      length = 0;
      continue;
    }
    const std::optional<Lengths> lengths = LengthsOfStep(*step, 0);
    if (!lengths || length + lengths->max > kLengthMax) return false;
    length += lengths->max;
  }
  return is_good(length);
}

}  // namespace gatehouse
