// `mdatp threat allowed` and `mdatp threat policy`: which threats are left
// alone.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace gatehouse {

struct AllowedOptions {
  std::string name;
  std::string sha256;
  std::string expires;
  std::string comment;
};

class ThreatRuleCommands {
 public:
  // `threat` is the group they belong to; `command_line` outlives this object.
  ThreatRuleCommands(Command threat, CommandLine& command_line);
  ThreatRuleCommands(const ThreatRuleCommands&) = delete;
  ThreatRuleCommands& operator=(const ThreatRuleCommands&) = delete;

 private:
  void AddAllowed(Command& threat);
  void AddPolicy(Command& threat);

  CommandLine& command_line_;
  AllowedOptions allowed_;
  bool shows_history_ = false;
  std::string type_;
  std::string action_;
};

}  // namespace gatehouse
