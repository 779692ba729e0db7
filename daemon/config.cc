#include <array>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/exclusion_json.h"
#include "daemon/options.h"
#include "daemon/threat_config.h"

namespace gatehouse {
namespace {

using Json = nlohmann::json;

// Keys of Defender's managed configuration that this version acts on.
constexpr std::string_view kEngineSection = "antivirusEngine";
constexpr std::string_view kEnforcementLevel = "enforcementLevel";
constexpr std::string_view kExclusionSection = "exclusionSettings";
constexpr std::string_view kExclusions = "exclusions";
constexpr std::string_view kMergePolicy = "mergePolicy";
constexpr std::string_view kExclusionsMergePolicy = "exclusionsMergePolicy";
// What Defender's has no key for.
constexpr std::string_view kOwnSection = "gatehouse";
constexpr std::string_view kReleaseRing = "releaseRing";
constexpr std::string_view kExtensionApproved = "systemExtensionApproved";
constexpr std::string_view kMissPolicy = "missPolicy";
constexpr std::string_view kAnySizeHashes = "anySizeHashes";
constexpr std::array<std::string_view, 3> kReleaseRings = {
    "Production", "External", "InsiderFast"};

Result<bool> ReadEnforcementLevel(const Json& value, const std::string& where,
                                  DaemonConfig& config) {
  if (!value.is_string()) {
    return Fail(ErrorCode::kInvalidInput, where + ": must be a string");
  }
  const auto level = value.get<std::string>();
  if (level == "real_time") {
    config.real_time_protection = true;
  } else if (level == "on_demand") {
    config.real_time_protection = false;
  } else {
    return Fail(ErrorCode::kInvalidInput,
                where + ": '" + level +
                    "' is not one of real_time, on_demand"
                    " (passive is not supported)");
  }
  return true;
}

Result<bool> ReadReleaseRing(const Json& value, const std::string& where,
                             DaemonConfig& config) {
  for (const std::string_view ring : kReleaseRings) {
    if (value == ring) {
      config.release_ring = ring;
      return true;
    }
  }
  return Fail(ErrorCode::kInvalidInput,
              where + ": must be one of Production, External, InsiderFast");
}

Result<bool> ReadMissPolicy(const Json& value, const std::string& where,
                            DaemonConfig& config) {
  for (const MissProfile profile :
       {MissProfile::kDefault, MissProfile::kStrict}) {
    if (value == MissProfileWord(profile)) {
      config.miss_profile = profile;
      return true;
    }
  }
  return Fail(ErrorCode::kInvalidInput, where + ": must be default or strict");
}

Result<bool> BooleanOf(const Json& value, const std::string& where) {
  if (value.is_boolean()) return value.get<bool>();
  return Fail(ErrorCode::kInvalidInput, where + ": must be true or false");
}

Result<bool> ReadOwnKey(const std::string& key, const Json& value,
                        const std::string& where, DaemonConfig& config) {
  if (key == kReleaseRing) return ReadReleaseRing(value, where, config);
  if (key == kMissPolicy) return ReadMissPolicy(value, where, config);
  if (key != kExtensionApproved && key != kAnySizeHashes) {
    config.warnings.push_back(where + ": unknown key");
    return true;
  }
  Result<bool> is_on = BooleanOf(value, where);
  if (!is_on) return is_on;
  if (key == kExtensionApproved) {
    config.extension_approved = *is_on;
  } else {
    config.any_size_hashes = *is_on;
  }
  return true;
}

Result<bool> ReadExclusions(const Json& value, const std::string& where,
                            DaemonConfig& config) {
  // Without scopes: global, as in Defender's configuration.
  Result<std::vector<Exclusion>> exclusions =
      ExclusionsOfJson(value, where, ExclusionScope::kGlobal);
  if (!exclusions) return Unexpected(exclusions.error());
  for (Exclusion& exclusion : *exclusions) {
    config.exclusions.push_back(std::move(exclusion));
  }
  return true;
}

Result<bool> ReadMergePolicy(const Json& value, const std::string& where,
                             DaemonConfig& config) {
  if (value != "merge" && value != "admin_only") {
    return Fail(ErrorCode::kInvalidInput,
                where + ": must be merge or admin_only");
  }
  if (value == "admin_only") config.managed_exclusions_only = true;
  return true;
}

// One key of one section; unknown ones are warnings.
Result<bool> ReadKey(std::string_view section, const std::string& key,
                     const Json& value, const std::string& where,
                     DaemonConfig& config) {
  if (section == kEngineSection && key == kEnforcementLevel) {
    return ReadEnforcementLevel(value, where, config);
  }
  const bool is_engine = section == kEngineSection;
  const bool is_exclusions = section == kExclusionSection;
  if ((is_engine || is_exclusions) && key == kExclusions) {
    return ReadExclusions(value, where, config);
  }
  if (is_engine && IsThreatKey(key)) {
    return ReadThreatKey(key, value, where, config);
  }
  if ((is_engine && key == kExclusionsMergePolicy) ||
      (is_exclusions && key == kMergePolicy)) {
    return ReadMergePolicy(value, where, config);
  }
  if (section == kOwnSection) return ReadOwnKey(key, value, where, config);
  config.warnings.push_back(where + ": unknown key");
  return true;
}

Result<bool> ReadSections(const Json& root, const std::string& path,
                          DaemonConfig& config) {
  for (const auto& [section, members] : root.items()) {
    if (section != kEngineSection && section != kExclusionSection &&
        section != kOwnSection) {
      std::string warning = path;
      warning.append(": unknown section '").append(section).append("'");
      config.warnings.push_back(std::move(warning));
      continue;
    }
    if (!members.is_object()) {
      std::string problem = path;
      problem.append(": '").append(section).append("' must be an object");
      return Fail(ErrorCode::kInvalidInput, std::move(problem));
    }
    for (const auto& [key, value] : members.items()) {
      std::string where = path;
      where.append(": ").append(section).append(".").append(key);
      Result<bool> read = ReadKey(section, key, value, where, config);
      if (!read) return read;
    }
  }
  return true;
}

}  // namespace

Result<DaemonConfig> ReadConfig(const DaemonOptions& options) {
  DaemonConfig config;
  std::ifstream file(options.config_path);
  if (!file.is_open()) {
    const int error_number = errno;
    if (options.config_is_default && error_number == ENOENT) return config;
    return FailSystem("open '" + options.config_path + "'", error_number);
  }
  // Not by iterators: those throw when the path is a directory.
  std::ostringstream text;
  text << file.rdbuf();
  const Json root = Json::parse(text.str(), nullptr, false);
  if (root.is_discarded() || !root.is_object()) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + options.config_path + "' is not a JSON object");
  }
  const Result<bool> read = ReadSections(root, options.config_path, config);
  if (!read) return Unexpected(read.error());
  return config;
}

}  // namespace gatehouse
