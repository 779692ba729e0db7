#include "tests/signatures/oracle/signature_line.h"

#include <algorithm>
#include <array>

#include "tests/signatures/oracle/text.h"

namespace gatehouse::oracle {
namespace {

constexpr size_t kSubsignaturesMax = 64;
constexpr uint64_t kTargetEnd = 15;
constexpr uint64_t kHashSizeMax = 0xfffffffe;
constexpr uint64_t kWildSizeLevel = 73;
constexpr uint64_t kNewKeyLevel = 51;
constexpr size_t kLiteralMin = 3;  // Of pure literals in ClamAV's generic set.

ParseFailure Fail(std::string reason) {
  return {std::move(reason), FailureKind::kMalformed};
}
ParseFailure Skip(std::string reason) {
  return {std::move(reason), FailureKind::kSkipped};
}

// Optional levels at the end of a line, from `first` on.
std::optional<ParseFailure> CheckLevels(
    const std::vector<std::string_view>& fields, size_t first, uint64_t level) {
  Range levels;
  if (fields.size() > first) {
    const auto min = ParseDecimal(fields[first]);
    if (!min) return Fail("a level that is no number");
    levels.min = *min;
  }
  if (fields.size() > first + 1) {
    const auto max = ParseDecimal(fields[first + 1]);
    if (!max) return Fail("a level that is no number");
    levels.max = *max;
  }
  if (!levels.Has(level)) return Skip("for other functionality levels");
  return std::nullopt;
}

Parsed<int> ParseTarget(std::string_view text) {
  const auto target = ParseDecimal(text);
  if (!target) return Fail("a target that is no number");
  if (*target >= kTargetEnd) return Skip("an unknown target");
  return static_cast<int>(*target);
}

bool IsExecutable(int target) {
  return target == 1 || target == 6 || target == 9;
}

// A signature of one pattern holds when the pattern is there.
Parsed<Signature> OnePattern(Signature signature, std::string_view hex,
                             const OffsetField& offset) {
  if (signature.name.empty()) return Fail("no name");
  Subsignature only;
  only.text = hex;
  only.offset = offset;
  Parsed<std::vector<Pattern>> variants = ParsePattern(hex, PatternFlags());
  if (IsFailure(variants)) return std::get<ParseFailure>(variants);
  only.variants = std::get<std::vector<Pattern>>(std::move(variants));
  if (signature.target == 0 && hex.size() < 2 * kLiteralMin) {
    return Fail("a literal of less than three bytes");
  }
  signature.subsignatures.push_back(std::move(only));
  return signature;
}

Parsed<Signature> ParseNdb(std::string_view line, uint64_t level) {
  const auto fields = SplitText(line, ':');
  if (fields.size() < 4 || fields.size() > 6) return Fail("not 4 to 6 fields");
  if (const auto failure = CheckLevels(fields, 4, level)) return *failure;
  Signature signature;
  signature.name = fields[0];
  if (fields[1] != "*") {
    const Parsed<int> target = ParseTarget(fields[1]);
    if (IsFailure(target)) return std::get<ParseFailure>(target);
    signature.target = std::get<int>(target);
  }
  const Parsed<OffsetField> offset = ParseOffset(fields[2], signature.target);
  if (IsFailure(offset)) return std::get<ParseFailure>(offset);
  return OnePattern(std::move(signature), fields[3],
                    std::get<OffsetField>(offset));
}

Parsed<Signature> ParseDb(std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return Fail("no '='");
  Signature signature;
  signature.form = LineForm::kDb;
  signature.name = line.substr(0, equals);
  return OnePattern(std::move(signature), line.substr(equals + 1),
                    OffsetField());
}

Parsed<Signature> ParseHash(LineForm form, std::string_view line,
                            uint64_t level) {
  const auto fields = SplitText(line, ':');
  if (fields.size() < 3 || fields.size() > 5) return Fail("not 3 to 5 fields");
  const bool size_first = form == LineForm::kSectionHash;
  const std::string_view digest = fields[size_first ? 1 : 0];
  const std::string_view size = fields[size_first ? 0 : 1];
  Signature signature;
  signature.form = form;
  signature.name = fields[2];
  HashRule rule;
  rule.digest = LowerCase(digest);
  const bool known =
      digest.size() == 32 || digest.size() == 40 || digest.size() == 64;
  if (!known || !FromHex(digest)) return Fail("not a digest");
  if (size != "*") {
    rule.size = ParseDecimal(size);
    if (!rule.size || *rule.size == 0 || *rule.size > kHashSizeMax) {
      return Fail("not a size");
    }
  } else if (form != LineForm::kImport) {
    const auto min = fields.size() > 3 ? ParseDecimal(fields[3]) : 0;
    if (!min || *min < kWildSizeLevel) return Fail("any size needs a level");
  }
  if (const auto failure = CheckLevels(fields, 3, level)) return *failure;
  if (signature.name.empty()) return Fail("no name");
  signature.hash = std::move(rule);
  return signature;
}

// The attributes of a logical signature, one by one.
class Attributes {
 public:
  Attributes(Signature& signature, uint64_t level)
      : signature_(signature), level_(level) {}

