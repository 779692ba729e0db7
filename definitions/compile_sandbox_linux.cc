#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "definitions/compile_sandbox.h"
#include "signatures/artefact.h"

namespace gatehouse {
namespace {

constexpr uid_t kNobody = 65534;

// A sanitizer's shadow memory is terabytes of address space.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitsAddressSpace = false;
#else
constexpr bool kLimitsAddressSpace = true;
#endif

Result<bool> SetLimit(__rlimit_resource_t resource, rlim_t value,
                      const char* what) {
  const rlimit limit = {value, value};
  if (::setrlimit(resource, &limit) == 0) return true;
  return FailSystem(what, errno);
}

Result<bool> KeepOnlyReading() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data = {};
  data[0].effective = 1U << CAP_DAC_READ_SEARCH;
  data[0].permitted = data[0].effective;
  // glibc has no call for it.
  if (::syscall(SYS_capset, &header, data.data()) == 0 || errno == EPERM) {
    return true;  // Without the right to begin with, there is none to keep.
  }
  return FailSystem("keep the right to read", errno);
}

Result<bool> BecomeNobody() {
  if (::geteuid() != 0) return true;
  (void)::prctl(PR_SET_KEEPCAPS, 1);
  if (::setgroups(0, nullptr) != 0 ||
      ::setresgid(kNobody, kNobody, kNobody) != 0 ||
      ::setresuid(kNobody, kNobody, kNobody) != 0) {
    if (errno == EPERM || errno == EINVAL) return true;  // A poor container.
    return FailSystem("become nobody", errno);
  }
  return KeepOnlyReading();
}

}  // namespace

bool LimitsCompileMemory() { return kLimitsAddressSpace; }

Result<bool> EnterCompileSandbox(const CompileLimits& limits) {
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const Result<bool> nobody = BecomeNobody();
  if (!nobody) return nobody;
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A change of user clears it.
  for (const Result<bool>& set :
       {SetLimit(RLIMIT_CPU, limits.cpu_seconds, "limit CPU time"),
        SetLimit(RLIMIT_CORE, 0, "limit cores"),
        SetLimit(RLIMIT_FSIZE, kArtefactBytesMax, "limit written bytes"),
        kLimitsAddressSpace
            ? SetLimit(RLIMIT_AS, limits.memory_bytes, "limit memory")
            : Result<bool>(true)}) {
    if (!set) return set;
  }
  return true;
}

}  // namespace gatehouse
