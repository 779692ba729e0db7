#include "cli/exclusion_command.h"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/display_text.h"
#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/json_output.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr std::string_view kExtension = "extension";
constexpr std::string_view kProcess = "process";
constexpr std::string_view kFrame = "=====================================";

// "folder" -> "Folder".
std::string Capitalized(std::string word) {
  word.at(0) = static_cast<char>(word.at(0) - 'a' + 'A');
  return word;
}

// A path through a symbolic link would exclude nothing: what is opened has
// another one. The daemon cannot tell, it looks at no path of ours.
Result<bool> CheckNoLink(const std::string& path) {
  if (path.find_first_of("*?") != std::string::npos) return true;
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (error) return true;  // Not there yet: it may come.
  std::string wanted = std::filesystem::path(path).lexically_normal();
  while (wanted.size() > 1 && wanted.back() == '/') wanted.pop_back();
  if (real == wanted) return true;
  return Fail(ErrorCode::kInvalidInput, "'" + DisplayText(path) +
                                            "' leads through a symbolic link: "
                                            "exclude '" +
                                            DisplayText(real.string()) + "'");
}

struct Change {
  std::string kind;
  std::string text;
  std::string scope;
  bool is_added = false;
};

ExitCode Send(const std::string& run_directory, const Change& change,
              OutputFormat output) {
  if (!IsUtf8(change.text)) {
    return PrintError(output, ExitCode::kUsage,
                      "'" + DisplayText(change.text) + "' is not UTF-8");
  }
  const IpcCommand command = change.is_added ? IpcCommand::kExclusionAdd
                                             : IpcCommand::kExclusionRemove;
  const Result<Json> answer = Ask(run_directory,
                                  {{"command", IpcCommandWord(command)},
                                   {"kind", change.kind},
                                   {"text", change.text},
                                   {"scope", change.scope}},
                                  kConfiguredType);
  if (!answer) return PrintError(output, answer.error());
  if (output == OutputFormat::kJson) {
    PrintJson({{"$type", kConfiguredType},
               {"kind", change.kind},
               {"text", change.text},
               {"scope", change.scope}});
  } else {
    PrintLine(Capitalized(change.kind) + " exclusion " +
              (change.is_added ? "configured" : "removed") + " successfully");
  }
  return ExitCode::kOk;
}

Result<std::string> Member(const Json& exclusion, const char* name) {
  return TextMember(exclusion, name, kPathBytesMax);
}

// As Defender prints it: a header, "key: value" lines, the scope as a list.
Result<std::vector<std::string>> LinesOf(const Json& exclusion) {
  const Result<std::string> kind = Member(exclusion, "kind");
  if (!kind) return Unexpected(kind.error());
  const Result<std::string> text = Member(exclusion, "text");
  if (!text) return Unexpected(text.error());
  const Result<std::string> scope = Member(exclusion, "scope");
  if (!scope) return Unexpected(scope.error());
  const Result<bool> is_managed = BoolMember(exclusion, "isManaged");
  if (!is_managed) return Unexpected(is_managed.error());
  std::string key = "Path: ";
  if (*kind == kProcess) key = "Process name: ";
  if (*kind == kExtension) key = "Extension: ";
  return std::vector<std::string>{"Excluded " + DisplayText(*kind),
                                  key + DisplayText(*text),
                                  "Scope: [\"" + DisplayText(*scope) + "\"]" +
                                      (*is_managed ? " [managed]" : "")};
}

ExitCode List(const std::string& run_directory, OutputFormat output) {
  const Result<std::vector<Json>> exclusions = AskForList(
      run_directory, {{"command", IpcCommandWord(IpcCommand::kExclusionList)}});
  if (!exclusions) return PrintError(output, exclusions.error());
  if (output == OutputFormat::kJson) {
    PrintJson({{"$type", "exclusions"}, {"exclusions", *exclusions}});
    return ExitCode::kOk;
  }
  if (exclusions->empty()) {
    PrintLine("No exclusions");
    return ExitCode::kOk;
  }
  PrintLine(kFrame);
  for (size_t i = 0; i < exclusions->size(); ++i) {
    const Result<std::vector<std::string>> lines = LinesOf(exclusions->at(i));
    if (!lines) return PrintError(output, BadAnswer(lines.error().message));
    if (i != 0) PrintLine("---");
    for (const std::string& line : *lines) PrintLine(line);
  }
  PrintLine(kFrame);
  return ExitCode::kOk;
}

}  // namespace

ExclusionCommands::ExclusionCommands(CommandLine& command_line)
    : command_line_(command_line) {
  Command group = command_line.root().AddGroup(
      "exclusion", "Leave files out of protection and scans");
  (void)group.AddCommand("list", "Show what is excluded",
                         [this](OutputFormat output) {
                           return List(command_line_.run_directory(), output);
                         });
  AddKind(group, "file", "One file, by its full path");
  AddKind(group, "folder", "Everything below a folder");
  AddKind(group, "extension", "Every file whose name ends so");
  AddKind(group, "process", "Every file that a program opens");
}

void ExclusionCommands::AddKind(Command& group, const char* kind,
                                const char* help) {
  Command kind_group = group.AddGroup(kind, help);
  AddChange(kind_group, kind, "add");
  AddChange(kind_group, kind, "remove");
}

void ExclusionCommands::AddChange(Command& kind_group, const char* kind,
                                  const char* change) {
  const bool is_added = std::string_view(change) == "add";
  Command command = kind_group.AddCommand(
      change, is_added ? "Exclude it" : "Exclude it no more",
      [this, kind, is_added](OutputFormat output) {
        const std::string& text = path_.empty() ? name_ : path_;
        if (path_.empty() == name_.empty()) {
          return PrintError(output, ExitCode::kUsage,
                            "one of --path and --name is needed");
        }
        if (is_added && !path_.empty()) {
          const Result<bool> checked = CheckNoLink(path_);
          if (!checked) return PrintError(output, checked.error());
        }
        return Send(command_line_.run_directory(),
                    {kind, text, scope_, is_added}, output);
      });
  const bool has_path = kind != kExtension;
  if (has_path)
    command.AddText({"--path", "Full path; * and ?", "PATH"}, path_);
  if (!has_path) {
    command.AddRequiredText({"--name", "Extension", "EXTENSION"}, name_);
    return;
  }
  if (kind == kProcess) {
    command.AddText({"--name", "Name of a program; * and ?", "NAME"}, name_);
  }
  command.AddText(
      {"--scope", "epp (real time and scans) or global (real time)", "SCOPE"},
      scope_);
}

}  // namespace gatehouse
