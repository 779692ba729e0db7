#include "signatures/clamav/ndb_line.h"

#include <utility>

#include "signatures/clamav/hex_pattern.h"
#include "signatures/clamav/offset_field.h"

namespace gatehouse {
namespace {

// `hex` becomes the only atom of a signature.
ParsedLine<Signature> SignatureOf(std::string_view name, Target target,
                                  const PatternOffset& offset,
                                  std::string_view hex) {
  auto pattern = ParseHexPattern(hex, {});
  if (auto* reason = std::get_if<std::string>(&pattern)) {
    return MalformedLine{std::move(*reason)};
  }
  Signature signature;
  signature.name = name;
  signature.target = target;
  PatternAtom atom;
  atom.variants.push_back(std::get<std::vector<uint8_t>>(std::move(pattern)));
  atom.offset = offset;
  signature.atoms.emplace_back(std::move(atom));
  signature.logic = SingleAtomLogic();
  return signature;
}

}  // namespace

ParsedLine<Target> ParseTarget(std::string_view text) {
  const std::optional<uint64_t> target =
      text == "*" ? uint64_t{0} : ParseDecimal(text);
  if (!target) return MalformedLine{"target is not a number"};
  if (*target >= kTargetCount) {
    return SkippedLine{"unknown target " + std::to_string(*target)};
  }
  return static_cast<Target>(*target);
}

ParsedLine<Signature> ParseNdbLine(std::string_view line) {
  const std::vector<std::string_view> fields = SplitFields(line);
  if (fields.size() < 4 || fields.size() > 6) {
    return MalformedLine{"expected 4 to 6 fields, found " +
                         std::to_string(fields.size())};
  }
  if (fields[0].empty()) return MalformedLine{"no name"};
  const std::optional<LevelRange> levels = ParseLevelRange(fields, 4);
  if (!levels) return MalformedLine{"functionality level is not a number"};
  const ParsedLine<Target> target = ParseTarget(fields[1]);
  if (const auto* wrong = std::get_if<MalformedLine>(&target)) return *wrong;
  if (!levels->includes(kFunctionalityLevel)) return OutsideLevelRange();
  if (const auto* skipped = std::get_if<SkippedLine>(&target)) return *skipped;
  const ParsedLine<PatternOffset> offset =
      ParseOffsetField(fields[2], std::get<Target>(target));
  if (const auto* wrong = std::get_if<MalformedLine>(&offset)) return *wrong;
  return SignatureOf(fields[0], std::get<Target>(target),
                     std::get<PatternOffset>(offset), fields[3]);
}

ParsedLine<Signature> ParseDbLine(std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return MalformedLine{"expected Name=Hex"};
  }
  return SignatureOf(line.substr(0, equals), Target::kAny, {},
                     line.substr(equals + 1));
}

}  // namespace gatehouse
