#include "cli/health_command.h"

#include <algorithm>
#include <vector>

#include "base/display_text.h"
#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/health_text.h"
#include "cli/json_output.h"
#include "cli/system_extension_request.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

// One line with sorted members, as scripts know it from elsewhere.
void PrintObject(const Json& health) {
  const nlohmann::json sorted = health;
  PrintLine(SafeJsonText(Json(sorted), false));
}

ExitCode PrintField(const Json& health, const std::string& name,
                    OutputFormat output) {
  const std::vector<HealthField> fields = HealthFields(health);
  const auto found = std::find_if(
      fields.begin(), fields.end(), [&name](const HealthField& field) {
        return field.name == name || field.key == name;
      });
  if (found == fields.end()) {
    return PrintError(output, ExitCode::kNotFound,
                      "health has no field '" + DisplayText(name) + "'");
  }
  if (output == OutputFormat::kJson) {
    PrintLine(SafeJsonText(health[found->key], false));
  } else {
    PrintLine(found->text);
  }
  return ExitCode::kOk;
}

constexpr const char* kSystemExtensions = "system_extensions";
constexpr const char* kKernelFeatures = "kernel_features";
constexpr const char* kEventRecording = "event_recording";
constexpr const char* kEventLosses = "event_losses";
constexpr const char* kLeftOut = "left_out";
constexpr const char* kAntivirus = "antivirus";
constexpr const char* kDefinitions = "definitions";

Result<Json> AskHealth(const std::string& run_directory) {
  return Ask(run_directory, {{"command", IpcCommandWord(IpcCommand::kHealth)}},
             kHealthType);
}

const char* KeyOf(const std::string& feature) {
  if (feature == kKernelFeatures) return "kernelFeatures";
  if (feature == kLeftOut) return "leftOut";
  if (feature == kAntivirus) return "antivirus";
  if (feature == kDefinitions) return "definitions";
  return feature == kEventRecording ? "eventRecording" : "eventLosses";
}

// A feature that is a field of health, and not shown there.
Result<Json> AskDetails(const std::string& run_directory,
                        const std::string& feature) {
  if (feature == kSystemExtensions) {
    return AskSystemExtension(run_directory, "status");
  }
  const Result<Json> health = AskHealth(run_directory);
  if (!health) return health;
  const auto found = health->find(KeyOf(feature));
  if (found == health->end() || !found->is_object() ||
      !found->contains("value")) {
    return Fail(ErrorCode::kNotFound, "the daemon does not tell of " + feature);
  }
  if ((*found)["value"].is_null()) {
    return Fail(ErrorCode::kNotPermitted, "only root may see " + feature);
  }
  return Json((*found)["value"]);
}

ExitCode PrintDetails(const std::string& run_directory,
                      const std::string& feature, OutputFormat output) {
  if (feature == "help") {
    PrintLine(kSystemExtensions);
    PrintLine(kKernelFeatures);
    PrintLine(kEventRecording);
    PrintLine(kEventLosses);
    PrintLine(kLeftOut);
    PrintLine(kAntivirus);
    PrintLine(kDefinitions);
    return ExitCode::kOk;
  }
  if (feature != kSystemExtensions && feature != kKernelFeatures &&
      feature != kEventRecording && feature != kEventLosses &&
      feature != kLeftOut && feature != kAntivirus && feature != kDefinitions) {
    return PrintError(output, ExitCode::kNotFound,
                      "health has no details of '" + DisplayText(feature) +
                          "': see --details help");
  }
  const Result<Json> state = AskDetails(run_directory, feature);
  if (!state) return PrintError(output, state.error());
  if (output == OutputFormat::kJson) {
    PrintObject(*state);
    return ExitCode::kOk;
  }
  for (const HealthField& field : HealthFields(*state)) {
    PrintLine(HealthLine(field));
  }
  return ExitCode::kOk;
}

ExitCode PrintHealth(const std::string& run_directory, const std::string& field,
                     OutputFormat output) {
  const Result<Json> health = AskHealth(run_directory);
  if (!health) return PrintError(output, health.error());
  if (!field.empty()) return PrintField(*health, field, output);
  if (output == OutputFormat::kJson) {
    PrintObject(*health);
    return ExitCode::kOk;
  }
  for (const HealthField& shown : HealthFields(*health)) {
    if (shown.is_shown) PrintLine(HealthLine(shown));
  }
  return ExitCode::kOk;
}

}  // namespace

HealthCommand::HealthCommand(CommandLine& command_line) {
  Command health = command_line.root().AddCommand(
      "health", "Show how the daemon is",
      [this, &command_line](OutputFormat output) {
        const std::string& run_directory = command_line.run_directory();
        return details_.empty() ? PrintHealth(run_directory, field_, output)
                                : PrintDetails(run_directory, details_, output);
      });
  health.AddText({"--field", "Print the value of one field only", "NAME"},
                 field_);
  health.AddText(
      {"--details", "Show a feature, or 'help' for their names", "FEATURE"},
      details_);
}

}  // namespace gatehouse
