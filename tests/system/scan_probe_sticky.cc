// The BeforeScan of test programs: files whose content says so, at its begin or
// in its last bytes, make their scan stick or crash. No program that ships is
// linked with this.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/unique_fd.h"
#include "engine/scan_probe.h"

namespace gatehouse {
namespace {

constexpr std::string_view kStick = "GATEHOUSE-TEST-STICK ";
constexpr std::string_view kCrash = "GATEHOUSE-TEST-CRASH";
// A program cannot begin with a word of ours.
constexpr std::string_view kAtTheEnd = "\nGATEHOUSE-TEST-";
constexpr off_t kEndBytes = 256;

void Obey(std::array<char, 512>& bytes, size_t offset, size_t count) {
  std::string_view text(bytes.data() + offset, count);
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
  bytes.at(offset + kStick.size() + end) = '\0';
  // Opening a FIFO for reading lasts until somebody opens it for writing.
  const UniqueFd fifo(
      ::open(bytes.data() + offset + kStick.size(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

void BeforeScan(int fd) noexcept {
  std::array<char, 512> bytes = {};
  const ssize_t count = ::pread(fd, bytes.data(), bytes.size() - 1, 0);
  if (count > 0) Obey(bytes, 0, static_cast<size_t>(count));
  struct stat facts = {};
  if (::fstat(fd, &facts) != 0 || facts.st_size <= kEndBytes) return;
  const ssize_t last =
      ::pread(fd, bytes.data(), kEndBytes, facts.st_size - kEndBytes);
  if (last <= 0) return;
  const std::string_view text(bytes.data(), static_cast<size_t>(last));
  const size_t begin = text.find(kAtTheEnd);
  if (begin == std::string_view::npos) return;
  Obey(bytes, begin + 1, text.size() - begin - 1);
}

}  // namespace gatehouse
