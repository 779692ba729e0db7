#include "bench/pattern_expression.h"

#include <hs/hs_compile.h>
#include <hs/hs_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "signatures/byte_pattern.h"

namespace gatehouse {
namespace {

// Hyperscan counts no further.
constexpr uint32_t kRepeatMax = 32000;
constexpr unsigned kFlags = HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH;

std::string HexByte(uint8_t byte) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  return {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15U]};
}

std::string HexBytes(ByteView bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += HexByte(byte);
  return text;
}

std::string ClassOf(uint8_t value, uint8_t mask) {
  if (mask == 0) return ".";
  std::string text = "[";
  for (unsigned byte = 0; byte < 256; ++byte) {
    if ((byte & mask) == value) text += HexByte(static_cast<uint8_t>(byte));
  }
  return text + "]";
}

std::string Repeated(uint32_t min, uint32_t max) {
  const std::string least = std::to_string(std::min(min, kRepeatMax));
  if (max > kRepeatMax) return ".{" + least + ",}";
  if (min == max) return ".{" + least + "}";
  return ".{" + least + "," + std::to_string(max) + "}";
}

void Append(ByteView program, PatternExpression& all);

void AppendOneOf(const PatternStep& step, PatternExpression& all) {
  const auto programs = ProgramsOf(step);
  if (!programs) return;
  char before = '(';
  for (const ByteView program : *programs) {
    all.text += before;
    if (before == '(') all.text += "?:";
    Append(program, all);
    before = '|';
  }
  all.text += ')';
}

void AppendStep(const PatternStep& step, PatternExpression& all) {
  std::string& text = all.text;
  switch (step.op) {
    case PatternOp::kLiteral:
      text += HexBytes(step.bytes);
      return;
    case PatternOp::kLiteralFolded:
      text += "(?i:" + HexBytes(step.bytes) + ")";
      return;
    case PatternOp::kMasked:
      for (size_t i = 0; i + 1 < step.bytes.size(); i += 2) {
        text += ClassOf(step.bytes[i], step.bytes[i + 1]);
      }
      return;
    case PatternOp::kAny:
      text += Repeated(step.count, step.count);
      return;
    case PatternOp::kOneOf:
      AppendOneOf(step, all);
      return;
    case PatternOp::kNoneOf:
      if (step.length == 1) {
        text += "[^" + HexBytes(step.bytes) + "]";
        return;
      }
      text += Repeated(step.length, step.length);
      break;
    case PatternOp::kBoundary:
      if (step.boundary.place == BoundaryPlace::kWithin) text += '.';
      break;
    case PatternOp::kNear:
      break;
    case PatternOp::kGap:
      text += Repeated(step.gap_min, step.gap_max);
      all.is_exact = all.is_exact && step.gap_max <= kRepeatMax;
      return;
  }
  all.is_exact = false;
}

void Append(ByteView program, PatternExpression& all) {
  PatternReader reader(program);
  while (const auto step = reader.Next()) AppendStep(*step, all);
}

int OnMatch(unsigned id, unsigned long long /*from*/, unsigned long long /*to*/,
            unsigned /*flags*/, void* context) noexcept {
  ++(*static_cast<std::vector<uint32_t>*>(context))[id];
  return 0;
}

[[noreturn]] void Fatal(const char* what) {
  (void)std::fprintf(stderr, "hyperscan: %s\n", what);
  std::abort();
}

}  // namespace

PatternExpression ExpressionOf(ByteView program) {
  PatternExpression all;
  Append(program, all);
  return all;
}

ExpressionDatabase::ExpressionDatabase(
    const std::vector<std::string>& expressions) {
  std::vector<const char*> texts;
  std::vector<unsigned> ids;
  for (const std::string& expression : expressions) {
    ids.push_back(static_cast<unsigned>(texts.size()));
    texts.push_back(expression.c_str());
  }
  while (database_ == nullptr) {
    const std::vector<unsigned> flags(texts.size(), kFlags);
    hs_compile_error_t* error = nullptr;
    const hs_error_t status =
        hs_compile_multi(texts.data(), flags.data(), ids.data(),
                         static_cast<unsigned>(texts.size()), HS_MODE_BLOCK,
                         nullptr, &database_, &error);
    if (status == HS_SUCCESS) break;
    if (error == nullptr || error->expression < 0) Fatal("cannot compile");
    texts.erase(texts.begin() + error->expression);
    ids.erase(ids.begin() + error->expression);
    ++left_out_;
    (void)hs_free_compile_error(error);
  }
  if (hs_alloc_scratch(database_, &scratch_) != HS_SUCCESS) Fatal("no memory");
}

ExpressionDatabase::~ExpressionDatabase() {
  (void)hs_free_scratch(scratch_);
  (void)hs_free_database(database_);
}

void ExpressionDatabase::Scan(ByteView bytes,
                              std::vector<uint32_t>& matches) const {
  const hs_error_t status = hs_scan(database_, AsText(bytes).data(),
                                    static_cast<unsigned>(bytes.size()), 0,
                                    scratch_, OnMatch, &matches);
  if (status != HS_SUCCESS) Fatal("cannot scan");
}

}  // namespace gatehouse
