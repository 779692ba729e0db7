// `mdatp threat`: what was found, and what became of it.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <string>

#include "cli/command_line.h"
#include "cli/quarantine_command.h"
#include "cli/threat_rule_command.h"

namespace gatehouse {

class ThreatCommands {
 public:
  // `command_line` outlives this object.
  explicit ThreatCommands(CommandLine& command_line);
  ThreatCommands(const ThreatCommands&) = delete;
  ThreatCommands& operator=(const ThreatCommands&) = delete;

 private:
  // Returns the group "quarantine".
  Command AddLists(CommandLine& command_line);

  std::string id_;
  Command threat_;
  Command quarantine_;
  QuarantineCommands quarantine_commands_;
  ThreatRuleCommands rule_commands_;
};

}  // namespace gatehouse
