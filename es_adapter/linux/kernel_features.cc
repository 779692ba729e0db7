// What this kernel can do for us, by trying: version numbers say
// nothing about what a distribution took over or left out.
#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/unique_fd.h"
#include "es_adapter/linux/process_events.h"
#include "es_linux.h"

namespace gatehouse {
namespace {

// Not in the headers of every kernel we build on.
constexpr unsigned int kReportPidfd = 0x80;
constexpr unsigned int kReportNames = 0x1e00;  // FAN_REPORT_DFID_NAME_TARGET
constexpr unsigned int kReportMounts = 0x4000;
constexpr unsigned int kEvictable = 0x200;
constexpr uint64_t kPreAccess = 0x100000;
constexpr unsigned int kErrnoShift = 24;

UniqueFd Group(unsigned int flags) {
  return UniqueFd(::fanotify_init(flags | FAN_CLOEXEC | FAN_NONBLOCK,
                                  O_RDONLY | O_CLOEXEC));
}

// The mark is on this one file, and goes with the group. EOPNOTSUPP: known, but
// not to its file system.
bool KnowsMark(int group, int file, uint64_t mask, unsigned int flags = 0) {
  return ::fanotify_mark(group, FAN_MARK_ADD | flags, mask, file, nullptr) ==
             0 ||
         errno == EOPNOTSUPP;
}

// Answers a question that nobody has asked. ENOENT: the answer was understood.
bool KnowsDenyErrno(int group, int file) {
  fanotify_response response = {};
  response.fd = file;
  response.response = FAN_DENY | (uint32_t{EIO} << kErrnoShift);
  return ::write(group, &response, sizeof(response)) < 0 && errno == ENOENT;
}

}  // namespace
}  // namespace gatehouse

extern "C" {

int esl_probe_kernel(int file, esl_kernel_features_t* features) {
  using gatehouse::Group;
  using gatehouse::KnowsMark;
  using gatehouse::UniqueFd;
  *features = {};
  const UniqueFd group = Group(FAN_CLASS_CONTENT);
  if (!group.valid()) return errno;
  const int fd = group.UnsafeFd();
  features->process_events = gatehouse::HasProcessEvents();
  features->permission_events = KnowsMark(fd, file, FAN_OPEN_PERM);
  features->exec_permission_events = KnowsMark(fd, file, FAN_OPEN_EXEC_PERM);
  // In a group of its own: no mark can become evictable.
  const UniqueFd other = Group(FAN_CLASS_NOTIF);
  features->evictable_marks =
      other.valid() &&
      KnowsMark(other.UnsafeFd(), file, FAN_OPEN, gatehouse::kEvictable);
  features->process_descriptors =
      Group(FAN_CLASS_CONTENT | gatehouse::kReportPidfd).valid();
  features->name_events =
      Group(FAN_CLASS_NOTIF | gatehouse::kReportNames).valid();
  features->mount_events =
      Group(FAN_CLASS_NOTIF | gatehouse::kReportMounts).valid();
  const UniqueFd early = Group(FAN_CLASS_PRE_CONTENT);
  if (early.valid()) {
    features->access_events =
        KnowsMark(early.UnsafeFd(), file, gatehouse::kPreAccess);
    features->deny_errno = gatehouse::KnowsDenyErrno(early.UnsafeFd(), file);
  }
  return 0;
}

}  // extern "C"
