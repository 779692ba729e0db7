// Console: what mdatp prints. Results go to standard output, everything about
// them (warnings, errors, statistics) to standard error.
//
// Thread-safe: a line is written whole, lines of different threads never mix.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/exit_code.h"

namespace gatehouse {

enum class OutputFormat : uint8_t { kText, kJson };

// Makes sure that descriptors 0 to 2 are taken, so that no file we open gets
// such a number, and that a closed pipe is an error and not our death. Call
// first in main.
void PrepareStandardStreams();

// One line to standard output, at once. A failure is remembered.
void PrintLine(std::string_view line);

// One line to standard error.
void WarnLine(std::string_view line);

// Reports an error: one line on standard error, and the error object of JSON on
// standard output when that is the format. Returns `code`.
ExitCode PrintError(OutputFormat format, ExitCode code,
                    std::string_view message);
ExitCode PrintError(OutputFormat format, const Error& error);

// Call last in main: returns `code`, or, when something printed did not arrive,
// complains and returns kOperational.
[[nodiscard]] ExitCode FinishOutput(ExitCode code);

}  // namespace gatehouse
