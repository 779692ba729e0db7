#include "cli/threat_command.h"

#include <fcntl.h>

#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "base/unique_fd.h"
#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/json_output.h"
#include "cli/threat_text.h"
#include "ipc/message.h"
#include "ipc/request.h"

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

// Ids are copied from elsewhere, sometimes in capitals.
std::string LowerCase(std::string id) {
  for (char& c : id) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return id;
}

Result<Json> RequestAbout(IpcCommand command, const std::string& id) {
  const std::string wanted = LowerCase(id);
  if (!IsUuid(wanted)) {
    return Fail(ErrorCode::kNotFound,
                "no threat has the id '" + DisplayText(id) + "'");
  }
  return Json{{"command", IpcCommandWord(command)}, {"id", wanted}};
}

ExitCode PrintThreat(const std::string& run_directory, const std::string& id,
                     OutputFormat output) {
  const Result<Json> request = RequestAbout(IpcCommand::kThreatGet, id);
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

ExitCode Remove(const std::string& run_directory, const std::string& id,
                OutputFormat output) {
  const Result<Json> request = RequestAbout(IpcCommand::kQuarantineRemove, id);
  if (!request) return PrintError(output, request.error());
  const Result<Json> answer = Ask(run_directory, *request, kRemovedType);
  if (!answer) return PrintError(output, answer.error());
  if (output == OutputFormat::kJson) {
    PrintJson({{"$type", kRemovedType}, {"id", (*request)["id"]}});
  } else {
    PrintLine("Threat removed from quarantine");
  }
  return ExitCode::kOk;
}

// Opened here, with our rights: the daemon never follows a path of ours.
Result<UniqueFd> OpenDestination(const std::string& path) {
  UniqueFd destination(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!destination.valid()) {
    return FailSystem("restore to '" + DisplayText(path) + "'", errno);
  }
  return destination;
}

ExitCode Restore(const std::string& run_directory, const std::string& id,
                 const std::string& destination_path, OutputFormat output) {
  const Result<Json> request = RequestAbout(IpcCommand::kQuarantineRestore, id);
  if (!request) return PrintError(output, request.error());
  Result<UniqueFd> destination{UniqueFd()};
  if (!destination_path.empty()) {
    destination = OpenDestination(destination_path);
    if (!destination) return PrintError(output, destination.error());
  }
  const int unsafe_fd = destination->UnsafeFd();
  const Result<Json> answer =
      Ask(run_directory, *request, kRestoredType,
          std::span<const int>(&unsafe_fd, destination->valid() ? 1 : 0));
  if (!answer) return PrintError(output, answer.error());
  const Result<std::string> path =
      BytesMember(*answer, "path", kDisplayPathBytesMax);
  if (!path) return PrintError(output, BadAnswer(path.error().message));
  if (output == OutputFormat::kJson) {
    Json restored = {{"$type", kRestoredType}, {"id", (*request)["id"]}};
    PutBytes(restored, "path", *path);
    PrintJson(restored);
  } else {
    PrintLine("Threat restored to \"" + DisplayText(*path) + "\"");
  }
  return ExitCode::kOk;
}

}  // namespace

ThreatCommands::ThreatCommands(CommandLine& command_line) {
  Command threat = command_line.root().AddGroup(
      "threat", "Show what was found, and give it back or remove it");
  (void)threat.AddCommand("list", "List the threats that were found",
                          [&command_line](OutputFormat output) {
                            return PrintList(command_line.run_directory(),
                                             IpcCommand::kThreatList, output);
                          });
  Command get = threat.AddCommand(
      "get", "Show everything about one threat",
      [this, &command_line](OutputFormat output) {
        return PrintThreat(command_line.run_directory(), id_, output);
      });
  get.AddRequiredText({"--id", "Id of the threat", "ID"}, id_);
  AddQuarantine(threat, command_line);
  AddRestore(threat, command_line);
}

void ThreatCommands::AddQuarantine(Command threat, CommandLine& command_line) {
  Command quarantine =
      threat.AddGroup("quarantine", "Look after files in quarantine");
  (void)quarantine.AddCommand("list", "List the threats in quarantine",
                              [&command_line](OutputFormat output) {
                                return PrintList(command_line.run_directory(),
                                                 IpcCommand::kQuarantineList,
                                                 output);
                              });
  AddRestore(quarantine, command_line);
  Command remove = quarantine.AddCommand(
      "remove", "Delete a file in quarantine for good",
      [this, &command_line](OutputFormat output) {
        return Remove(command_line.run_directory(), id_, output);
      });
  remove.AddRequiredText({"--id", "Id of the threat", "ID"}, id_);
}

void ThreatCommands::AddRestore(Command parent, CommandLine& command_line) {
  Command restore =
      parent.AddGroup("restore", "Give a file in quarantine back");
  Command by_id =
      restore.AddCommand("threat-id", "Give the file of a threat back",
                         [this, &command_line](OutputFormat output) {
                           return Restore(command_line.run_directory(), id_,
                                          destination_path_, output);
                         });
  by_id.AddRequiredText({"--id", "Id of the threat", "ID"}, id_);
  by_id.AddText({"--destination-path",
                 "Folder to put it in; without, where it was", "DIR"},
                destination_path_);
}

}  // namespace gatehouse
