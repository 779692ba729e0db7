#include "cli/threat_rule_command.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "base/utc_time.h"
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

// By name or by content; how long and why are for `add` alone.
Result<Change> AllowedChangeOf(IpcCommand command,
                               const AllowedOptions& options) {
  if (options.name.empty() == options.sha256.empty()) {
    return Fail(ErrorCode::kInvalidInput, "give either --name or --sha256");
  }
  const bool is_name = options.sha256.empty();
  const char* const key = is_name ? "name" : "sha256";
  const std::string& text = is_name ? options.name : options.sha256;
  for (const std::string* const given : {&text, &options.comment}) {
    if (IsUtf8(*given)) continue;
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(*given) + "' is not UTF-8");
  }
  const bool is_added = command == IpcCommand::kThreatAllowedAdd;
  Change change;
  change.request = {{"command", IpcCommandWord(command)}, {key, text}};
  change.shown = {{key, text}, {"isAllowed", is_added}};
  change.done = is_added ? "Allowed threat configured successfully"
                         : "Allowed threat removed successfully";
  if (!options.comment.empty()) change.request["comment"] = options.comment;
  if (!options.expires.empty()) {
    const Result<int64_t> time_ms = ParseUtcTime(options.expires);
    if (!time_ms) return Unexpected(time_ms.error());
    PutTime(change.request, "expires", *time_ms);
    PutTime(change.shown, "expires", *time_ms);
  }
  return change;
}

