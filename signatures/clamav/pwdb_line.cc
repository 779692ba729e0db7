#include "signatures/clamav/pwdb_line.h"

#include <array>

namespace gatehouse {
namespace {

constexpr std::string_view kEngine = "Engine:";
constexpr std::string_view kContainer = "Container:";
constexpr std::string_view kTarget = "Target:";

// Into four; the last one takes what is left. Nothing if there are fewer.
std::optional<std::array<std::string_view, 4>> SplitLine(
    std::string_view line) {
  std::array<std::string_view, 4> fields;
  for (size_t i = 0; i + 1 < fields.size(); ++i) {
    const size_t end = line.find(';');
    if (end == std::string_view::npos) return std::nullopt;
    fields.at(i) = line.substr(0, end);
    line.remove_prefix(end + 1);
  }
  fields.back() = line;
  return fields;
}

using Objection = std::variant<std::monostate, SkippedLine, MalformedLine>;

Objection TakeLevels(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return MalformedLine{"range of Engine is not understood"};
  }
  const std::optional<LevelRange> levels =
      ParseLevelRange({text.substr(0, dash), text.substr(dash + 1)}, 0);
  if (!levels) return MalformedLine{"range of Engine is not understood"};
  if (!levels->includes(kFunctionalityLevel)) return OutsideLevelRange();
  return {};
}

Objection TakeContainer(std::string_view text, ArchivePassword& password) {
  if (text == "CL_TYPE_ANY") return {};
  // Of others no passwords are known to anybody.
  if (text != "CL_TYPE_ZIP")
    return MalformedLine{"container is not an archive"};
  password.container = text;
  return {};
}

Objection TakePair(std::string_view pair, ArchivePassword& password) {
  if (pair.starts_with(kEngine)) return TakeLevels(pair.substr(kEngine.size()));
  if (pair.starts_with(kContainer)) {
    return TakeContainer(pair.substr(kContainer.size()), password);
  }
  if (pair.starts_with(kTarget)) {
    if (ParseDecimal(pair.substr(kTarget.size()))) return {};
    return MalformedLine{"target is not a number"};
  }
  if (pair.find(':') == std::string_view::npos) {
    return MalformedLine{"description is not understood"};
  }
  return SkippedLine{"not supported: an unknown key of the description"};
}

// A malformed rest counts for more than what is skipped.
Objection TakeDescription(std::string_view text, ArchivePassword& password) {
  Objection first;
  while (true) {
    const size_t comma = text.find(',');
    Objection objection = TakePair(text.substr(0, comma), password);
    if (std::holds_alternative<MalformedLine>(objection)) return objection;
    if (std::holds_alternative<std::monostate>(first)) first = objection;
    if (comma == std::string_view::npos) return first;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

ParsedLine<ArchivePassword> ParsePwdbLine(std::string_view line) {
  const auto fields = SplitLine(line);
  if (!fields) return MalformedLine{"expected 4 fields"};
  const auto& [name, description, kind, text] = *fields;
  if (name.empty()) return MalformedLine{"no name"};
  ArchivePassword password;
  password.name = name;
  const Objection objection = TakeDescription(description, password);
  if (const auto* wrong = std::get_if<MalformedLine>(&objection)) return *wrong;
  if (kind == "0") {
    password.password.assign(text.begin(), text.end());
  } else if (kind == "1") {
    const auto bytes = ParseHex(text);
    if (!bytes) return MalformedLine{"password is not hexadecimal"};
    password.password = *bytes;
  } else {
    return MalformedLine{"kind of password is not 0 or 1"};
  }
  if (password.password.empty()) return MalformedLine{"no password"};
  if (const auto* other = std::get_if<SkippedLine>(&objection)) return *other;
  return password;
}

}  // namespace gatehouse
