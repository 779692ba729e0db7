#include <es_linux.h>

#include <chrono>

#include "base/file_system_facts.h"
#include "engine/crash_mark.h"
#include "es_adapter/event_file.h"

namespace gatehouse {
namespace {

static_assert(ESL_SCAN_MARK_NONE == kScanMarkNone);
static_assert(ESL_SCAN_MARK_SCANNING == kScanMarkScanning);
static_assert(ESL_SCAN_MARK_FAULTED == kScanMarkFaulted);

void ReleaseMessage(void* message) noexcept {
  es_release_message(static_cast<const es_message_t*>(message));
}

std::string_view PathOf(const es_file_t* file) {
  if (file == nullptr || file->path_truncated) return {};
  return {file->path.data, file->path.length};
}

}  // namespace

Result<ScanFile> OpenEventFile(const es_message_t& message) {
  const int fd = esl_message_fd(&message);
  if (fd < 0) return Fail(ErrorCode::kNotFound, "the event has no file");
  es_retain_message(&message);
  // ScanFile's owner is an opaque pointer; the release gets it back as const.
  return ScanFile(fd, const_cast<es_message_t*>(&message), ReleaseMessage);
}

std::string_view PathOf(const FileEvent& event) {
  // Others than messages have files for the same workers.
  const auto* message =
      static_cast<const es_message_t*>(event.file.UnsafeOwner(ReleaseMessage));
  return message == nullptr ? event.unsafe_path : TargetPath(*message);
}

std::string_view TargetPath(const es_message_t& message) {
  esl_message_fill_path(&message);
  const es_string_token_t& path = EventTarget(message)->path;
  return {path.data, path.length};
}

MonotonicTime EventDeadline(const es_message_t& message) {
  if (message.deadline == 0) return kNever;
  // The library stamps with CLOCK_MONOTONIC, as std::chrono::steady_clock.
  return MonotonicTime(std::chrono::nanoseconds(message.deadline));
}

void ExpectOpen(const es_message_t& message) {
  esl_message_expect_open(&message);
}

void FailClosed(const es_message_t& message) {
  esl_message_fail_closed(&message);
}

std::string_view BelievedPath(const es_message_t& message) {
  return PathOf(esl_message_believed_target(&message));
}

std::string_view BelievedExecutable(const es_message_t& message) {
  return PathOf(esl_message_believed_executable(&message));
}

bool EventTellsWriters(const es_message_t& message) {
  return TellsWriters(esl_message_fd(&message));
}

bool EventKeepsPinnedPages(const es_message_t& message) {
  return KeepsPinnedPages(esl_message_fd(&message));
}

bool EventHasWriter(const es_message_t& message) {
  return esl_message_has_writer(&message);
}

void IgnoreUntilModified(const es_message_t& message) {
  esl_message_ignore_until_modified(&message);
}

uint32_t* EventScanMark(const es_message_t& message) {
  return esl_message_scan_mark(&message);
}

uint32_t EventStrikes(const es_message_t& message) {
  return esl_message_strikes(&message);
}

// The kernel puts this before whatever name a memfd was given, in every
// namespace. The process may be over; or only its first thread, without which
// it has no such link.
bool MayRunFromMemory(const es_message_t& message) {
  const std::string_view path = PathOf(message.event.exec.target->executable);
  return path.empty() || path.starts_with("/memfd:");
}

bool EventIsAnswered(const es_message_t& message) {
  return esl_message_is_answered(&message);
}

}  // namespace gatehouse
