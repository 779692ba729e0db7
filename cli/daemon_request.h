// Asking the daemon: a request, and the frames that answer it.
//
// Thread-compatible. Blocks for a bounded time; waits a little while the
// daemon says that it is busy. Errors: those of the daemon and of IpcClient;
// kOperational for an answer that makes no sense.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ipc/client.h"
#include "ipc/json.h"

namespace gatehouse {

// How long one frame of an answer may take.
inline constexpr std::chrono::milliseconds kAnswerTimeout{10000};
// How long "busy" is taken for an invitation to come again.
inline constexpr std::chrono::milliseconds kBusyPatience{3000};
inline constexpr size_t kAnswerFramesMax = 200000;

// A connection on which `request` has been answered with a frame of type
// `type`, and more may be said.
struct Conversation {
  IpcClient client;
  Json answer;
};
Result<Conversation> BeginConversation(const std::string& run_directory,
                                       const Json& request,
                                       std::string_view type,
                                       std::span<const int> unsafe_fds = {});

// A request that one frame of `type` answers.
Result<Json> Ask(const std::string& run_directory, const Json& request,
                 std::string_view type, std::span<const int> unsafe_fds = {});

// A request that any number of frames answer, the last of them "end", which is
// left out.
Result<std::vector<Json>> AskForList(const std::string& run_directory,
                                     const Json& request);

// kOperational: the answer to `request` is none, because of `why`.
[[nodiscard]] Error BadAnswer(std::string_view why);

}  // namespace gatehouse
