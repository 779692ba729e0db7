// `mdatp diagnostic explain`: why a file gets its verdict.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <cstddef>
#include <string>

#include "cli/command_line.h"

namespace gatehouse {

class ExplainCommands {
 public:
  // `command_line` outlives this object.
  explicit ExplainCommands(CommandLine& command_line)
      : command_line_(command_line) {}
  ExplainCommands(const ExplainCommands&) = delete;
  ExplainCommands& operator=(const ExplainCommands&) = delete;

  void AddTo(Command& diagnostic);

 private:
  CommandLine& command_line_;
  std::string path_;
  std::string definitions_;
  std::string cache_directory_;
  std::string signature_;
  size_t limit_ = 20;
};

}  // namespace gatehouse
