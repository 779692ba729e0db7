// What a datagram of the kernel's process connector says (cn_proc.h): a pure
// function over its bytes.
//
// Thread-safe: constant.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace gatehouse {

enum class ProcessRecordKind : uint8_t {
  kOther,         // Of threads, names, ids: nothing that we report.
  kAcknowledged,  // The kernel's answer to our request; `status` is an errno.
  kFork,          // `pid` has the new child `child_pid`.
  kExec,          // `pid` runs a new program.
  kExit,          // `pid` ended with the wait status `status`.
};

struct ProcessRecord {
  ProcessRecordKind kind = ProcessRecordKind::kOther;
  pid_t pid = 0;
  pid_t child_pid = 0;
  pid_t parent_pid = 0;  // Of kExit; 0 where the kernel does not say.
  int status = 0;
};

// The length of the datagram that `bytes` begin with, a multiple of 4 or all
// of `bytes`; 0 if there is none.
[[nodiscard]] size_t ProcessRecordBytes(std::span<const std::byte> bytes);

// Parses one datagram. Empty if it does not fit the format.
[[nodiscard]] std::optional<ProcessRecord> ParseProcessRecord(
    std::span<const std::byte> datagram);

}  // namespace gatehouse
