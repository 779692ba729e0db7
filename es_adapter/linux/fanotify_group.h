// The system calls of fanotify, each once: open a group, mark a file system,
// read, answer.
//
// Thread-safe: the kernel serialises. Descriptors are borrowed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "es_adapter/linux/journal.h"

namespace gatehouse {

// Opens a group. The errno of a failure is in `*error_number`: EPERM without
// CAP_SYS_ADMIN, EMFILE at the limit of groups, ENOSYS without fanotify.
// Permission and notification events never share a group: a flood of the
// latter must not delay the former. The queues are unlimited: an event that
// finds a limited queue full is silently allowed by the kernel.
struct OpenedGroup {
  UniqueFd fd;
  int error_number = 0;
};
[[nodiscard]] OpenedGroup OpenGroup(GroupKind kind);

// Adds `mask` to (or takes it from) the file system that the open `directory`
// is on. Returns 0 or an errno value.
[[nodiscard]] int MarkFileSystem(int group_fd, int directory, uint64_t mask);
// Removes every file-system mark of the group. Returns 0 or an errno value.
[[nodiscard]] int RemoveAllMarks(int group_fd);

// Opens a group that reports what is mounted and unmounted in our own mount
// namespace: since Linux 6.15. Its queue is limited: nobody waits.
[[nodiscard]] OpenedGroup OpenMountGroup();
// Takes the mark of such a group away, or sets it again. Returns 0 or an errno
// value.
[[nodiscard]] int MarkOwnMounts(int group_fd, bool is_wanted);

// The group hears of no opens of the file behind `fd` until that is written or
// truncated, or taken back: for the one file or for all. Where the kernel can,
// such a mark does not keep the file in memory. While somebody can write the
// file, the kernel says yes and does nothing.
void IgnoreOpens(int group_fd, int fd);
void StopIgnoring(int group_fd, int fd);
void StopIgnoringAll(int group_fd);

// File-system marks of the group, as /proc/self/fdinfo tells; 0 if there is no
// such group.
[[nodiscard]] uint32_t CountMarks(int group_fd);

// Of those, the devices that are marked, as mountinfo has them.
[[nodiscard]] std::vector<dev_t> MarkedDevices(int group_fd);

// Answers the event with descriptor `fd`, which must still be open: the kernel
// finds the waiter by number. False if the kernel refused; a waiter that is
// gone or was answered before is no failure. Counts into `counters`.
bool AnswerEvent(int group_fd, int fd, bool allow, JournalCounters& counters);

// CLOCK_MONOTONIC in nanoseconds: the clock of the journal and of messages.
[[nodiscard]] int64_t JournalNow();

}  // namespace gatehouse
