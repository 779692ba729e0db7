#include <exception>

#include "cli/command_line.h"
#include "cli/config_command.h"
#include "cli/console.h"
#include "cli/definitions_command.h"
#include "cli/diagnostic_command.h"
#include "cli/exclusion_command.h"
#include "cli/health_command.h"
#include "cli/scan_command.h"
#include "cli/system_extension_command.h"
#include "cli/threat_command.h"
#include "cli/version_command.h"
#include "definitions/compile_program.h"

namespace gatehouse {
namespace {

constexpr const char* kDescription =
    "Gatehouse endpoint protection, command-line tool.";
constexpr const char* kFooter =
    "Exit codes:\n"
    "   0  success\n"
    "   1  operational error\n"
    "   2  wrong usage\n"
    "   3  daemon unreachable\n"
    "   4  not permitted\n"
    "   5  not found\n"
    "  10  threat found (scan with --fail-on-threat)\n"
    "  11  no threat, but not everything was scanned (likewise)";

ExitCode Run(int argc, char** argv) {
  CommandLine command_line(kDescription, kFooter, VersionText());
  AddVersionCommand(command_line);
  const HealthCommand health(command_line);
  const ConfigCommands config(command_line);
  const DefinitionsCommands definitions(command_line);
  const DiagnosticCommands diagnostic(command_line);
  const ExclusionCommands exclusion(command_line);
  const ScanCommands scan(command_line);
  AddSystemExtensionCommands(command_line);
  const ThreatCommands threat(command_line);
  return command_line.Run(argc, argv);
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  using gatehouse::ExitCode;
  if (const auto code = gatehouse::RunIfCompileProgram(argc, argv))
    return *code;
  gatehouse::PrepareStandardStreams();
  ExitCode code = ExitCode::kOperational;
  try {
    code = gatehouse::Run(argc, argv);
  } catch (const std::exception& exception) {  // Out of memory, most likely.
    code = gatehouse::PrintError(gatehouse::OutputFormat::kText, code,
                                 exception.what());
  }
  return static_cast<int>(gatehouse::FinishOutput(code));
}