ExitCode ChangeAllowed(const std::string& run_directory, IpcCommand command,
                       const AllowedOptions& options, OutputFormat output) {
  const Result<Change> change = AllowedChangeOf(command, options);
  if (!change) {
    return PrintError(output, ExitCode::kUsage, change.error().message);
  }
  return Send(run_directory, *change, output);
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

// One entry of a list: a line, and below it what there is to say.
struct Row {
  std::string text;
  bool is_managed = false;
  std::vector<std::string> details = {};
};

Result<std::string> AllowedText(const Json& frame) {
  const bool is_name = !frame.contains("sha256");
  const Result<std::string> text =
      TextMember(frame, is_name ? "name" : "sha256", kThreatNameBytesMax);
  if (!text) return text;
  return (is_name ? "Name: " : "SHA-256: ") + DisplayText(*text);
}

// "2026-11-27T10:00:00Z by uid 0, pid 12, /usr/bin/mdatp".
Result<std::string> OriginText(const Json& frame, const char* key) {
  const Json by = frame.value(key, Json::object());
  if (!by.is_object()) {
    return Fail(ErrorCode::kInvalidInput, std::string(key) + " is no object");
  }
  const Result<int64_t> time_ms = TimeMember(by, "time");
  if (!time_ms) return Unexpected(time_ms.error());
  const Result<uint64_t> uid = NumberMember(by, "uid", UINT32_MAX);
  if (!uid) return Unexpected(uid.error());
  const Result<uint64_t> pid = NumberMember(by, "pid", INT32_MAX);
  if (!pid) return Unexpected(pid.error());
  const Result<std::string> program =
      TextMember(by, "program", kThreatNameBytesMax);
  if (!program) return program;
  std::string text = UtcTimeText(*time_ms) + " by uid " + std::to_string(*uid) +
                     ", pid " + std::to_string(*pid);
  if (!program->empty()) text += ", " + ShownText(*program);
  return text;
}

// What an entry of either list may have.
Result<std::vector<std::string>> AllowedDetails(const Json& frame) {
  std::vector<std::string> details;
  if (frame.contains("expires")) {
    const Result<int64_t> time_ms = TimeMember(frame, "expires");
    if (!time_ms) return Unexpected(time_ms.error());
    const bool is_expired = frame.value("isExpired", Json(false)) == true;
    details.push_back("Expires: " + UtcTimeText(*time_ms) +
                      (is_expired ? " (expired)" : ""));
  }
  if (frame.contains("comment")) {
    const Result<std::string> comment =
        TextMember(frame, "comment", kThreatNameBytesMax);
    if (!comment) return Unexpected(comment.error());
    details.push_back("Comment: " + DisplayText(*comment));
  }
  return details;
}

Result<Row> AllowedRow(const Json& frame) {
  Result<std::string> text = AllowedText(frame);
  if (!text) return Unexpected(text.error());
  const Result<bool> is_managed = BoolMember(frame, "isManaged");
  if (!is_managed) return Unexpected(is_managed.error());
  Result<std::vector<std::string>> details = AllowedDetails(frame);
  if (!details) return Unexpected(details.error());
  if (frame.contains("added")) {
    const Result<std::string> added = OriginText(frame, "added");
    if (!added) return Unexpected(added.error());
    details->push_back("Added: " + *added);
  }
  return Row{std::move(*text), *is_managed, std::move(*details)};
}

// Nobody did what the clock did.
Result<Row> ChangeRow(const Json& frame) {
  const Result<std::string> what = TextMember(frame, "change", kWordBytesMax);
  if (!what) return Unexpected(what.error());
  const Result<std::string> text = AllowedText(frame);
  if (!text) return Unexpected(text.error());
  Result<std::string> origin = OriginText(frame, "by");
  if (!origin) return Unexpected(origin.error());
  if (*what == "expired") origin->resize(origin->find(" by "));
  Result<std::vector<std::string>> details = AllowedDetails(frame);
  if (!details) return Unexpected(details.error());
  std::string line = "Change: " + DisplayText(*what) + " " + *origin;
  details->insert(details->begin(), *text);
  return Row{std::move(line), false, std::move(*details)};
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

void PrintRows(const std::vector<Row>& rows, const char* if_empty) {
  if (rows.empty()) PrintLine(if_empty);
  for (const Row& row : rows) {
    PrintLine(row.text + (row.is_managed ? kManaged : ""));
    for (const std::string& detail : row.details) PrintLine("\t" + detail);
  }
}

Json WithoutType(Json frame) {
  frame.erase("$type");
  return frame;
}

// `with_changes`: those come after the entries.
ExitCode PrintList(const std::string& run_directory, const List& list,
                   bool with_changes, OutputFormat output) {
  Json request = {{"command", IpcCommandWord(list.command)}};
  if (with_changes) request["history"] = true;
  const Result<std::vector<Json>> frames = AskForList(run_directory, request);
  if (!frames) return PrintError(output, frames.error());
  std::vector<Row> rows;
  std::vector<Row> changes;
  Json items = Json::array();
  Json history = Json::array();
  for (const Json& frame : *frames) {
    const bool is_change = TypeOf(frame) == kAllowedChangeType;
    Result<Row> row = is_change ? ChangeRow(frame) : list.row(frame);
    if (!row) return PrintError(output, BadAnswer(row.error().message));
    (is_change ? changes : rows).push_back(std::move(*row));
    (is_change ? history : items).push_back(WithoutType(frame));
  }
  if (output == OutputFormat::kJson) {
    Json shown = {{"$type", list.key}, {list.key, std::move(items)}};
    if (with_changes) shown["history"] = std::move(history);
    PrintJson(shown);
    return ExitCode::kOk;
  }
  PrintRows(rows, list.if_empty);
  if (with_changes) PrintRows(changes, "No changes");
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
  Command allowed = threat.AddGroup(
      "allowed", "Leave threats with a name, or files with a content, alone");
  const auto add_change = [this, &allowed](const char* word, const char* help,
                                           IpcCommand ipc_command) {
    Command command = allowed.AddCommand(
        word, help, [this, ipc_command](OutputFormat output) {
          return ChangeAllowed(command_line_.run_directory(), ipc_command,
                               allowed_, output);
        });
    command.AddText({"--name", "Name of the threat", "NAME"}, allowed_.name);
    command.AddText(
        {"--sha256", "Digest of the file, 64 hexadecimal digits", "DIGEST"},
        allowed_.sha256);
    return command;
  };
  Command add =
      add_change("add", "Leave them alone", IpcCommand::kThreatAllowedAdd);
  add.AddText({"--expires",
               "Until then, in UTC: 2026-12-31 (its beginning) or "
               "2026-12-31T23:59:59Z",
               "TIME"},
              allowed_.expires);
  add.AddText({"--comment", "Why; shown in the list", "TEXT"},
              allowed_.comment);
  (void)add_change("remove", "Leave them alone no more",
                   IpcCommand::kThreatAllowedRemove);
  Command list = allowed.AddCommand(
      "list", "List what is left alone, until when, and who said so",
      [this](OutputFormat output) {
        return PrintList(command_line_.run_directory(), kAllowedList,
                         shows_history_, output);
      });
  list.AddFlag({"--history", "What was added, removed and has expired, too"},
               shows_history_);
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
  (void)policy.AddCommand("list", "Show what is done",
                          [this](OutputFormat output) {
                            return PrintList(command_line_.run_directory(),
                                             kPolicyList, false, output);
                          });
}

}  // namespace gatehouse
