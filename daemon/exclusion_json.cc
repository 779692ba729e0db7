#include "daemon/exclusion_json.h"

#include <string_view>
#include <utility>

namespace gatehouse {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPathType = "excludedPath";
constexpr std::string_view kExtensionType = "excludedFileExtension";
constexpr std::string_view kProcessType = "excludedFileName";

Unexpected Wrong(const std::string& where, const char* what) {
  return Fail(ErrorCode::kInvalidInput, where + ": " + what);
}

Result<std::string> Text(const Json& json, const char* key,
                         const std::string& where) {
  const auto value = json.find(key);
  if (value == json.end() || !value->is_string()) {
    return Fail(ErrorCode::kInvalidInput,
                where + "." + key + ": must be a string");
  }
  return value->get<std::string>();
}

// {"scopes":["epp"]}: one of them; with both it is epp, which includes real
// time.
Result<ExclusionScope> ScopeOf(const Json& json, const std::string& where,
                               ExclusionScope scope_if_absent) {
  const auto scopes = json.find("scopes");
  if (scopes == json.end()) return scope_if_absent;
  if (!scopes->is_array() || scopes->empty()) {
    return Wrong(where, "'scopes' must be a list of epp, global");
  }
  ExclusionScope scope = ExclusionScope::kGlobal;
  for (const Json& word : *scopes) {
    if (!word.is_string()) return Wrong(where, "a scope must be a string");
    const Result<ExclusionScope> one =
        ExclusionScopeOf(word.get<std::string>());
    if (!one) {
      return Fail(ErrorCode::kInvalidInput, where + ": " + one.error().message);
    }
    if (*one == ExclusionScope::kEpp) scope = ExclusionScope::kEpp;
  }
  return scope;
}

Result<ExclusionKind> KindOf(const Json& json, const std::string& where) {
  const Result<std::string> type = Text(json, "$type", where);
  if (!type) return Unexpected(type.error());
  if (*type == kExtensionType) return ExclusionKind::kExtension;
  if (*type == kProcessType) return ExclusionKind::kProcess;
  if (*type != kPathType) return Wrong(where, "'$type' is not known");
  const auto is_directory = json.find("isDirectory");
  if (is_directory == json.end()) return ExclusionKind::kFile;
  if (!is_directory->is_boolean()) {
    return Wrong(where, "'isDirectory' must be true or false");
  }
  return is_directory->get<bool>() ? ExclusionKind::kFolder
                                   : ExclusionKind::kFile;
}

const char* TextKey(ExclusionKind kind) {
  switch (kind) {
    case ExclusionKind::kFile:
    case ExclusionKind::kFolder:
      return "path";
    case ExclusionKind::kExtension:
      return "extension";
    case ExclusionKind::kProcess:
      return "name";
  }
  return "";
}

}  // namespace

Json ExclusionJson(const Exclusion& exclusion) {
  Json json{{TextKey(exclusion.kind), exclusion.text},
            {"scopes", {ExclusionScopeWord(exclusion.scope)}}};
  switch (exclusion.kind) {
    case ExclusionKind::kFile:
    case ExclusionKind::kFolder:
      json["$type"] = kPathType;
      json["isDirectory"] = exclusion.kind == ExclusionKind::kFolder;
      break;
    case ExclusionKind::kExtension:
      json["$type"] = kExtensionType;
      break;
    case ExclusionKind::kProcess:
      json["$type"] = kProcessType;
      break;
  }
  return json;
}

Result<Exclusion> ExclusionOfJson(const Json& json, const std::string& where,
                                  ExclusionScope scope_if_absent) {
  if (!json.is_object()) return Wrong(where, "must be an object");
  const Result<ExclusionKind> kind = KindOf(json, where);
  if (!kind) return Unexpected(kind.error());
  const Result<ExclusionScope> scope = ScopeOf(json, where, scope_if_absent);
  if (!scope) return Unexpected(scope.error());
  Result<std::string> text = Text(json, TextKey(*kind), where);
  if (!text) return Unexpected(text.error());
  Exclusion exclusion{*kind, std::move(*text), *scope, false};
  Result<Exclusion> checked = CheckedExclusion(exclusion);
  if (!checked && json.find("scopes") == json.end()) {
    // Of the scope that was not named, it cannot be: then of the other.
    exclusion.scope = ExclusionScope::kEpp;
    checked = CheckedExclusion(exclusion);
  }
  if (checked) return checked;
  return Fail(ErrorCode::kInvalidInput, where + ": " + checked.error().message);
}

Result<std::vector<Exclusion>> ExclusionsOfJson(
    const Json& json, const std::string& where,
    ExclusionScope scope_if_absent) {
  if (!json.is_array()) {
    return Fail(ErrorCode::kInvalidInput, where + ": must be a list");
  }
  if (json.size() > Exclusions::kExclusionsMax) {
    return Fail(ErrorCode::kLimitExceeded,
                where + ": more than " +
                    std::to_string(Exclusions::kExclusionsMax) + " exclusions");
  }
  std::vector<Exclusion> exclusions;
  for (size_t i = 0; i < json.size(); ++i) {
    Result<Exclusion> one = ExclusionOfJson(
        json.at(i), where + "[" + std::to_string(i) + "]", scope_if_absent);
    if (!one) return Unexpected(one.error());
    exclusions.push_back(std::move(*one));
  }
  return exclusions;
}

}  // namespace gatehouse
