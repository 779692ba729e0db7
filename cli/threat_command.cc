#include "cli/threat_command.h"

#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/json_output.h"
#include "cli/threat_text.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

struct ThreatList {
  std::vector<IpcScan> scans;
  std::vector<Threat> threats;
};

Result<bool> AddFrame(const Json& frame, ThreatList& list) {
  const std::string type = TypeOf(frame);
  if (type == kScanType) {
    Result<IpcScan> scan = IpcScanOf(frame);
    if (!scan) return Unexpected(BadAnswer(scan.error().message));
    list.scans.push_back(std::move(*scan));
    return true;
  }
  if (type != kThreatType) {
    return Unexpected(BadAnswer("'" + type + "' in a list of threats"));
  }
  Result<Threat> threat = ThreatOf(frame);
  if (!threat) return Unexpected(BadAnswer(threat.error().message));
  list.threats.push_back(std::move(*threat));
  return true;
}

Result<ThreatList> AskForThreats(const std::string& run_directory,
                                 const Json& request) {
  const Result<std::vector<Json>> frames = AskForList(run_directory, request);
  if (!frames) return Unexpected(frames.error());
  ThreatList list;
  for (const Json& frame : *frames) {
    const Result<bool> is_added = AddFrame(frame, list);
    if (!is_added) return Unexpected(is_added.error());
  }
  return list;
}

void PrintLines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) PrintLine(line);
}

ExitCode PrintList(const std::string& run_directory, IpcCommand command,
                   OutputFormat output) {
  const Result<ThreatList> list =
      AskForThreats(run_directory, {{"command", IpcCommandWord(command)}});
  if (!list) return PrintError(output, list.error());
  if (output == OutputFormat::kJson) {
    PrintJson(ThreatsJson(list->scans, list->threats));
    return ExitCode::kOk;
  }
  if (list->threats.empty()) PrintLine("No threats");
  bool is_first = true;
  for (const Threat& threat : list->threats) {
    if (!is_first) PrintLine("");
    is_first = false;
    PrintLines(ThreatLines(threat));
    if (command == IpcCommand::kQuarantineList) {
      PrintLines(QuarantineLines(threat));
    }
  }
  return ExitCode::kOk;
}

ExitCode PrintThreat(const std::string& run_directory, const std::string& id,
                     OutputFormat output) {
  const Result<Json> request = RequestAboutThreat(IpcCommand::kThreatGet, id);
  if (!request) return PrintError(output, request.error());
  const Result<ThreatList> list = AskForThreats(run_directory, *request);
  if (!list) return PrintError(output, list.error());
  if (list->threats.size() != 1) {
    return PrintError(output, BadAnswer("not one threat"));
  }
  const Threat& threat = list->threats.front();
  if (output == OutputFormat::kJson) {
    PrintJson(ThreatJson(threat));
  } else {
    PrintLines(ThreatLines(threat));
    PrintLines(DetailLines(threat));
  }
  return ExitCode::kOk;
}

}  // namespace

ThreatCommands::ThreatCommands(CommandLine& command_line)
    : threat_(command_line.root().AddGroup(
          "threat", "Show what was found, and say what becomes of it")),
      quarantine_(AddLists(command_line)),
      quarantine_commands_(threat_, quarantine_, command_line),
      rule_commands_(threat_, command_line) {}

Command ThreatCommands::AddLists(CommandLine& command_line) {
  (void)threat_.AddCommand("list", "List the threats that were found",
                           [&command_line](OutputFormat output) {
                             return PrintList(command_line.run_directory(),
                                              IpcCommand::kThreatList, output);
                           });
  Command get = threat_.AddCommand(
      "get", "Show everything about one threat",
      [this, &command_line](OutputFormat output) {
        return PrintThreat(command_line.run_directory(), id_, output);
      });
  get.AddRequiredText({"--id", "Id of the threat", "ID"}, id_);
  Command quarantine =
      threat_.AddGroup("quarantine", "Look after files in quarantine");
  (void)quarantine.AddCommand("list", "List the threats in quarantine",
                              [&command_line](OutputFormat output) {
                                return PrintList(command_line.run_directory(),
                                                 IpcCommand::kQuarantineList,
                                                 output);
                              });
  return quarantine;
}

}  // namespace gatehouse
