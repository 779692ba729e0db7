// The BeforeScan of test programs: files whose content says so make their scan
// stick or crash. No program that ships is linked with this.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/unique_fd.h"
#include "engine/scan_probe.h"

namespace gatehouse {
namespace {

constexpr std::string_view kStick = "GATEHOUSE-TEST-STICK ";
constexpr std::string_view kCrash = "GATEHOUSE-TEST-CRASH";

}  // namespace

void BeforeScan(int fd) noexcept {
  std::array<char, 512> bytes = {};
  const ssize_t count = ::pread(fd, bytes.data(), bytes.size() - 1, 0);
  if (count <= 0) return;
  std::string_view text(bytes.data(), static_cast<size_t>(count));
  if (text.starts_with(kCrash)) {
    // A page that nobody may touch: SIGSEGV in every build, while a null
    // pointer would be caught by UBSan before it is used.
    auto* page = static_cast<volatile char*>(
        ::mmap(nullptr, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    *page = 1;
  }
  if (!text.starts_with(kStick)) return;
  text.remove_prefix(kStick.size());
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return;
  bytes.at(kStick.size() + end) = '\0';
  // Opening a FIFO for reading lasts until somebody opens it for writing.
  const UniqueFd fifo(
      ::open(bytes.data() + kStick.size(), O_RDONLY | O_CLOEXEC));
}

}  // namespace gatehouse
