// SystemCallRunner: runs a program and stops it before each system call of one
// part of it (driver_part.h), for somebody who kills it there or makes the call
// fail.
//
// One thread at a time, and the program has one thread only. x86-64.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gatehouse {

struct SystemCall {
  uint64_t index = 0;  // In the part; the first is 1.
  long number = 0;     // SYS_read and its like.
  std::array<uint64_t, 6> arguments = {};
};

// What becomes of a call.
struct Treatment {
  enum class Kind : uint8_t {
    kNone,   // It is made.
    kKill,   // The program gets SIGKILL, and the call is not made.
    kFail,   // It is not made, and fails with `error`.
    kShort,  // The third argument, a count, is halved.
  };
  Kind kind = Kind::kNone;
  int error = 0;  // errno.
};

class CallWatcher {
 public:
  virtual ~CallWatcher() = default;
  // The program stands still just before the call.
  virtual Treatment Before(const SystemCall& call) = 0;
};

struct ProgramEnd {
  int exit_code = -1;  // -1: it was ended by a signal.
  int signal = 0;
  uint64_t calls = 0;     // Calls of the part that were seen.
  std::string last_call;  // Its number, in words.
  std::string output;     // Standard output and error.
};

// Runs a program to its end. Without a watcher nothing is watched.
ProgramEnd RunProgram(const std::vector<std::string>& command,
                      CallWatcher* watcher);
// The same for a process that does `work` and ends: the caller has one thread,
// or what it holds is held for ever in that process. Several times faster.
ProgramEnd RunForked(const std::function<void()>& work, CallWatcher* watcher);

// A call that reads, writes or looks at a file, by its number: what a disk may
// refuse. Not close, which releases in any case.
[[nodiscard]] bool IsFileCall(const SystemCall& call);
// read, write and their like.
[[nodiscard]] bool TransfersBytes(long number);
[[nodiscard]] std::string CallName(long number);

}  // namespace gatehouse