  std::optional<ParseFailure> Parse(std::string_view text) {
    const auto items = SplitText(text, ',');
    for (size_t at = 0; at < items.size(); ++at) {
      const size_t colon = items[at].find(':');
      if (colon == std::string_view::npos) return Fail("not an attribute");
      if (auto failure = ParseOne(at, items[at].substr(0, colon),
                                  items[at].substr(colon + 1))) {
        // A line that is skipped may still have worse to come.
        if (failure->kind == FailureKind::kMalformed) return failure;
        if (!skipped_) skipped_ = failure;
      }
    }
    if (skipped_) return skipped_;
    if (!has_target_) return Fail("no target");
    return CheckTogether();
  }

 private:
  std::optional<ParseFailure> ParseOne(size_t at, std::string_view key,
                                       std::string_view value) {
    if (key == "Engine") {
      if (at != 0) return Fail("Engine must come first");
      return ParseEngine(value);
    }
    if (key == "Target") {
      const Parsed<int> target = ParseTarget(value);
      if (IsFailure(target)) return std::get<ParseFailure>(target);
      signature_.target = std::get<int>(target);
      has_target_ = true;
      return std::nullopt;
    }
    uses_new_key_ = true;
    if (key == "FileSize") return ParseRange(value, signature_.file_size);
    if (key == "EntryPoint") return ParseRange(value, signature_.entry_point);
    if (key == "NumberOfSections") {
      return ParseRange(value, signature_.section_count);
    }
    if (key == "IconGroup1" || key == "IconGroup2") needs_pe_ = true;
    constexpr std::array<std::string_view, 5> kSurroundings = {
        "Container", "Intermediates", "HandlerType", "IconGroup1",
        "IconGroup2"};
    if (std::find(kSurroundings.begin(), kSurroundings.end(), key) ==
        kSurroundings.end()) {
      return Skip("an unknown attribute");
    }
    signature_.surroundings.emplace_back(key);
    return std::nullopt;
  }

  std::optional<ParseFailure> ParseEngine(std::string_view value) {
    std::optional<Range> levels;
    if (auto failure = ParseRange(value, levels)) return failure;
    level_min_ = levels->min;
    if (!levels->Has(level_)) return Skip("for other functionality levels");
    return std::nullopt;
  }

  static std::optional<ParseFailure> ParseRange(std::string_view text,
                                                std::optional<Range>& range) {
    const size_t dash = text.find('-');
    if (dash == std::string_view::npos) return Fail("not a range");
    const auto min = ParseDecimal(text.substr(0, dash));
    const auto max = ParseDecimal(text.substr(dash + 1));
    if (!min || !max) return Fail("not a range");
    range = Range{*min, *max};
    return std::nullopt;
  }

