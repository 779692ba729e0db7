#include "cli/health_text.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/display_text.h"
#include "cli/json_output.h"
#include "cli/local_time.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr size_t kNameColumns = 44;
constexpr std::string_view kUnavailable = "unavailable";

constexpr std::array<std::string_view, 40> kDocumentedOrder = {
    "healthy",
    "health_issues",
    "licensed",
    "engine_version",
    "engine_load_status",
    "app_version",
    "org_id",
    "log_level",
    "machine_guid",
    "release_ring",
    "product_expiration",
    "cloud_enabled",
    "cloud_automatic_sample_submission_consent",
    "cloud_diagnostic_enabled",
    "cloud_pin_certificate_thumbs",
    "passive_mode_enabled",
    "behavior_monitoring",
    "real_time_protection_enabled",
    "real_time_protection_available",
    "real_time_protection_subsystem",
    "network_events_subsystem",
    "supplementary_events_subsystem",
    "device_control_enforcement_level",
    "tamper_protection",
    "automatic_definition_update_enabled",
    "definitions_updated",
    "definitions_updated_minutes_ago",
    "definitions_version",
    "definitions_status",
    "edr_early_preview_enabled",
    "edr_device_tags",
    "edr_group_ids",
    "edr_configuration_version",
    "edr_machine_id",
    "conflicting_applications",
    "network_protection_status",
    "network_protection_enforcement_level",
    "data_loss_prevention_status",
    "full_disk_access_enabled",
    "troubleshooting_mode",
};

// Text that holds milliseconds since 1970.
constexpr std::array<std::string_view, 4> kTimes = {
    "product_expiration", "definitions_updated",
    "last_on_demand_scan_start_time", "last_on_demand_scan_end_time"};

std::string Quoted(std::string_view text) {
  return "\"" + DisplayText(text) + "\"";
}

std::string ValueText(const Json& value) {
  if (value.is_null()) return std::string(kUnavailable);
  // The word for what cannot be told has no quotes, as in Defender's output.
  if (value == kUnavailable) return std::string(kUnavailable);
  if (value.is_string()) return Quoted(value.get_ref<const std::string&>());
  // An enumerator that could carry more than its name.
  if (value.is_object() && !TypeOf(value).empty()) {
    return Quoted(SnakeCase(TypeOf(value)));
  }
  return SafeJsonText(value, false);
}

// A value that can be configured: {displayValue, isManaged, value}.
bool IsSetting(const Json& value) {
  return value.is_object() && value.contains("value") &&
         value.contains("isManaged");
}

bool IsFalse(const Result<bool>& answer) { return answer && !*answer; }

HealthField FieldOf(const Json& health, const std::string& key,
                    const Json& value) {
  HealthField field;
  field.key = key;
  field.name = SnakeCase(key);
  if (IsSetting(value)) {
    field.text = ValueText(value["value"]);
    const Result<bool> is_managed = BoolMember(value, "isManaged");
    if (is_managed && *is_managed) field.text += " [managed]";
    field.is_shown = !IsFalse(BoolMember(value, "displayValue"));
    return field;
  }
  field.text = ValueText(value);
  if (std::find(kTimes.begin(), kTimes.end(), field.name) != kTimes.end()) {
    const Result<int64_t> time = TimeMember(health, key);
    if (time) field.text = HealthTimeText(*time);
  }
  return field;
}

size_t RankOf(const HealthField& field) {
  const auto* const found =
      std::find(kDocumentedOrder.begin(), kDocumentedOrder.end(), field.name);
  return static_cast<size_t>(found - kDocumentedOrder.begin());
}

}  // namespace

std::string SnakeCase(std::string_view camel_case) {
  std::string snake;
  for (const char c : camel_case) {
    const bool is_capital = c >= 'A' && c <= 'Z';
    if (is_capital && !snake.empty()) snake += '_';
    snake += is_capital ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return DisplayText(snake);
}

std::vector<HealthField> HealthFields(const Json& health) {
  std::vector<HealthField> fields;
  for (const auto& [key, value] : health.items()) {
    if (key != "$type") fields.push_back(FieldOf(health, key, value));
  }
  std::stable_sort(fields.begin(), fields.end(),
                   [](const HealthField& a, const HealthField& b) {
                     return RankOf(a) < RankOf(b);
                   });
  return fields;
}

std::string HealthLine(const HealthField& field) {
  std::string line = field.name;
  line.resize(std::max(line.size(), kNameColumns), ' ');
  return line + ": " + field.text;
}

}  // namespace gatehouse
