// The offset field: where the first part of a pattern may start.
#include "tests/signatures/oracle/signature_line.h"
#include "tests/signatures/oracle/text.h"

namespace gatehouse::oracle {
namespace {

constexpr size_t kOffsetTextMax = 64;
constexpr uint64_t kMacroGroups = 32;
constexpr uint64_t kOffsetMax = UINT32_MAX;

ParseFailure Fail(std::string reason) {
  return {std::move(reason), FailureKind::kMalformed};
}

bool IsExecutable(int target) {
  return target == 1 || target == 6 || target == 9;
}

// Takes `prefix` off `text` if it is there.
bool Take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<uint64_t> ParsePosition(std::string_view text) {
  const auto value = ParseDecimal(text);
  if (!value || *value > kOffsetMax) return std::nullopt;
  return value;
}

// What follows "S": "L+n", "x+n" or "Ex".
std::optional<ParseFailure> ParseSection(std::string_view text,
                                         OffsetField& field) {
  std::optional<uint64_t> number = 0;
  std::optional<uint64_t> value = 0;
  if (Take(text, "E")) {
    field.base = OffsetBase::kInSection;
    number = ParsePosition(text);
  } else if (Take(text, "L+")) {
    field.base = OffsetBase::kLastSection;
    value = ParsePosition(text);
  } else {
    field.base = OffsetBase::kSection;
    const size_t plus = text.find('+');
    if (plus == std::string_view::npos) return Fail("offset: no '+n'");
    number = ParsePosition(text.substr(0, plus));
    value = ParsePosition(text.substr(plus + 1));
  }
  if (!number || !value) return Fail("offset: a section that is no number");
  field.number = *number;
  field.value = static_cast<int64_t>(*value);
  return std::nullopt;
}

std::optional<ParseFailure> ParseExecutableOffset(std::string_view text,
                                                  OffsetField& field) {
  if (text == "VI") {
    field.base = OffsetBase::kVersionText;
    return std::nullopt;
  }
  if (Take(text, "S")) return ParseSection(text, field);
  const bool minus = text.starts_with("EP-");
  if (!minus && !text.starts_with("EP+")) return Fail("offset: unknown form");
  const auto value = ParsePosition(text.substr(3));
  if (!value) return Fail("offset: not a number");
  field.base = OffsetBase::kEntryPoint;
  field.value = static_cast<int64_t>(*value) * (minus ? -1 : 1);
  return std::nullopt;
}

std::optional<ParseFailure> ParseMacroGroup(std::string_view text,
                                            OffsetField& field) {
  if (!text.ends_with('$') || text.size() < 3) return Fail("offset: no group");
  const auto group = ParseDecimal(text.substr(1, text.size() - 2));
  if (!group || *group >= kMacroGroups) return Fail("offset: no such group");
  field.base = OffsetBase::kMacro;
  field.number = *group;
  return std::nullopt;
}

}  // namespace

Parsed<OffsetField> ParseOffset(std::string_view text, int target) {
  OffsetField field;
  if (text.size() > kOffsetTextMax) return Fail("offset: too long");
  if (text == "*") return field;
  const size_t comma = text.find(',');
  if (comma != std::string_view::npos) {
    const auto shift = ParseDecimal(text.substr(comma + 1));
    if (!shift) return Fail("offset: a shift that is no number");
    field.shift = *shift;
    text = text.substr(0, comma);
  }
  if (const auto absolute = ParsePosition(text)) {
    field.base = OffsetBase::kFileStart;
    field.value = static_cast<int64_t>(*absolute);
    return field;
  }
  if (Take(text, "EOF-")) {
    const auto value = ParsePosition(text);
    if (!value) return Fail("offset: not a number");
    field.base = OffsetBase::kFileEnd;
    field.value = -static_cast<int64_t>(*value);
    return field;
  }
  if (text.starts_with('$')) {
    if (const auto failure = ParseMacroGroup(text, field)) return *failure;
    return field;
  }
  const bool starts_well =
      text.starts_with('E') || text.starts_with('S') || text.starts_with('V');
  if (!starts_well) return Fail("offset: unknown form");
  if (!IsExecutable(target)) return Fail("offset: for executables only");
  if (const auto failure = ParseExecutableOffset(text, field)) return *failure;
  return field;
}

}  // namespace gatehouse::oracle
