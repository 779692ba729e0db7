// What passes between a compile process and the one that started it.
//
// The arguments name a descriptor. Into that file the compile process writes
// the digest of what it read and the image, and exits with kExitCompiled; or it
// writes the text of an error, and its code is that of the exit.
#pragma once

#include <cstdint>

#include "base/digest.h"

namespace gatehouse {

inline constexpr int kExitCompiled = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitOutOfMemory = 3;  // No text: there is no room for it.
inline constexpr int kExitErrorFirst = 16;  // And the ErrorCode.

// Where the image begins.
inline constexpr uint64_t kImageOffset = sizeof(Sha256Digest);

// Arguments in this order.
enum CompileArgument : int {
  kArgumentProgram = 1,
  kArgumentDirectory,
  kArgumentOutput,   // A descriptor.
  kArgumentOptions,  // One letter each: u unwanted, a any-size hashes,
                     // s system files must be clean.
  kArgumentCpuSeconds,
  kArgumentMemoryBytes,
  kArgumentCount,
};

}  // namespace gatehouse
