// `mdatp threat quarantine` but its list, and `mdatp threat restore`: what
// becomes of the files of threats.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command_line.h"
#include "ipc/json.h"
#include "ipc/message.h"

namespace gatehouse {

// The request for one threat by its id, which people copy from elsewhere,
// sometimes in capitals. Errors: kNotFound for what is no id.
Result<Json> RequestAboutThreat(IpcCommand command, const std::string& id);

class QuarantineCommands {
 public:
  // `threat` is the group they belong to, `quarantine` that of the same name;
  // `command_line` outlives this object.
  QuarantineCommands(Command threat, Command quarantine,
                     CommandLine& command_line);
  QuarantineCommands(const QuarantineCommands&) = delete;
  QuarantineCommands& operator=(const QuarantineCommands&) = delete;

 private:
  // Users type it with and without "quarantine" in front.
  void AddRestore(Command parent);
  ExitCode Restore(bool is_by_path, OutputFormat output);

  CommandLine& command_line_;
  std::string id_;
  std::string path_;              // Where it was; of `restore --id` alone:
                                  // where it goes.
  std::string destination_path_;  // Empty: where it was.
  bool preserve_privileges_ = false;
};

}  // namespace gatehouse
