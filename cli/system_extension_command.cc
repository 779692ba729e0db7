#include "cli/system_extension_command.h"

#include <string>

#include "cli/console.h"
#include "cli/health_text.h"
#include "cli/json_output.h"
#include "cli/system_extension_request.h"

namespace gatehouse {
namespace {

ExitCode Ask(const std::string& run_directory, const char* what,
             OutputFormat output) {
  const Result<Json> state = AskSystemExtension(run_directory, what);
  if (!state) return PrintError(output, state.error());
  if (output == OutputFormat::kJson) {
    PrintJson(*state);
    return ExitCode::kOk;
  }
  for (const HealthField& field : HealthFields(*state)) {
    PrintLine(HealthLine(field));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddSystemExtensionCommands(CommandLine& command_line) {
  Command group = command_line.root().AddGroup(
      "system-extension", "Let the daemon hold what programs open and start");
  const auto add = [&](const char* name, const char* help) {
    (void)group.AddCommand(
        name, help, [name, &command_line](OutputFormat output) {
          return Ask(command_line.run_directory(), name, output);
        });
  };
  add("approve", "Approve it; after the minute, from the next start on");
  add("revoke", "Take the approval back: the daemon only observes");
  add("status", "Show whether it is active, and if not, why");
}

}  // namespace gatehouse
