// `mdatp threat`: what was found, and what became of it.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace gatehouse {

class ThreatCommands {
 public:
  // `command_line` outlives this object.
  explicit ThreatCommands(CommandLine& command_line);
  ThreatCommands(const ThreatCommands&) = delete;
  ThreatCommands& operator=(const ThreatCommands&) = delete;

 private:
  void AddQuarantine(Command threat, CommandLine& command_line);
  // Users type it with and without "quarantine" in front.
  void AddRestore(Command parent, CommandLine& command_line);

  std::string id_;
  std::string destination_path_;  // Empty: where it was.
};

}  // namespace gatehouse
