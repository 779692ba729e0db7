// `mdatp definitions`: check.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace gatehouse {

class DefinitionsCommands {
 public:
  // `command_line` outlives this object.
  explicit DefinitionsCommands(CommandLine& command_line);
  DefinitionsCommands(const DefinitionsCommands&) = delete;
  DefinitionsCommands& operator=(const DefinitionsCommands&) = delete;

 private:
  ExitCode Check(OutputFormat output) const;

  std::string path_;
  bool is_strict_ = false;
};

}  // namespace gatehouse
