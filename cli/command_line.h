// CommandLine: the words and options of mdatp, and the command they choose.
//
// One thread. The variables behind options are the caller's: they must outlive
// CommandLine::Run, which sets them before it runs the chosen command.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"

namespace CLI {
class App;  // The parser's; named by command_line.cc only.
}

namespace gatehouse {

struct OptionText {
  const char* name = "";         // With its dashes: "--path".
  const char* help = "";         // One sentence without a full stop.
  const char* placeholder = "";  // For the value: "PATH".
};

using CommandFunction = std::function<ExitCode(OutputFormat)>;

// A word of the command line. Copies name the same word.
class Command {
 public:
  // A word that needs another one behind it; alone, it prints its help.
  Command AddGroup(const char* name, const char* help);
  // The same, which with options of its own, and no word, runs `run`.
  Command AddGroup(const char* name, const char* help, CommandFunction run);
  // A word that does something.
  Command AddCommand(const char* name, const char* help, CommandFunction run);

  void AddRequiredText(const OptionText& text, std::string& value);
  // One of `choices`.
  void AddRequiredChoice(const OptionText& text, std::string& value,
                         std::vector<std::string> choices);
  void AddText(const OptionText& text, std::string& value);
  void AddFlag(const OptionText& text, bool& value);
  // 0 .. `max`.
  void AddNumber(const OptionText& text, size_t& value, size_t max);

 private:
  friend class CommandLine;
  Command(CLI::App& app, CommandFunction& chosen)
      : app_(&app), chosen_(&chosen) {}
  void PrintHelpWhenBare();

  CLI::App* app_;
  CommandFunction* chosen_;
};

class CommandLine {
 public:
  // `version` is printed by --version.
  CommandLine(const char* description, const char* footer, const char* version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // "mdatp" itself: add groups and commands here.
  Command root();

  // Where the daemon's socket is: the option --run-dir, else MDATP_RUN_DIR in
  // the environment, else /run/gatehouse. For commands, while they run.
  std::string run_directory() const;

  // Parses the arguments and runs what they ask for. Wrong usage is reported.
  ExitCode Run(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
  std::string output_ = "text";
  std::string run_directory_;  // Empty: not given.
  CommandFunction chosen_;
};

}  // namespace gatehouse
