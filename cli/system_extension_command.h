// `mdatp system-extension`: approve, revoke, status.
//
// One thread. Refers to the command line, which must outlive it.
#pragma once

#include "cli/command_line.h"

namespace gatehouse {

void AddSystemExtensionCommands(CommandLine& command_line);

}  // namespace gatehouse
