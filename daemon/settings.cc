#include "daemon/settings.h"

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "daemon/replace_file.h"

namespace gatehouse {
namespace {

using Json = nlohmann::json;

constexpr const char* kRealTimeProtection = "realTimeProtection";

std::string SettingsPath(const std::string& state_directory) {
  return state_directory + "/settings.json";
}

}  // namespace

Result<Settings> LoadSettings(const std::string& state_directory) {
  const std::string path = SettingsPath(state_directory);
  Settings settings;
  std::ifstream file(path);
  if (!file.is_open()) {
    const int error_number = errno;
    if (error_number == ENOENT) return settings;
    return FailSystem("open '" + path + "'", error_number);
  }
  std::ostringstream text;
  text << file.rdbuf();
  const Json root = Json::parse(text.str(), nullptr, false);
  if (root.is_discarded() || !root.is_object()) {
    return Fail(ErrorCode::kInvalidInput, "'" + path + "' is no JSON object");
  }
  const auto value = root.find(kRealTimeProtection);
  if (value == root.end()) return settings;
  if (*value != "enabled" && *value != "disabled") {
    return Fail(ErrorCode::kInvalidInput,
                "'" + path + "': " + kRealTimeProtection +
                    " must be \"enabled\" or \"disabled\"");
  }
  settings.real_time_protection = *value == "enabled";
  return settings;
}

Result<bool> SaveSettings(const std::string& state_directory,
                          const Settings& settings) {
  Json root = Json::object();
  if (settings.real_time_protection) {
    root[kRealTimeProtection] =
        *settings.real_time_protection ? "enabled" : "disabled";
  }
  return ReplaceFile(SettingsPath(state_directory), root.dump(2) + "\n",
                     Durability::kDurable);
}

}  // namespace gatehouse
