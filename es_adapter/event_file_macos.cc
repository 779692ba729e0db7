// The macOS twin of event_file_linux.cc. Compiled on Apple systems only; on
// Linux a test compiles it for syntax against our ES headers. Never run here.
#include <fcntl.h>
#include <mach/mach_time.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "es_adapter/event_file.h"

namespace gatehouse {

// An ES message names its file by path and stat; a path may have changed hands
// since. The volume file system /.vol opens by device and inode, and fstat
// proves that the inode number was not used again in between.
Result<ScanFile> OpenEventFile(const es_message_t& message) {
  const es_file_t* target = EventTarget(message);
  if (target == nullptr) {
    return Fail(ErrorCode::kNotFound, "the event has no file");
  }
  const struct stat& expected = target->stat;
  const std::string path = "/.vol/" + std::to_string(expected.st_dev) + "/" +
                           std::to_string(expected.st_ino);
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return FailSystem("open '" + path + "'", errno);
  struct stat actual = {};
  if (::fstat(fd.UnsafeFd(), &actual) != 0) {
    return FailSystem("fstat '" + path + "'", errno);
  }
  if (actual.st_dev != expected.st_dev || actual.st_ino != expected.st_ino ||
      actual.st_gen != expected.st_gen) {
    return Fail(ErrorCode::kNotFound, "'" + path + "' is another file now");
  }
  return ScanFile(std::move(fd));
}

// The adapter has filled it: a message is not kept.
std::string_view PathOf(const FileEvent& event) { return event.unsafe_path; }

std::string_view TargetPath(const es_message_t& message) {
  const es_string_token_t& path = EventTarget(message)->path;
  return {path.data, path.length};
}

MonotonicTime EventDeadline(const es_message_t& message) {
  if (message.action_type != ES_ACTION_TYPE_AUTH) return kNever;
  mach_timebase_info_data_t timebase = {};
  (void)::mach_timebase_info(&timebase);  // Documented never to fail.
  const uint64_t now = ::mach_absolute_time();
  // Relative to now, so that the two clocks need no common beginning.
  const uint64_t left = message.deadline > now ? message.deadline - now : 0;
  return MonotonicClock::now() +
         std::chrono::nanoseconds(left * timebase.numer / timebase.denom);
}

// One event per program start.
void ExpectOpen(const es_message_t& /*message*/) {}

void FailClosed(const es_message_t& /*message*/) {}

// There is one namespace of mounts.
std::string_view BelievedPath(const es_message_t& message) {
  const es_file_t* target = EventTarget(message);
  if (target == nullptr || target->path_truncated) return {};
  return {target->path.data, target->path.length};
}

std::string_view BelievedExecutable(const es_message_t& message) {
  const es_file_t& file = *message.process->executable;
  if (file.path_truncated) return {};
  return {file.path.data, file.path.length};
}

bool EventTellsWriters(const es_message_t& /*message*/) { return false; }

bool EventKeepsPinnedPages(const es_message_t& /*message*/) { return true; }

bool EventHasWriter(const es_message_t& /*message*/) { return true; }

void IgnoreUntilModified(const es_message_t& /*message*/) {}

uint32_t* EventScanMark(const es_message_t& /*message*/) { return nullptr; }

uint32_t EventStrikes(const es_message_t& /*message*/) { return 0; }

bool MayRunFromMemory(const es_message_t& /*message*/) { return false; }

bool EventIsAnswered(const es_message_t& /*message*/) { return false; }

}  // namespace gatehouse
