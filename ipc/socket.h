// The socket of the daemon in its run directory.
//
// Thread-safe, but for the process's umask, see ListenOn.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace gatehouse {

inline constexpr const char* kSocketName = "mdatp.sock";
inline constexpr int kListenBacklog = 128;

// Binds `run_directory`/mdatp.sock, mode 0666, and listens; the socket does not
// block. A socket file that nobody serves any more is replaced. Changes the
// umask for a moment: call while no other thread makes files. Errors: another
// server serves it (kBusy, its path is named); what is there is no socket; the
// path is longer than an address may be (kLimitExceeded); system errors.
Result<UniqueFd> ListenOn(const std::string& run_directory);

// Removes the socket's name: whoever comes later finds nobody at once.
void StopListening(const std::string& run_directory);

// Connects to it. Blocks for at most `timeout`. Errors: kUnreachable, when
// nobody serves it; kNotPermitted; kLimitExceeded as above; kOperational.
Result<UniqueFd> ConnectTo(const std::string& run_directory,
                           std::chrono::milliseconds timeout);

}  // namespace gatehouse
