// `mdatp diagnostic record`: asks the daemon to record events, into a file that
// is opened here, with the rights of whoever asks.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <cstddef>
#include <string>

#include "cli/command_line.h"

namespace gatehouse {

class RecordCommands {
 public:
  // `command_line` outlives this object.
  explicit RecordCommands(CommandLine& command_line)
      : command_line_(command_line) {}
  RecordCommands(const RecordCommands&) = delete;
  RecordCommands& operator=(const RecordCommands&) = delete;

  void AddTo(Command& diagnostic);

 private:
  CommandLine& command_line_;
  std::string path_;
  size_t seconds_ = 0;  // 0: until it is interrupted or stopped.
};

}  // namespace gatehouse
