// `mdatp version`.
#pragma once

#include "cli/command_line.h"

namespace gatehouse {

// "Gatehouse 1.2.3 (mdatp-compatible)".
[[nodiscard]] const char* VersionText();

void AddVersionCommand(CommandLine& command_line);

}  // namespace gatehouse
