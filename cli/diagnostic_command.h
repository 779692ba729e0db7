// `mdatp diagnostic`: why is this machine slow: which processes, programs and
// files cause events, and what the events cost; a record of them; and why a
// file gets its verdict.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <cstddef>

#include "cli/command_line.h"
#include "cli/explain_command.h"
#include "cli/record_command.h"

namespace gatehouse {

class DiagnosticCommands {
 public:
  // `command_line` outlives this object.
  explicit DiagnosticCommands(CommandLine& command_line);
  DiagnosticCommands(const DiagnosticCommands&) = delete;
  DiagnosticCommands& operator=(const DiagnosticCommands&) = delete;

 private:
  void AddProcesses(Command& group);
  void AddSources(Command& group);

  CommandLine& command_line_;
  RecordCommands record_;
  ExplainCommands explain_;
  bool is_sorted_ = false;
  bool lists_all_ = false;
  size_t top_ = 0;  // 0: all.
  size_t seconds_ = 10;
};

}  // namespace gatehouse
