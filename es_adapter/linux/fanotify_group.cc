#include "es_adapter/linux/fanotify_group.h"

#include <fcntl.h>
#include <linux/fanotify.h>
#include <sys/fanotify.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

#include "es_adapter/linux/mount_table.h"

namespace gatehouse {

OpenedGroup OpenGroup(GroupKind kind) {
  constexpr unsigned int kCommon =
      FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS;
  const unsigned int notification_class =
      kind == GroupKind::kPermission ? FAN_CLASS_CONTENT : FAN_CLASS_NOTIF;
  OpenedGroup group;
  group.fd.Reset(::fanotify_init(
      kCommon | notification_class,
      O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME | O_NONBLOCK));
  if (!group.fd.valid()) group.error_number = errno;
  return group;
}

int MarkFileSystem(int group_fd, int directory, uint64_t mask) {
  assert(mask != 0);
  const int result = ::fanotify_mark(
      group_fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, directory, nullptr);
  return result == 0 ? 0 : errno;
}

int RemoveAllMarks(int group_fd) {
  const int result = ::fanotify_mark(
      group_fd, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, "/");
  return result == 0 ? 0 : errno;
}

OpenedGroup OpenMountGroup() {
  // Not in the headers of every kernel we build on.
  constexpr unsigned int kReportMounts = 0x4000;  // FAN_REPORT_MNT
  OpenedGroup group;
  group.fd.Reset(::fanotify_init(
      FAN_CLOEXEC | FAN_NONBLOCK | FAN_CLASS_NOTIF | kReportMounts, O_RDONLY));
  group.error_number =
      group.fd.valid() ? MarkOwnMounts(group.fd.UnsafeFd(), true) : errno;
  if (group.error_number != 0) group.fd.Reset(-1);
  return group;
}

int MarkOwnMounts(int group_fd, bool is_wanted) {
  constexpr unsigned int kMarkNamespace = 0x110;  // FAN_MARK_MNTNS
  const UniqueFd own(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!own.valid()) return errno;
  const unsigned int flags =
      kMarkNamespace | (is_wanted ? FAN_MARK_ADD : FAN_MARK_REMOVE);
  const int result =
      ::fanotify_mark(group_fd, flags, kMountAttached | kMountDetached,
                      own.UnsafeFd(), nullptr);
  return result == 0 ? 0 : errno;
}

void IgnoreOpens(int group_fd, int fd) {
  constexpr unsigned int kIgnore = FAN_MARK_ADD | FAN_MARK_IGNORED_MASK;
  const int result = ::fanotify_mark(group_fd, kIgnore | FAN_MARK_EVICTABLE,
                                     FAN_OPEN_PERM, fd, nullptr);
  if (result == 0 || errno != EINVAL) return;
  // Before Linux 5.19.
  (void)::fanotify_mark(group_fd, kIgnore, FAN_OPEN_PERM, fd, nullptr);
}

void StopIgnoring(int group_fd, int fd) {
  // Most files have no such mark: ENOENT.
  (void)::fanotify_mark(group_fd, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK,
                        FAN_OPEN_PERM, fd, nullptr);
}

void StopIgnoringAll(int group_fd) {
  // Of files; what file systems are marked for stays.
  (void)::fanotify_mark(group_fd, FAN_MARK_FLUSH, 0, AT_FDCWD, "/");
}

uint32_t CountMarks(int group_fd) {
  return static_cast<uint32_t>(MarkedDevices(group_fd).size());
}

std::vector<dev_t> MarkedDevices(int group_fd) {
  constexpr std::string_view kMark = "fanotify sdev:";
  constexpr unsigned int kMinorBits = 20;  // As the kernel has it.
  constexpr int kHexadecimal = 16;
  std::vector<dev_t> devices;
  if (group_fd < 0) return devices;
  std::ifstream facts("/proc/self/fdinfo/" + std::to_string(group_fd));
  std::string line;
  while (std::getline(facts, line)) {
    if (!line.starts_with(kMark)) continue;
    uint32_t number = 0;
    (void)std::from_chars(line.data() + kMark.size(), line.data() + line.size(),
                          number, kHexadecimal);
    devices.push_back(
        makedev(number >> kMinorBits, number & ((1U << kMinorBits) - 1)));
  }
  return devices;
}

bool AnswerEvent(int group_fd, int fd, bool allow, JournalCounters& counters) {
  assert(fd >= 0);
  fanotify_response response = {};
  response.fd = fd;
  response.response = allow ? FAN_ALLOW : FAN_DENY;
  while (true) {
    const ssize_t written = ::write(group_fd, &response, sizeof(response));
    if (written == static_cast<ssize_t>(sizeof(response))) {
      (allow ? counters.allowed : counters.denied).fetch_add(1);
      return true;
    }
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == ENOENT) {
      counters.answers_without_waiter.fetch_add(1);
      return true;
    }
    counters.answers_failed.fetch_add(1);
    return false;
  }
}

int64_t JournalNow() {
  timespec now = {};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);  // Cannot fail.
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace gatehouse
