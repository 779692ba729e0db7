// Message: an es_message_t, everything it points to, and who still needs it.
//
// One Message per slot of the journal, made when the slot is first used and
// used again for every event of that slot; those of notify sources, which hold
// no slot, come from a pool. References are counted: the reader holds one
// during the handler call, each retain is another, the deadline timer takes one
// while it looks. The last one out frees the slot.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>
#include <sys/vfs.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/journal.h"
#include "es_linux.h"

namespace gatehouse {

class Client;
class EventBackend;

// What only messages of notify sources have.
struct MessageParts {
  es_file_t directory = {};  // Of the name, or of the new name.
  es_process_t child = {};
  es_file_t child_executable = {};
  struct statfs file_system = {};
  esl_mount_t mount = {};  // Into the buffers below.
  std::array<char, PATH_MAX> directory_path = {};
  std::array<char, PATH_MAX> child_executable_path = {};
  std::array<char, NAME_MAX + 1> name = {};
  std::array<char, PATH_MAX> new_path = {};  // `directory` and `name`.
  // The paths acted on that can be muted; into the buffers of the message.
  std::array<std::string_view, 2> targets;
  size_t target_count = 0;
  std::vector<char> argument_text;
  std::vector<es_string_token_t> arguments;
  uint32_t scan_mark = 0;
};

struct Message {
  es_message_t es = {};  // First: a Message is found from its es_message_t.
  es_process_t process = {};
  es_file_t executable = {};
  es_file_t target = {};
  es_process_t exec_target = {};  // AUTH_EXEC: `process` with the new file.
  es_file_t working_directory = {};
  std::array<char, PATH_MAX> executable_path = {};
  std::array<char, PATH_MAX> target_path = {};
  std::array<char, PATH_MAX> working_directory_path = {};

  Client* client = nullptr;  // Outlives every message of its own.
  GroupKind group = GroupKind::kPermission;
  size_t slot_index = 0;
  int fd = -1;
  uint64_t sequence = 0;
  bool answered_by_predecessor = false;
  bool had_writer = true;  // When the message was made; true if not looked at.
  bool has_process = false;             // What ESL_DETAIL_FULL adds is there.
  std::unique_ptr<MessageParts> parts;  // Null: the message holds a slot.

  // 0: nobody holds it and the slot may be used again.
  mutable std::atomic<uint32_t> references{0};
  // The sequence number while nobody has answered, else 0. Whoever exchanges
  // it for 0 answers: exactly one does.
  mutable std::atomic<uint64_t> unanswered{0};
  // Denied when the deadline has come: see esl_message_fail_closed.
  mutable std::atomic<bool> fails_closed{false};
  // CLOCK_MONOTONIC; stored before `unanswered`.
  std::atomic<int64_t> deadline_ns{0};

  // The message that `es` is the first member of.
  static const Message& Of(const es_message_t* es);
};

struct MessageNumbers {
  uint64_t of_type = 0;  // es_message_t::seq_num.
  uint64_t global = 0;
  int64_t deadline_ns = 0;  // 0: nobody waits.
};

// Fills `message` from the event in its slot and what `backend` knows about it:
// blocks for /proc only, allocates nothing. Does not touch references and
// unanswered.
void FillMessage(Message& message, const fanotify_event_metadata& raw,
                 es_event_type_t type, const MessageNumbers& numbers,
                 esl_detail_t detail, EventBackend& backend);

// What every message begins with: when, which event, and of `pid` no more than
// the number. `message` is a notification until somebody says otherwise.
void FillHeader(Message& message, es_event_type_t type, pid_t pid,
                int64_t now_ns);

// Adds what /proc tells about `pid`; `path` holds the path of `executable`.
void FillProcessFacts(es_process_t& process, es_file_t& executable,
                      std::span<char> path, pid_t pid);

// Adds the arguments that `pid` was started with, up to
// kArgumentBytesMax. Allocates until the buffers have grown.
inline constexpr size_t kArgumentBytesMax = size_t{1} << 20U;
void FillArguments(MessageParts& parts, pid_t pid);

// NOTIFY_EXEC and AUTH_EXEC: `message.process` runs `message.target`.
void FillExec(Message& message);

// Those of FillArguments; null if the message has none.
[[nodiscard]] const std::vector<es_string_token_t>* ArgumentsOf(
    const es_event_exec_t& exec);

[[nodiscard]] inline es_string_token_t TokenOf(std::string_view text) {
  return {text.size(), text.data()};
}

// The path of `file` is what the symbolic link `link` says; `buffer` holds it.
void FillPath(es_file_t& file, std::span<char> buffer, const char* link);

}  // namespace gatehouse
