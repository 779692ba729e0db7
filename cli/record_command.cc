#include "cli/record_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <stop_token>
#include <string_view>
#include <utility>

#include "base/display_text.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr size_t kSecondsMax = 86400;
constexpr mode_t kTraceMode = 0600;  // It has paths, users and programs.
// How soon Ctrl-C and the end of the time are noticed.
constexpr std::chrono::milliseconds kLookPeriod{100};
constexpr size_t kWordBytesMax = 64;
constexpr size_t kDetailBytesMax = 1024;

// --- What the daemon says at the end ----------------------------------------

struct Recorded {
  uint64_t events = 0;
  uint64_t answers = 0;
  uint64_t lost = 0;
  uint64_t bytes = 0;
  std::string reason;
  std::string detail;
};

Result<Recorded> RecordedOf(const Json& frame) {
  Recorded recorded;
  struct Place {
    const char* name;
    uint64_t& place;
  };
  for (const Place& number :
       {Place{"events", recorded.events}, Place{"answers", recorded.answers},
        Place{"lost", recorded.lost}, Place{"bytes", recorded.bytes}}) {
    const Result<uint64_t> value = NumberMember(frame, number.name, UINT64_MAX);
    if (!value) return Unexpected(BadAnswer(value.error().message));
    number.place = *value;
  }
  Result<std::string> reason = TextMember(frame, "reason", kWordBytesMax);
  if (!reason) return Unexpected(BadAnswer(reason.error().message));
  recorded.reason = std::move(*reason);
  Result<std::string> detail = TextMember(frame, "detail", kDetailBytesMax);
  if (detail) recorded.detail = std::move(*detail);
  return recorded;
}

// Did it end because somebody wanted that?
bool IsWanted(const Recorded& recorded) {
  return recorded.reason == "stopped" || recorded.reason == "ended_by_another";
}

std::string ReasonText(const Recorded& recorded) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5>
      kReasons = {{{"stopped", "as asked"},
                   {"ended_by_another", "by mdatp diagnostic record stop"},
                   {"size_limit", "the trace is full: 64 MiB"},
                   {"write_failed", "the trace could not be written"},
                   {"client_gone", "the program that recorded is gone"}}};
  std::string text = ShownText(recorded.reason);
  for (const auto& [word, meaning] : kReasons) {
    if (recorded.reason == word) text = meaning;
  }
  if (!recorded.detail.empty()) text += ": " + ShownText(recorded.detail);
  return text;
}

// `path` is empty where it is not known: who stops another one's recording.
ExitCode PrintRecorded(const Json& frame, const std::string& path,
                       OutputFormat output) {
  const Result<Recorded> recorded = RecordedOf(frame);
  if (!recorded) return PrintError(output, recorded.error());
  if (output == OutputFormat::kJson) {
    Json json = Json::object();
    if (!path.empty()) PutShownBytes(json, "path", path);
    json["events"] = recorded->events;
    json["answers"] = recorded->answers;
    json["lost"] = recorded->lost;
    json["bytes"] = recorded->bytes;
    json["reason"] = recorded->reason;
    if (!recorded->detail.empty()) json["detail"] = recorded->detail;
    PrintJson(json);
  } else {
    if (!path.empty()) PrintLine("Trace: \"" + DisplayText(path) + "\"");
    PrintLine("Events: " + std::to_string(recorded->events));
    PrintLine("Answers: " + std::to_string(recorded->answers));
    PrintLine("Lost: " + std::to_string(recorded->lost));
    PrintLine("Bytes: " + std::to_string(recorded->bytes));
    PrintLine("Ended: " + ReasonText(*recorded));
  }
  if (IsWanted(*recorded)) return ExitCode::kOk;
  WarnLine("Error: the recording ended early: " + ReasonText(*recorded));
  return ExitCode::kOperational;
}

// --- start ------------------------------------------------------------------

// A new file; never one that is there.
Result<UniqueFd> CreateTrace(const std::string& path) {
  UniqueFd file(::open(path.c_str(),
                       O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC,
                       kTraceMode));
  if (!file.valid()) {
    return FailSystem("record to '" + DisplayText(path) + "'", errno);
  }
  return file;
}

