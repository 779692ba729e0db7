#include "signatures/clamav/target_description.h"

#include <optional>
#include <utility>

#include "signatures/clamav/ndb_line.h"

namespace gatehouse {
namespace {

constexpr std::string_view kTypePrefix = "CL_TYPE_";
// Older engines know no other keys than Engine and Target.
constexpr uint64_t kNewerKeyLevel = 51;

std::optional<NumberRange> ParseRange(std::string_view text) {
  const size_t dash = text.find('-');
  const std::optional<uint64_t> min = ParseDecimal(text.substr(0, dash));
  if (!min || dash == std::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> max = ParseDecimal(text.substr(dash + 1));
  if (!max || *max < *min) return std::nullopt;
  return NumberRange{*min, *max};
}

// Says what is wrong with one key, or nothing.
using Objection = std::variant<std::monostate, SkippedLine, MalformedLine>;

class Parser {
 public:
  Objection Take(std::string_view key, std::string_view value);
  Objection Finish();

  TargetDescription description;

 private:
  Objection TakeValue(std::string_view key, std::string_view value);
  Objection TakeRange(std::string_view key, std::string_view value);
  Objection TakeContainers(std::string_view value, bool is_chain);

  bool has_target_ = false;
  bool is_first_ = true;
  bool has_newer_key_ = false;
  uint64_t level_min_ = 0;
};

Objection Parser::TakeRange(std::string_view key, std::string_view value) {
  const std::optional<NumberRange> range = ParseRange(value);
  if (!range) {
    return MalformedLine{"range of " + std::string(key) + " is not understood"};
  }
  Gates& gates = description.gates;
  if (key == "Engine") {
    if (!is_first_) return MalformedLine{"Engine does not come first"};
    level_min_ = range->min;
    if (range->includes(kFunctionalityLevel)) return {};
    return OutsideLevelRange();
  }
  if (key == "FileSize") {
    gates.file_size = *range;
  } else if (key == "EntryPoint") {
    gates.entry_point = *range;
    gates.has_entry_point = true;
  } else {
    gates.sections = *range;
    gates.has_sections = true;
  }
  return {};
}

Objection Parser::TakeContainers(std::string_view value, bool is_chain) {
  std::vector<std::string>& containers = description.gates.containers;
  while (true) {
    const size_t end = is_chain ? value.find('>') : std::string_view::npos;
    const std::string_view type = value.substr(0, end);
    if (!type.starts_with(kTypePrefix)) {
      return MalformedLine{"a container's type is not understood"};
    }
    if (containers.size() == kContainersMax) {
      return MalformedLine{"more than 16 containers"};
    }
    containers.emplace_back(type);
    if (end == std::string_view::npos) return {};
    value.remove_prefix(end + 1);
  }
}

Objection Parser::Take(std::string_view key, std::string_view value) {
  Objection objection = TakeValue(key, value);
  is_first_ = false;
  has_newer_key_ = has_newer_key_ || (key != "Engine" && key != "Target");
  return objection;
}

Objection Parser::TakeValue(std::string_view key, std::string_view value) {
  if (key == "Engine" || key == "FileSize" || key == "EntryPoint" ||
      key == "NumberOfSections") {
    return TakeRange(key, value);
  }
  if (key == "Container") return TakeContainers(value, false);
  if (key == "Intermediates") return TakeContainers(value, true);
  if (key == "Target") {
    // Here ClamAV takes no star.
    if (value == "*") return MalformedLine{"target is not a number"};
    const ParsedLine<Target> target = ParseTarget(value);
    if (const auto* wrong = std::get_if<MalformedLine>(&target)) return *wrong;
    if (const auto* other = std::get_if<SkippedLine>(&target)) return *other;
    description.target = std::get<Target>(target);
    has_target_ = true;
    return {};
  }
  if (key == "IconGroup1" || key == "IconGroup2") {
    return SkippedLine{"not supported: icons"};
  }
  if (key == "HandlerType") return SkippedLine{"not supported: HandlerType"};
  return SkippedLine{"not supported: an unknown key of the description"};
}

Objection Parser::Finish() {
  if (!has_target_) return MalformedLine{"description without a target"};
  if (has_newer_key_ && level_min_ < kNewerKeyLevel) {
    return MalformedLine{"Engine is too low for the other keys"};
  }
  const Gates& gates = description.gates;
  if ((gates.has_entry_point || gates.has_sections) &&
      !IsExecutable(description.target)) {
    return MalformedLine{"entry point or sections of a target without them"};
  }
  return {};
}

}  // namespace

ParsedLine<TargetDescription> ParseTargetDescription(std::string_view text) {
  Parser parser;
  std::optional<SkippedLine> skipped;  // A malformed rest counts for more.
  size_t keys = 0;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view pair = text.substr(0, comma);
    const size_t colon = pair.find(':');
    if (colon == std::string_view::npos || ++keys > kDescriptionKeysMax) {
      return MalformedLine{"target description is not understood"};
    }
    const Objection objection =
        parser.Take(pair.substr(0, colon), pair.substr(colon + 1));
    if (const auto* wrong = std::get_if<MalformedLine>(&objection)) {
      return *wrong;
    }
    const auto* other = std::get_if<SkippedLine>(&objection);
    if (other != nullptr && !skipped) skipped = *other;
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (skipped) return *skipped;
  const Objection objection = parser.Finish();
  if (const auto* wrong = std::get_if<MalformedLine>(&objection)) return *wrong;
  return std::move(parser.description);
}

}  // namespace gatehouse
