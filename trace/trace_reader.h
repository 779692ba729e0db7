// Reads trace files: all that is whole, up to where one was cut off.
//
// Thread-safe: functions without state. Memory is bounded by kTraceBytesMax.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "trace/trace.h"

namespace gatehouse {

// Decodes a whole file. A block that is not whole, or damaged, ends the trace,
// which then says so (Trace::cut). Errors: kInvalidInput for what is no trace,
// of another version, or whole and contradicts itself (an event of a file that
// was not defined, a second answer); the message names the offset.
Result<Trace> DecodeTrace(ByteView bytes);

// The same of the file at `path`. Errors: also those of opening and reading it;
// kLimitExceeded beyond kTraceBytesMax.
Result<Trace> ReadTraceFile(const std::string& path);

}  // namespace gatehouse
