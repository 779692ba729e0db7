// `mdatp exclusion`: file, folder, extension and process, each with add and
// remove; list.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace gatehouse {

class ExclusionCommands {
 public:
  // `command_line` outlives this object.
  explicit ExclusionCommands(CommandLine& command_line);
  ExclusionCommands(const ExclusionCommands&) = delete;
  ExclusionCommands& operator=(const ExclusionCommands&) = delete;

 private:
  void AddKind(Command& group, const char* kind, const char* help);
  void AddChange(Command& kind_group, const char* kind, const char* change);

  CommandLine& command_line_;
  std::string path_;
  std::string name_;
  std::string scope_ = "epp";
};

}  // namespace gatehouse