// Of a recording that did not begin, nothing is left: if it is still ours.
void RemoveTrace(const std::string& path, const UniqueFd& file) {
  struct stat ours = {};
  struct stat there = {};
  if (::fstat(file.UnsafeFd(), &ours) != 0 ||
      ::lstat(path.c_str(), &there) != 0) {
    return;
  }
  const bool is_ours =
      ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
  if (is_ours && ours.st_size == 0) (void)::unlink(path.c_str());
}

// What the daemon says when the recording ends, by itself or because the time
// is over or somebody has pressed Ctrl-C.
Result<Json> WaitForEnd(IpcClient& client, MonotonicTime end,
                        const std::stop_token& interrupted) {
  bool is_asked = false;
  while (true) {
    const Result<bool> has_answer = client.WaitToReceive(kLookPeriod);
    if (!has_answer) return Unexpected(has_answer.error());
    if (*has_answer || is_asked) return client.Receive(kAnswerTimeout);
    is_asked = interrupted.stop_requested() || MonotonicClock::now() >= end;
    if (!is_asked) continue;
    const Result<bool> is_sent =
        client.Send({{"command", IpcCommandWord(IpcCommand::kRecordEnd)}});
    // It may have ended by itself just now, and have said why.
    if (!is_sent && is_sent.error().code != ErrorCode::kUnreachable) {
      return Unexpected(is_sent.error());
    }
  }
}

ExitCode Record(const std::string& run_directory, const std::string& path,
                std::chrono::seconds time, OutputFormat output) {
  const InterruptWatcher interrupt;
  const Result<UniqueFd> file = CreateTrace(path);
  if (!file) return PrintError(output, file.error());
  const std::array<int, 1> unsafe_fds = {file->UnsafeFd()};
  Result<Conversation> conversation = BeginConversation(
      run_directory, {{"command", IpcCommandWord(IpcCommand::kRecordBegin)}},
      kRecordingType, unsafe_fds);
  if (!conversation) {
    RemoveTrace(path, *file);
    return PrintError(output, conversation.error());
  }
  WarnLine("Recording to \"" + DisplayText(path) +
           "\", until Ctrl-C or mdatp diagnostic record stop");
  const MonotonicTime end =
      time.count() == 0 ? kNever : MonotonicClock::now() + time;
  Result<Json> frame = WaitForEnd(conversation->client, end, interrupt.token());
  if (!frame && frame.error().code == ErrorCode::kUnreachable) {
    // Its exit code is not that of a daemon that cannot be asked at all.
    return PrintError(output, ExitCode::kOperational,
                      "the recording ended early: the daemon is gone (" +
                          frame.error().message +
                          "); the trace is readable up to there");
  }
  if (!frame) return PrintError(output, frame.error());
  if (TypeOf(*frame) != kRecordedType) {
    return PrintError(output, BadAnswer("a recording without an end"));
  }
  return PrintRecorded(*frame, path, output);
}

// --- stop -------------------------------------------------------------------

ExitCode StopRecording(const std::string& run_directory, OutputFormat output) {
  const Result<Json> frame =
      Ask(run_directory, {{"command", IpcCommandWord(IpcCommand::kRecordEnd)}},
          kRecordedType);
  if (!frame) return PrintError(output, frame.error());
  return PrintRecorded(*frame, "", output);
}

}  // namespace

void RecordCommands::AddTo(Command& diagnostic) {
  Command record = diagnostic.AddGroup(
      "record", "Record events and their answers to a file, for a replay");
  Command start = record.AddCommand(
      "start",
      "Record until the time is over, Ctrl-C, or 'record stop', and say what "
      "was recorded",
      [this](OutputFormat output) {
        return Record(command_line_.run_directory(), path_,
                      std::chrono::seconds(seconds_), output);
      });
  start.AddRequiredText(
      {"--path", "Where to: a new file, never one that is there", "FILE"},
      path_);
  start.AddNumber({"--duration", "Seconds to record; 0: no limit", "SECONDS"},
                  seconds_, kSecondsMax);
  (void)record.AddCommand("stop", "End the recording that is going on",
                          [this](OutputFormat output) {
                            return StopRecording(command_line_.run_directory(),
                                                 output);
                          });
}

}  // namespace gatehouse