  std::optional<ParseFailure> CheckTogether() const {
    if (uses_new_key_ && level_min_ < kNewKeyLevel) {
      return Fail("a newer attribute needs an Engine of 51 or more");
    }
    const bool needs_executable =
        signature_.entry_point || signature_.section_count;
    if (needs_executable && !IsExecutable(signature_.target)) {
      return Fail("an attribute for executables only");
    }
    if (needs_pe_ && signature_.target != 1) return Fail("icons are for PE");
    return std::nullopt;
  }

  Signature& signature_;
  uint64_t level_ = 0;
  uint64_t level_min_ = 0;
  bool has_target_ = false;
  bool uses_new_key_ = false;
  bool needs_pe_ = false;
  std::optional<ParseFailure> skipped_;
};

Parsed<Signature> ParseLdb(std::string_view line, uint64_t level) {
  const auto fields = SplitLogicalLine(line);
  if (fields.size() < 4) return Fail("less than 4 fields");
  Signature signature;
  signature.form = LineForm::kLdb;
  signature.name = fields[0];
  if (signature.name.empty()) return Fail("no name");
  if (auto failure = Attributes(signature, level).Parse(fields[1])) {
    return *failure;
  }
  Parsed<Logic> logic = ParseLogic(fields[2]);
  if (IsFailure(logic)) return std::get<ParseFailure>(logic);
  signature.logic = std::get<Logic>(std::move(logic));
  const size_t count = fields.size() - 3;
  if (count > kSubsignaturesMax) return Fail("more than 64 subsignatures");
  if (HighestIndex(signature.logic) != count - 1) {
    return Fail("the logic does not name the last subsignature");
  }
  for (size_t index = 0; index < count; ++index) {
    Parsed<Subsignature> one =
        ParseSubsignature(fields[3 + index], signature.target, index);
    if (IsFailure(one)) return std::get<ParseFailure>(one);
    signature.subsignatures.push_back(std::get<Subsignature>(std::move(one)));
  }
  return signature;
}

}  // namespace

std::optional<LineForm> LineFormOf(std::string_view extension) {
  using Pair = std::pair<std::string_view, LineForm>;
  constexpr std::array<Pair, 15> kForms = {{
      {"ndb", LineForm::kNdb},
      {"ndu", LineForm::kNdb},
      {"sdb", LineForm::kNdb},
      {"ldb", LineForm::kLdb},
      {"ldu", LineForm::kLdb},
      {"db", LineForm::kDb},
      {"hdb", LineForm::kHash},
      {"hsb", LineForm::kHash},
      {"hdu", LineForm::kHash},
      {"hsu", LineForm::kHash},
      {"fp", LineForm::kHash},
      {"sfp", LineForm::kHash},
      {"mdb", LineForm::kSectionHash},
      {"msb", LineForm::kSectionHash},
      {"imp", LineForm::kImport},
  }};
  for (const auto& [name, form] : kForms) {
    if (name == extension) return form;
  }
  return std::nullopt;
}

Parsed<Signature> ParseLine(LineForm form, std::string_view line,
                            uint64_t functionality_level) {
  while (line.ends_with('\r') || line.ends_with('\n')) line.remove_suffix(1);
  if (line.empty() || line.starts_with('#')) return Skip("a comment");
  switch (form) {
    case LineForm::kNdb:
      return ParseNdb(line, functionality_level);
    case LineForm::kLdb:
      return ParseLdb(line, functionality_level);
    case LineForm::kDb:
      return ParseDb(line);
    case LineForm::kHash:
    case LineForm::kSectionHash:
    case LineForm::kImport:
      return ParseHash(form, line, functionality_level);
  }
  return Fail("an unknown form of line");
}

}  // namespace gatehouse::oracle
