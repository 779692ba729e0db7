#include "cli/health_command.h"

#include <algorithm>
#include <vector>

#include "base/display_text.h"
#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/health_text.h"
#include "cli/json_output.h"
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

ExitCode PrintHealth(const std::string& run_directory, const std::string& field,
                     OutputFormat output) {
  const Result<Json> health =
      Ask(run_directory, {{"command", IpcCommandWord(IpcCommand::kHealth)}},
          kHealthType);
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
        return PrintHealth(command_line.run_directory(), field_, output);
      });
  health.AddText({"--field", "Print the value of one field only", "NAME"},
                 field_);
}

}  // namespace gatehouse
