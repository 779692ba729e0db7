// Message: an es_message_t, everything it points to, and who still needs it.
//
// One Message per slot of the journal, made when the slot is first used and
// used again for every event of that slot. References are counted: the reader
// holds one during the handler call, each retain is another, the deadline
// timer takes one while it looks. The last one out frees the slot.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>

#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/journal.h"

namespace gatehouse {

class Client;
class EventBackend;

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
  bool has_process = false;  // What ESL_DETAIL_FULL adds is there.

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

// The path of `file` is what the symbolic link `link` says; `buffer` holds it.
void FillPath(es_file_t& file, std::span<char> buffer, const char* link);

}  // namespace gatehouse
