#include "cli/version_command.h"

#include <nlohmann/json.hpp>

namespace gatehouse {
namespace {

ExitCode PrintVersion(OutputFormat output) {
  if (output == OutputFormat::kText) {
    PrintLine(VersionText());
    return ExitCode::kOk;
  }
  const nlohmann::ordered_json version = {{"product", "Gatehouse"},
                                          {"version", GATEHOUSE_VERSION}};
  PrintLine(version.dump(2));
  return ExitCode::kOk;
}

}  // namespace

const char* VersionText() {
  return "Gatehouse " GATEHOUSE_VERSION " (mdatp-compatible)";
}

void AddVersionCommand(CommandLine& command_line) {
  (void)command_line.root().AddCommand("version", "Print product and version",
                                       PrintVersion);
}

}  // namespace gatehouse
