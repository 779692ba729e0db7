#include "cli/config_command.h"

#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/json_output.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

ExitCode Configure(const std::string& run_directory, const char* name,
                   const std::string& value, OutputFormat output) {
  const Result<Json> answer =
      Ask(run_directory,
          {{"command", IpcCommandWord(IpcCommand::kConfigSet)},
           {"name", name},
           {"value", value}},
          kConfiguredType);
  if (!answer) return PrintError(output, answer.error());
  if (output == OutputFormat::kJson) {
    PrintJson({{"$type", kConfiguredType}, {"name", name}, {"value", value}});
  } else {
    PrintLine("Configuration property updated");
  }
  return ExitCode::kOk;
}

}  // namespace

ConfigCommands::ConfigCommands(CommandLine& command_line) {
  Command group =
      command_line.root().AddGroup("config", "Change how the daemon works");
  Command real_time = group.AddCommand(
      "real-time-protection", "Switch real-time protection on or off",
      [this, &command_line](OutputFormat output) {
        return Configure(command_line.run_directory(), "real-time-protection",
                         real_time_protection_, output);
      });
  real_time.AddRequiredChoice({"--value", "enabled or disabled", "VALUE"},
                              real_time_protection_, {"enabled", "disabled"});
}

}  // namespace gatehouse
