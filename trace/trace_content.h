// Contents of files of a trace, made when they are needed: a trace refers to
// them by kind, size and seed, so that it is small and holds no bytes of the
// machine where it was recorded.
//
// Thread-safe: functions without state.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "trace/trace.h"

namespace gatehouse {

// What is made of a content; what comes after is a hole, which reads as zeros.
inline constexpr uint64_t kMadeBytesMax = 256U << 10U;

// The content of a file at an event: what the trace says, else as many bytes as
// the file had, clean or the EICAR test file, as the event was answered.
[[nodiscard]] TraceContent ContentOf(const Trace& trace,
                                     const TraceEvent& event);

// How a trace refers to `bytes`: never literally to the EICAR test file.
[[nodiscard]] TraceContent ReferenceTo(ByteView bytes);

// The EICAR test file. Not a constant: it would be found in our own programs.
[[nodiscard]] std::string EicarTestFile();

// What a kMarker has in its middle: 32 characters that no kClean has.
[[nodiscard]] std::string MarkerText(uint64_t seed);

// The first bytes of the content, at most kMadeBytesMax. The same on every
// machine.
[[nodiscard]] std::string MakeBytes(const TraceContent& content);

// The content as a file in memory, opened for reading only: nobody has it open
// for writing. Errors: no memory, no descriptor.
Result<UniqueFd> MakeFile(const TraceContent& content);

}  // namespace gatehouse
