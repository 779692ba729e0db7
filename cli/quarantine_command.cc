#include "cli/quarantine_command.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "base/unique_fd.h"
#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/json_output.h"
#include "ipc/request.h"

namespace gatehouse {
namespace {

constexpr OptionText kIdOption = {"--id", "Id of the threat", "ID"};
constexpr size_t kIdBytesMax = 64;

std::string LowerCase(std::string id) {
  for (char& c : id) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return id;
}

// A request for one threat that is answered with a frame of `type`.
struct Change {
  IpcCommand command = IpcCommand::kQuarantineRemove;
  std::string_view type;
  const char* done = "";  // What to say then.
};
constexpr Change kAdd = {IpcCommand::kQuarantineAdd, kQuarantinedType,
                         "Threat quarantined"};
constexpr Change kRemove = {IpcCommand::kQuarantineRemove, kRemovedType,
                            "Threat removed from quarantine"};

ExitCode Do(const Change& change, const std::string& run_directory,
            const std::string& id, OutputFormat output) {
  const Result<Json> request = RequestAboutThreat(change.command, id);
  if (!request) return PrintError(output, request.error());
  const Result<Json> answer = Ask(run_directory, *request, change.type);
  if (!answer) return PrintError(output, answer.error());
  if (output == OutputFormat::kJson) {
    PrintJson({{"$type", change.type}, {"id", (*request)["id"]}});
  } else {
    PrintLine(change.done);
  }
  return ExitCode::kOk;
}

ExitCode RemoveAll(const std::string& run_directory, OutputFormat output) {
  const Result<std::vector<Json>> frames = AskForList(
      run_directory,
      {{"command", IpcCommandWord(IpcCommand::kQuarantineRemoveAll)}});
  if (!frames) return PrintError(output, frames.error());
  Json ids = Json::array();
  std::string first_error;
  for (const Json& frame : *frames) {
    const Result<std::string> id = TextMember(frame, "id", kIdBytesMax);
    if (!id) return PrintError(output, BadAnswer(id.error().message));
    const Result<std::string> error =
        TextMember(frame, "error", kErrorMessageBytesMax);
    if (!error) {
      ids.push_back(*id);
    } else if (first_error.empty()) {
      first_error = *error;
    }
  }
  const size_t left = frames->size() - ids.size();
  if (left != 0) {
    return PrintError(output, ExitCode::kOperational,
                      std::to_string(left) + " of " +
                          std::to_string(frames->size()) +
                          " threats are still in quarantine: " + first_error);
  }
  if (output == OutputFormat::kJson) {
    PrintJson({{"$type", kRemovedType}, {"ids", ids}});
  } else {
    PrintLine(std::to_string(ids.size()) +
              " threat(s) removed from quarantine");
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

// As the daemon has it: absolute, and without detours.
std::string OriginalPath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

Json ListMember(const Json& answer, const char* name) {
  const auto found = answer.find(name);
  const bool is_list = found != answer.end() && found->is_array();
  return is_list ? *found : Json::array();
}

ExitCode PrintRestored(const Json& answer, OutputFormat output) {
  const Result<std::string> id = TextMember(answer, "id", kIdBytesMax);
  if (!id) return PrintError(output, BadAnswer(id.error().message));
  const Result<std::string> path =
      BytesMember(answer, "path", kDisplayPathBytesMax);
  if (!path) return PrintError(output, BadAnswer(path.error().message));
  const Json others = ListMember(answer, "other_ids");
  const Json missing = ListMember(answer, "not_given_back");
  if (output == OutputFormat::kJson) {
    Json restored = {{"$type", kRestoredType}, {"id", *id}};
    PutBytes(restored, "path", *path);
    restored["other_ids"] = others;
    restored["not_given_back"] = missing;
    PrintJson(restored);
    return ExitCode::kOk;
  }
  PrintLine("Threat restored to \"" + DisplayText(*path) + "\"");
  if (!missing.empty()) {
    WarnLine("Warning: not given back: " + SafeJsonText(missing, false));
  }
  if (!others.empty()) {
    WarnLine(
        "Warning: it was the newest; older files from that path are in "
        "quarantine: " +
        SafeJsonText(others, false));
  }
  return ExitCode::kOk;
}

}  // namespace

Result<Json> RequestAboutThreat(IpcCommand command, const std::string& id) {
  const std::string wanted = LowerCase(id);
  if (!IsUuid(wanted)) {
    return Fail(ErrorCode::kNotFound,
                "no threat has the id '" + DisplayText(id) + "'");
  }
  return Json{{"command", IpcCommandWord(command)}, {"id", wanted}};
}

QuarantineCommands::QuarantineCommands(Command threat, Command quarantine,
                                       CommandLine& command_line)
    : command_line_(command_line) {
  Command add = quarantine.AddCommand(
      "add", "Put the file of a threat that was left in its place there",
      [this](OutputFormat output) {
        return Do(kAdd, command_line_.run_directory(), id_, output);
      });
  add.AddRequiredText(kIdOption, id_);
  AddRestore(quarantine);
  Command remove = quarantine.AddCommand(
      "remove", "Delete a file in quarantine for good",
      [this](OutputFormat output) {
        return Do(kRemove, command_line_.run_directory(), id_, output);
      });
  remove.AddRequiredText(kIdOption, id_);
  (void)quarantine.AddCommand(
      "remove-all", "Delete all files in quarantine for good",
      [this](OutputFormat output) {
        return RemoveAll(command_line_.run_directory(), output);
      });
  AddRestore(threat);
}

void QuarantineCommands::AddRestore(Command parent) {
  const auto add_options = [this](Command& command) {
    command.AddText({"--destination-path",
                     "Folder to put it in; without, where it was", "DIR"},
                    destination_path_);
    command.AddFlag({"--preserve-privileges",
                     "Give set-id bits and capabilities back, too", ""},
                    preserve_privileges_);
  };
  Command restore = parent.AddGroup(
      "restore", "Give a file in quarantine back",
      [this](OutputFormat output) { return Restore(false, output); });
  // As it was before there were words behind it.
  restore.AddText(kIdOption, id_);
  restore.AddText({"--path", "With --id: folder to put it in", "DIR"}, path_);
  Command by_id = restore.AddCommand(
      "threat-id", "Give the file of a threat back",
      [this](OutputFormat output) { return Restore(false, output); });
  by_id.AddRequiredText(kIdOption, id_);
  add_options(by_id);
  Command by_path = restore.AddCommand(
      "threat-path", "Give the file back that was there, the newest of several",
      [this](OutputFormat output) { return Restore(true, output); });
  by_path.AddRequiredText({"--path", "Where the file was", "PATH"}, path_);
  add_options(by_path);
}

ExitCode QuarantineCommands::Restore(bool is_by_path, OutputFormat output) {
  std::string destination_path = destination_path_;
  if (!is_by_path && !path_.empty()) {
    if (!destination_path.empty()) {
      return PrintError(output, ExitCode::kUsage,
                        "--path and --destination-path are the same here");
    }
    destination_path = path_;
  }
  Result<Json> request =
      RequestAboutThreat(IpcCommand::kQuarantineRestore, id_);
  if (is_by_path) {
    request = Json{{"command", IpcCommandWord(IpcCommand::kQuarantineRestore)}};
  }
  if (!request) return PrintError(output, request.error());
  if (is_by_path) PutBytes(*request, "path", OriginalPath(path_));
  if (preserve_privileges_) (*request)["preserve_privileges"] = true;
  Result<UniqueFd> destination{UniqueFd()};
  if (!destination_path.empty()) {
    destination = OpenDestination(destination_path);
    if (!destination) return PrintError(output, destination.error());
  }
  const int unsafe_fd = destination->UnsafeFd();
  const Result<Json> answer =
      Ask(command_line_.run_directory(), *request, kRestoredType,
          std::span<const int>(&unsafe_fd, destination->valid() ? 1 : 0));
  if (!answer) return PrintError(output, answer.error());
  return PrintRestored(*answer, output);
}

}  // namespace gatehouse
