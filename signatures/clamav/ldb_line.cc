#include "signatures/clamav/ldb_line.h"

#include <utility>

#include "signatures/clamav/logic_text.h"
#include "signatures/clamav/subsignature.h"
#include "signatures/clamav/target_description.h"

namespace gatehouse {
namespace {

constexpr size_t kName = 0;
constexpr size_t kDescription = 1;
constexpr size_t kLogic = 2;
constexpr size_t kFirstAtom = 3;

// At semicolons, but not at those inside /.../.
std::vector<std::string_view> SplitLdbLine(std::string_view line) {
  std::vector<std::string_view> fields;
  bool is_in_expression = false;
  size_t begin = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool is_escaped = i != 0 && line[i - 1] == '\\';
    if (line[i] == '/' && fields.size() >= kLogic && !is_escaped) {
      is_in_expression = !is_in_expression;
    }
    if (line[i] != ';' || is_in_expression) continue;
    fields.push_back(line.substr(begin, i - begin));
    begin = i + 1;
  }
  fields.push_back(line.substr(begin));
  return fields;
}

}  // namespace

ParsedLine<Signature> ParseLdbLine(std::string_view line) {
  const std::vector<std::string_view> fields = SplitLdbLine(line);
  if (fields.size() <= kFirstAtom) {
    return MalformedLine{"expected 4 fields or more, found " +
                         std::to_string(fields.size())};
  }
  if (fields.size() - kFirstAtom > kAtomsMax) {
    return MalformedLine{"more than 64 subsignatures"};
  }
  if (fields[kName].empty()) return MalformedLine{"no name"};
  ParsedLine<TargetDescription> description =
      ParseTargetDescription(fields[kDescription]);
  if (auto* wrong = std::get_if<MalformedLine>(&description)) return *wrong;
  if (auto* skipped = std::get_if<SkippedLine>(&description)) return *skipped;
  Signature signature;
  signature.name = fields[kName];
  auto& described = std::get<TargetDescription>(description);
  signature.target = described.target;
  signature.gates = std::move(described.gates);
  for (size_t i = kFirstAtom; i < fields.size(); ++i) {
    const auto index = static_cast<uint32_t>(i - kFirstAtom);
    ParsedLine<Atom> atom =
        ParseSubsignature(fields[i], index, signature.target, signature.logic);
    if (auto* wrong = std::get_if<MalformedLine>(&atom)) {
      return MalformedLine{"subsignature " + std::to_string(index) + ": " +
                           wrong->reason};
    }
    if (auto* skipped = std::get_if<SkippedLine>(&atom)) return *skipped;
    signature.atoms.push_back(std::get<Atom>(std::move(atom)));
  }
  const auto logic = ParseLogic(fields[kLogic], signature.logic);
  if (const auto* reason = std::get_if<std::string>(&logic)) {
    return MalformedLine{*reason};
  }
  if (std::get<ParsedLogic>(logic).atom_max + 1 != signature.atoms.size()) {
    return MalformedLine{"logic does not use the last subsignature"};
  }
  return signature;
}

}  // namespace gatehouse
