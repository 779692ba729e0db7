#include "cli/threat_rule_command.h"

#include <utility>
#include <vector>

#include "base/display_text.h"
#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/health_text.h"
#include "cli/json_output.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr const char* kManaged = " [managed]";
constexpr size_t kWordBytesMax = 64;

// A request that changes something, what it says of it in JSON, and in text.
struct Change {
  Json request;
  Json shown;
  const char* done = "";
};

ExitCode Send(const std::string& run_directory, const Change& change,
              OutputFormat output) {
  const Result<Json> answer =
      Ask(run_directory, change.request, kConfiguredType);
  if (!answer) return PrintError(output, answer.error());
  if (output == OutputFormat::kJson) {
    Json shown = {{"$type", kConfiguredType}};
    shown.update(change.shown);
    PrintJson(shown);
  } else {
    PrintLine(change.done);
  }
  return ExitCode::kOk;
}

ExitCode ChangeAllowed(const std::string& run_directory, IpcCommand command,
                       const std::string& name, OutputFormat output) {
  if (!IsUtf8(name)) {
    return PrintError(output, ExitCode::kUsage,
                      "'" + DisplayText(name) + "' is not UTF-8");
  }
  const bool is_added = command == IpcCommand::kThreatAllowedAdd;
  return Send(run_directory,
              {{{"command", IpcCommandWord(command)}, {"name", name}},
               {{"name", name}, {"isAllowed", is_added}},
               is_added ? "Allowed threat configured successfully"
                        : "Allowed threat removed successfully"},
              output);
}

ExitCode SetPolicy(const std::string& run_directory, const std::string& type,
                   const std::string& action, OutputFormat output) {
  return Send(run_directory,
              {{{"command", IpcCommandWord(IpcCommand::kThreatPolicySet)},
                {"type", type},
                {"action", action}},
               {{"type", type}, {"action", action}},
               "Configuration property updated"},
              output);
}

// One line of a list.
struct Row {
  std::string text;
  bool is_managed = false;
};

Result<Row> AllowedRow(const Json& frame) {
  const Result<std::string> name =
      TextMember(frame, "name", kThreatNameBytesMax);
  if (!name) return Unexpected(name.error());
  const Result<bool> is_managed = BoolMember(frame, "isManaged");
  if (!is_managed) return Unexpected(is_managed.error());
  return Row{"Name: " + DisplayText(*name), *is_managed};
}

Result<Row> PolicyRow(const Json& frame) {
  const Result<std::string> type = TextMember(frame, "type", kWordBytesMax);
  if (!type) return Unexpected(type.error());
  const Result<std::string> action = TextMember(frame, "action", kWordBytesMax);
  if (!action) return Unexpected(action.error());
  const Result<bool> is_managed = BoolMember(frame, "isManaged");
  if (!is_managed) return Unexpected(is_managed.error());
  HealthField field;
  field.name = DisplayText(*type);
  field.text = "\"" + DisplayText(*action) + "\"";
  return Row{HealthLine(field), *is_managed};
}

struct List {
  IpcCommand command = IpcCommand::kThreatAllowedList;
  const char* key = "";       // In JSON: its type, and the list.
  const char* if_empty = "";  // In text.
  Result<Row> (*row)(const Json& frame) = nullptr;
};
constexpr List kAllowedList = {IpcCommand::kThreatAllowedList, "allowedThreats",
                               "No allowed threats", AllowedRow};
constexpr List kPolicyList = {IpcCommand::kThreatPolicyList, "threatPolicies",
                              "No threat policies", PolicyRow};

ExitCode PrintList(const std::string& run_directory, const List& list,
                   OutputFormat output) {
  const Result<std::vector<Json>> frames =
      AskForList(run_directory, {{"command", IpcCommandWord(list.command)}});
  if (!frames) return PrintError(output, frames.error());
  std::vector<std::string> lines;
  for (const Json& frame : *frames) {
    const Result<Row> row = list.row(frame);
    if (!row) return PrintError(output, BadAnswer(row.error().message));
    lines.push_back(row->text + (row->is_managed ? kManaged : ""));
  }
  if (output == OutputFormat::kJson) {
    Json items = Json::array();
    for (Json item : *frames) {
      item.erase("$type");
      items.push_back(std::move(item));
    }
    PrintJson({{"$type", list.key}, {list.key, std::move(items)}});
    return ExitCode::kOk;
  }
  if (lines.empty()) PrintLine(list.if_empty);
  for (const std::string& line : lines) PrintLine(line);
  return ExitCode::kOk;
}

}  // namespace

ThreatRuleCommands::ThreatRuleCommands(Command threat,
                                       CommandLine& command_line)
    : command_line_(command_line) {
  AddAllowed(threat);
  AddPolicy(threat);
}

void ThreatRuleCommands::AddAllowed(Command& threat) {
  Command allowed =
      threat.AddGroup("allowed", "Leave threats with a name alone");
  const auto add_change = [this, &allowed](const char* word, const char* help,
                                           IpcCommand ipc_command) {
    Command command = allowed.AddCommand(
        word, help, [this, ipc_command](OutputFormat output) {
          return ChangeAllowed(command_line_.run_directory(), ipc_command,
                               name_, output);
        });
    command.AddRequiredText({"--name", "Name of the threat", "NAME"}, name_);
  };
  add_change("add", "Leave them alone", IpcCommand::kThreatAllowedAdd);
  add_change("remove", "Leave them alone no more",
             IpcCommand::kThreatAllowedRemove);
  (void)allowed.AddCommand("list", "List the names that are left alone",
                           [this](OutputFormat output) {
                             return PrintList(command_line_.run_directory(),
                                              kAllowedList, output);
                           });
}

void ThreatRuleCommands::AddPolicy(Command& threat) {
  Command policy =
      threat.AddGroup("policy", "Choose what is done about types of threats");
  Command set = policy.AddCommand(
      "set", "Block, record or ignore threats of a type",
      [this](OutputFormat output) {
        return SetPolicy(command_line_.run_directory(), type_, action_, output);
      });
  set.AddRequiredChoice(
      {"--type", "potentially_unwanted_application or archive_bomb", "TYPE"},
      type_, {"potentially_unwanted_application", "archive_bomb"});
  set.AddRequiredChoice({"--action", "block, audit or off", "ACTION"}, action_,
                        {"block", "audit", "off"});
  (void)policy.AddCommand(
      "list", "Show what is done", [this](OutputFormat output) {
        return PrintList(command_line_.run_directory(), kPolicyList, output);
      });
}

}  // namespace gatehouse
