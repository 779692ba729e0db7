#include "cli/daemon_request.h"

#include <thread>
#include <utility>

#include "base/time.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kBusyPause{50};

struct FirstAnswer {
  IpcClient client;
  Json frame;
};

Result<FirstAnswer> TryOnce(const std::string& run_directory,
                            const Json& request,
                            std::span<const int> unsafe_fds) {
  Result<IpcClient> client = IpcClient::Connect(run_directory);
  if (!client) return Unexpected(client.error());
  const Result<bool> is_sent = client->Send(request, unsafe_fds);
  // A daemon that refused us without reading has said why.
  if (!is_sent && is_sent.error().code != ErrorCode::kUnreachable) {
    return Unexpected(is_sent.error());
  }
  Result<Json> frame = client->Receive(kAnswerTimeout);
  if (!frame) return Unexpected(frame.error());
  return FirstAnswer{std::move(*client), std::move(*frame)};
}

Result<FirstAnswer> Try(const std::string& run_directory, const Json& request,
                        std::span<const int> unsafe_fds) {
  const MonotonicTime give_up_at = MonotonicClock::now() + kBusyPatience;
  for (;;) {
    Result<FirstAnswer> answer = TryOnce(run_directory, request, unsafe_fds);
    if (answer || answer.error().code != ErrorCode::kBusy ||
        MonotonicClock::now() >= give_up_at) {
      return answer;
    }
    std::this_thread::sleep_for(kBusyPause);
  }
}

}  // namespace

Error BadAnswer(std::string_view why) {
  return {ErrorCode::kOperational,
          "understand the daemon's answer: " + std::string(why)};
}

Result<Conversation> BeginConversation(const std::string& run_directory,
                                       const Json& request,
                                       std::string_view type,
                                       std::span<const int> unsafe_fds) {
  Result<FirstAnswer> first = Try(run_directory, request, unsafe_fds);
  if (!first) return Unexpected(first.error());
  const std::string found = TypeOf(first->frame);
  if (found != type) {
    return Unexpected(
        BadAnswer("'" + found + "' instead of '" + std::string(type) + "'"));
  }
  return Conversation{std::move(first->client), std::move(first->frame)};
}

Result<Json> Ask(const std::string& run_directory, const Json& request,
                 std::string_view type, std::span<const int> unsafe_fds) {
  Result<Conversation> conversation =
      BeginConversation(run_directory, request, type, unsafe_fds);
  if (!conversation) return Unexpected(conversation.error());
  return std::move(conversation->answer);
}

Result<std::vector<Json>> AskForList(const std::string& run_directory,
                                     const Json& request) {
  Result<FirstAnswer> first = Try(run_directory, request, {});
  if (!first) return Unexpected(first.error());
  std::vector<Json> frames;
  Json frame = std::move(first->frame);
  while (TypeOf(frame) != kEndType) {
    if (TypeOf(frame).empty()) return Unexpected(BadAnswer("it has no type"));
    if (frames.size() == kAnswerFramesMax) {
      return Unexpected(BadAnswer("it does not end"));
    }
    frames.push_back(std::move(frame));
    Result<Json> next = first->client.Receive(kAnswerTimeout);
    if (!next) return Unexpected(next.error());
    frame = std::move(*next);
  }
  return frames;
}

}  // namespace gatehouse
