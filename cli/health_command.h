// `mdatp health`.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace gatehouse {

class HealthCommand {
 public:
  // `command_line` outlives this object.
  explicit HealthCommand(CommandLine& command_line);
  HealthCommand(const HealthCommand&) = delete;
  HealthCommand& operator=(const HealthCommand&) = delete;

 private:
  std::string field_;    // Empty: all of them.
  std::string details_;  // A feature; empty: health as a whole.
};

}  // namespace gatehouse
