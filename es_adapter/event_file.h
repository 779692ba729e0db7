// The file of an ES message, as an open descriptor. Two twins implement this
// header: event_file_linux.cc takes the descriptor that fanotify delivered,
// event_file_macos.cc opens by device and inode and compares. Nothing else in
// the project opens the file of an event, and nothing opens it by path.
//
// Thread-safe. What is returned keeps the message alive where it borrows.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "engine/file_event.h"
#include "engine/scan_file.h"

namespace gatehouse {

// Errors: kNotFound if the file is gone (macOS) or the message has none.
[[nodiscard]] Result<ScanFile> OpenEventFile(const es_message_t& message);

// What the message is about; null for events without a file.
[[nodiscard]] const es_file_t* EventTarget(const es_message_t& message);

// The path of an event's file: for display, and valid as long as the file.
// Looked up when it is asked for, because few are. For the one thread that has
// the event.
[[nodiscard]] std::string_view PathOf(const FileEvent& event);
// The same of a message that is being handled.
[[nodiscard]] std::string_view TargetPath(const es_message_t& message);

// The message's deadline on our clock; kNever if nobody waits.
[[nodiscard]] MonotonicTime EventDeadline(const es_message_t& message);

// The program start that `message` asks about is going to be allowed because
// its file is clean: the open of it that the kernel asks about next need not be
// judged again. For others and on macOS: nothing.
void ExpectOpen(const es_message_t& message);

// Refuse what `message` asks about if nobody has answered by its deadline: the
// last resort, when all of us are stuck. macOS has that for a client only.
void FailClosed(const es_message_t& message);

// The paths of what the message is about and of the program that acts, if they
// can be believed: empty if not, or if unknown. Only while the message is being
// handled.
[[nodiscard]] std::string_view BelievedPath(const es_message_t& message);
[[nodiscard]] std::string_view BelievedExecutable(const es_message_t& message);

// See base/file_system_facts.h and base/writer_probe.h. On macOS nobody tells:
// every file has a writer.
[[nodiscard]] bool EventTellsWriters(const es_message_t& message);
[[nodiscard]] bool EventKeepsPinnedPages(const es_message_t& message);
[[nodiscard]] bool EventHasWriter(const es_message_t& message);

// The file of `message` is clean: the kernel need not ask about opens of it for
// a moment, until it is written. Bounded; asks the kernel once, without
// waiting. Only in the handler. On macOS: nothing.
void IgnoreUntilModified(const es_message_t& message);

// See engine/crash_mark.h. Null where no process outlives us (macOS).
[[nodiscard]] uint32_t* EventScanMark(const es_message_t& message);

// How many processes this event's scan has killed.
[[nodiscard]] uint32_t EventStrikes(const es_message_t& message);

// NOTIFY_EXEC: the program may be in memory alone, where no open of it was
// held. By its name, which somebody may have made up: whoever goes on looks at
// the file. True if that is not known. On macOS there are no such programs.
[[nodiscard]] bool MayRunFromMemory(const es_message_t& message);

// True if a predecessor answered by policy and owes a rescan.
[[nodiscard]] bool EventIsAnswered(const es_message_t& message);

}  // namespace gatehouse
