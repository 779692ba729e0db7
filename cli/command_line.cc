#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <utility>

namespace gatehouse {
namespace {

constexpr const char* kDefaultRunDirectory = "/run/gatehouse";

CommandFunction HelpOf(const CLI::App& app) {
  return [&app](OutputFormat) {
    PrintLine(app.help());
    return ExitCode::kOk;
  };
}

}  // namespace

Command Command::AddGroup(const char* name, const char* help) {
  CLI::App* const group = app_->add_subcommand(name, help);
  group->require_subcommand(0, 1);
  Command command(*group, *chosen_);
  command.PrintHelpWhenBare();
  return command;
}

Command Command::AddGroup(const char* name, const char* help,
                          CommandFunction run) {
  Command group = AddGroup(name, help);
  group.app_->callback(
      [app = group.app_, chosen = chosen_, run = std::move(run)] {
        if (!app->get_subcommands().empty()) return;
        const std::vector<CLI::Option*> options = app->get_options();
        const bool has_options = std::any_of(
            options.begin(), options.end(),
            [](const CLI::Option* option) { return option->count() != 0; });
        *chosen = has_options ? run : HelpOf(*app);
      });
  return group;
}

Command Command::AddCommand(const char* name, const char* help,
                            CommandFunction run) {
  CLI::App* const app = app_->add_subcommand(name, help);
  app->callback([chosen = chosen_, run = std::move(run)] { *chosen = run; });
  return {*app, *chosen_};
}

void Command::AddRequiredText(const OptionText& text, std::string& value) {
  (void)app_->add_option(text.name, value, text.help)
      ->required()
      ->type_name(text.placeholder);
}

void Command::AddRequiredChoice(const OptionText& text, std::string& value,
                                std::vector<std::string> choices) {
  (void)app_->add_option(text.name, value, text.help)
      ->required()
      ->check(CLI::IsMember(std::move(choices)).description(""))
      ->type_name(text.placeholder);
}

void Command::AddText(const OptionText& text, std::string& value) {
  (void)app_->add_option(text.name, value, text.help)
      ->type_name(text.placeholder);
}

void Command::AddFlag(const OptionText& text, bool& value) {
  (void)app_->add_flag(text.name, value, text.help);
}

void Command::AddNumber(const OptionText& text, size_t& value, size_t max) {
  (void)app_->add_option(text.name, value, text.help)
      ->check(CLI::Range(size_t{0}, max))
      ->type_name(text.placeholder);
}

void Command::PrintHelpWhenBare() {
  app_->callback([app = app_, chosen = chosen_] {
    if (app->get_subcommands().empty()) *chosen = HelpOf(*app);
  });
}

CommandLine::CommandLine(const char* description, const char* footer,
                         const char* version)
    : app_(std::make_unique<CLI::App>(description, "mdatp")) {
  // Global options may stand anywhere: sub-commands pass them up.
  app_->fallthrough();
  app_->require_subcommand(0, 1);
  app_->footer(footer);
  app_->set_version_flag("--version", version, "Print the version");
  const auto check_format = [](const std::string& value) {
    return value == "text" || value == "json" ? "" : "must be text or json";
  };
  app_->add_option("--output", output_,
                   "Output format, text or json; valid with any command")
      ->check(CLI::Validator(check_format, ""))
      ->type_name("FORMAT");
  app_->add_option("--run-dir", run_directory_,
                   "Folder with the daemon's socket, instead of "
                   "$MDATP_RUN_DIR or /run/gatehouse; valid with any command")
      ->type_name("DIR");
  root().PrintHelpWhenBare();
  (void)root().AddCommand("help", "Print this help", HelpOf(*app_));
}

CommandLine::~CommandLine() = default;

Command CommandLine::root() { return {*app_, chosen_}; }

std::string CommandLine::run_directory() const {
  if (!run_directory_.empty()) return run_directory_;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes it.
  const char* const from_environment = std::getenv("MDATP_RUN_DIR");
  if (from_environment != nullptr && *from_environment != '\0') {
    return from_environment;
  }
  return kDefaultRunDirectory;
}

ExitCode CommandLine::Run(int argc, char** argv) {
  const auto format = [this] {
    return output_ == "json" ? OutputFormat::kJson : OutputFormat::kText;
  };
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& asked_for) {  // --help and --version.
    (void)app_->exit(asked_for);
    return ExitCode::kOk;
  } catch (const CLI::ParseError& error) {
    return PrintError(format(), ExitCode::kUsage, error.what());
  }
  return chosen_(format());
}

}  // namespace gatehouse
