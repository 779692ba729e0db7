#include "daemon/threat_config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/display_text.h"
#include "daemon/allowed_threats.h"

namespace gatehouse {
namespace {

using Value = nlohmann::json;
using Reader = Result<bool> (*)(const Value& value, const std::string& where,
                                DaemonConfig& config);

Unexpected Wrong(const std::string& where, std::string_view what) {
  std::string message = where + ": ";
  return Fail(ErrorCode::kInvalidInput, message.append(what));
}

Result<std::string> TextOf(const Value& value, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  return Wrong(where, "must be a string");
}

Result<bool> ReadAllowedThreats(const Value& value, const std::string& where,
                                DaemonConfig& config) {
  if (!value.is_array()) return Wrong(where, "must be a list");
  for (const Value& one : value) {
    Result<AllowedThreat> threat = ReadAllowedThreat(one, where);
    if (!threat) return Unexpected(threat.error());
    config.allowed_threats.push_back(std::move(*threat));
  }
  return true;
}

Result<bool> ReadDisallowedActions(const Value& value, const std::string& where,
                                   DaemonConfig& config) {
  if (!value.is_array()) return Wrong(where, "must be a list");
  for (const Value& one : value) {
    if (one == "allow") {
      config.may_allow_threats = false;
    } else if (one == "restore") {
      config.may_restore_threats = false;
    } else {
      return Wrong(where, "must be a list of allow, restore");
    }
  }
  return true;
}

Result<bool> ReadTypeSettings(const Value& value, const std::string& where,
                              DaemonConfig& config) {
  if (!value.is_array()) return Wrong(where, "must be a list");
  for (const Value& one : value) {
    if (!one.is_object() || !one.contains("key") || !one.contains("value")) {
      return Wrong(where, "must be a list of {key, value}");
    }
    const Result<std::string> key = TextOf(one["key"], where + ".key");
    if (!key) return Unexpected(key.error());
    const Result<std::string> word = TextOf(one["value"], where + ".value");
    if (!word) return Unexpected(word.error());
    const Result<size_t> type = CheckedThreatType(*key);
    if (!type) return Wrong(where, type.error().message);
    const Result<ThreatTypeAction> action = CheckedThreatTypeAction(*word);
    if (!action) return Wrong(where, action.error().message);
    config.threat_type_actions.at(*type) = *action;
  }
  return true;
}

Result<bool> ReadTypeMergePolicy(const Value& value, const std::string& where,
                                 DaemonConfig& config) {
  if (value != "merge" && value != "admin_only") {
    return Wrong(where, "must be merge or admin_only");
  }
  config.managed_threat_types_only = value == "admin_only";
  return true;
}

Result<uint32_t> NumberWithin(const Value& value, const std::string& where,
                              uint32_t min, uint32_t max) {
  if (value.is_number_integer() && value >= min && value <= max) {
    return value.get<uint32_t>();
  }
  return Wrong(where, "must be a number from " + std::to_string(min) + " to " +
                          std::to_string(max));
}

Result<bool> ReadRetentionDays(const Value& value, const std::string& where,
                               DaemonConfig& config) {
  const Result<uint32_t> days =
      NumberWithin(value, where, kRetentionDaysMin, kRetentionDaysMax);
  if (!days) return Unexpected(days.error());
  config.retention_days = *days;
  return true;
}

Result<bool> ReadItemsMax(const Value& value, const std::string& where,
                          DaemonConfig& config) {
  const Result<uint32_t> items =
      NumberWithin(value, where, kHistoryItemsMin, kHistoryItemsMax);
  if (!items) return Unexpected(items.error());
  config.history_items_max = *items;
  return true;
}

constexpr std::array<std::pair<std::string_view, Reader>, 6> kReaders = {{
    {"allowedThreats", ReadAllowedThreats},
    {"disallowedThreatActions", ReadDisallowedActions},
    {"threatTypeSettings", ReadTypeSettings},
    {"threatTypeSettingsMergePolicy", ReadTypeMergePolicy},
    {"scanResultsRetentionDays", ReadRetentionDays},
    {"scanHistoryMaximumItems", ReadItemsMax},
}};

Reader ReaderOf(std::string_view key) {
  for (const auto& [known, reader] : kReaders) {
    if (known == key) return reader;
  }
  return nullptr;
}

}  // namespace

bool IsThreatKey(std::string_view key) { return ReaderOf(key) != nullptr; }

Result<bool> ReadThreatKey(std::string_view key, const Value& value,
                           const std::string& where, DaemonConfig& config) {
  const Reader reader = ReaderOf(key);
  if (reader == nullptr) return Wrong(where, "unknown key");
  return reader(value, where, config);
}

Result<size_t> CheckedThreatType(const std::string& type) {
  const std::optional<size_t> index = ConfigurableTypeIndex(type);
  if (index) return *index;
  return Fail(ErrorCode::kNotFound,
              "'" + DisplayText(type) +
                  "' is none of potentially_unwanted_application, "
                  "archive_bomb");
}

Result<ThreatTypeAction> CheckedThreatTypeAction(const std::string& word) {
  const std::optional<ThreatTypeAction> action = ThreatTypeActionOf(word);
  if (action) return *action;
  return Fail(ErrorCode::kInvalidInput,
              "'" + DisplayText(word) + "' is none of block, audit, off");
}

}  // namespace gatehouse
