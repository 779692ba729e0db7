#include "es_adapter/linux/mount_facts.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string>

#include "base/mounted_file_system.h"
#include "base/own_mounts.h"
#include "base/unique_fd.h"

namespace gatehouse {
namespace {

// None of this is in the headers of every kernel we build on.
constexpr long kStatMountCall = 457;
constexpr long kListMountCall = 458;
constexpr uint64_t kAskSuperBlock = 0x1;     // STATMOUNT_SB_BASIC
constexpr uint64_t kAskMount = 0x2;          // STATMOUNT_MNT_BASIC
constexpr uint64_t kAskRoot = 0x8;           // STATMOUNT_MNT_ROOT
constexpr uint64_t kAskMountPoint = 0x10;    // STATMOUNT_MNT_POINT
constexpr uint64_t kAskType = 0x20;          // STATMOUNT_FS_TYPE
constexpr uint64_t kAskSource = 0x200;       // STATMOUNT_SB_SOURCE
constexpr uint64_t kAllMounts = UINT64_MAX;  // LSMT_ROOT
constexpr size_t kTextBytes = 16'384;        // Four paths.
constexpr size_t kIdsPerCall = 512;
constexpr size_t kMountsMax = 100'000;  // As fs.mount-max, by default.

struct Request {
  uint32_t size = sizeof(Request);
  uint32_t reserved = 0;
  uint64_t mount_id = 0;
  uint64_t parameter = 0;  // What to ask, or after which id to begin.
  uint64_t mount_namespace = 0;
};

// struct statmount as far as we know it: offsets point into `text`.
struct Answer {
  uint32_t size = 0;
  uint32_t options = 0;
  uint64_t mask = 0;
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  uint64_t magic = 0;
  uint32_t super_block_flags = 0;
  uint32_t type = 0;
  uint64_t mount_id = 0;
  uint64_t parent_id = 0;
  uint32_t mountinfo_id = 0;
  uint32_t mountinfo_parent_id = 0;
  std::array<uint64_t, 5> propagation = {};
  uint32_t root = 0;
  uint32_t mount_point = 0;
  uint64_t mount_namespace = 0;
  uint32_t subtype = 0;
  uint32_t source = 0;
  std::array<uint64_t, 48> reserved = {};
  std::array<char, kTextBytes> text = {};
};
static_assert(offsetof(Answer, root) == 104);
static_assert(offsetof(Answer, source) == 124);
static_assert(offsetof(Answer, text) == 512);

std::string TextAt(const Answer& answer, uint64_t part, uint32_t offset) {
  if ((answer.mask & part) == 0 || offset >= answer.text.size()) return "";
  const char* begin = answer.text.data() + offset;
  return {begin, ::strnlen(begin, answer.text.size() - offset)};
}

// An O_PATH descriptor of `path`, if nobody has to be asked on the way.
UniqueFd OpenCached(const std::string& path) {
  struct open_how how = {};
  how.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_CACHED;
  return UniqueFd(static_cast<int>(
      ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
}

}  // namespace

std::optional<MountFacts> FactsOfMount(uint64_t id) {
  Request request;
  request.mount_id = id;
  request.parameter = kAskSuperBlock | kAskMount | kAskRoot | kAskMountPoint |
                      kAskType | kAskSource;
  Answer answer;
  if (::syscall(kStatMountCall, &request, &answer, sizeof(answer), 0) != 0) {
    return std::nullopt;
  }
  MountFacts facts;
  facts.id = id;
  facts.mountinfo_id = answer.mountinfo_id;
  facts.mount_point = TextAt(answer, kAskMountPoint, answer.mount_point);
  facts.type = TextAt(answer, kAskType, answer.type);
  facts.source = TextAt(answer, kAskSource, answer.source);
  facts.root = TextAt(answer, kAskRoot, answer.root);
  facts.device = makedev(answer.device_major, answer.device_minor);
  facts.magic = answer.magic;
  return facts;
}

std::vector<MountFacts> AllMounts() {
  std::vector<MountFacts> mounts;
  Request request;
  request.mount_id = kAllMounts;
  std::array<uint64_t, kIdsPerCall> ids = {};
  while (mounts.size() < kMountsMax) {
    const long count =
        ::syscall(kListMountCall, &request, ids.data(), ids.size(), 0);
    if (count <= 0) break;
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      std::optional<MountFacts> facts = FactsOfMount(ids.at(i));
      if (facts) mounts.push_back(std::move(*facts));
    }
    request.parameter = ids.at(static_cast<size_t>(count) - 1);
  }
  return mounts;
}

void FillStatus(struct statfs& status, const MountFacts& facts) {
  status = {};
  status.f_type = static_cast<decltype(status.f_type)>(facts.magic);
}

void AskForStatus(struct statfs& status, const MountFacts& facts) {
  FillStatus(status, facts);
  if (!AnswersFromMemory(facts.type) || facts.mountinfo_id == 0) return;
  const UniqueFd mount = OpenCached(facts.mount_point);
  // Something else may be mounted there by now, and hang.
  if (!mount.valid() ||
      OwnMounts::MountOf(mount.UnsafeFd()) != facts.mountinfo_id) {
    return;
  }
  struct statfs asked = {};
  if (::fstatfs(mount.UnsafeFd(), &asked) == 0) status = asked;
}

}  // namespace gatehouse
