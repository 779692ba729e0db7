#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/options.h"

namespace gatehouse {
namespace {

using Json = nlohmann::json;

// Keys of Defender's managed configuration that this version acts on.
constexpr std::string_view kSection = "antivirusEngine";
constexpr std::string_view kEnforcementLevel = "enforcementLevel";

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

Result<bool> ReadEngineSection(const Json& members, const std::string& path,
                               DaemonConfig& config) {
  const std::string section(kSection);
  if (!members.is_object()) {
    return Fail(ErrorCode::kInvalidInput,
                path + ": '" + section + "' must be an object");
  }
  const std::string prefix = path + ": " + section + ".";
  for (const auto& [key, value] : members.items()) {
    std::string where = prefix;
    where += key;
    if (key == kEnforcementLevel) {
      Result<bool> read = ReadEnforcementLevel(value, where, config);
      if (!read) return read;
    } else {
      where += ": unknown key";
      config.warnings.push_back(std::move(where));
    }
  }
  return true;
}

Result<bool> ReadSections(const Json& root, const std::string& path,
                          DaemonConfig& config) {
  for (const auto& [section, members] : root.items()) {
    if (section == kSection) {
      Result<bool> read = ReadEngineSection(members, path, config);
      if (!read) return read;
    } else {
      std::string warning = path;
      warning.append(": unknown section '").append(section).append("'");
      config.warnings.push_back(std::move(warning));
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
