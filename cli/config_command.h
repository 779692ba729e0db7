// `mdatp config`: changes a setting of the daemon.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace gatehouse {

class ConfigCommands {
 public:
  // `command_line` outlives this object.
  explicit ConfigCommands(CommandLine& command_line);
  ConfigCommands(const ConfigCommands&) = delete;
  ConfigCommands& operator=(const ConfigCommands&) = delete;

 private:
  std::string real_time_protection_;
};

}  // namespace gatehouse
