#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "base/unique_fd.h"
#include "engine/process_origin.h"

namespace gatehouse {
namespace {

constexpr size_t kStatBytesMax = 1024;
// proc_pid_stat(5): "pid (name) state ..."; this many words after the name.
constexpr size_t kWordsBeforeStart = 19;

std::string_view Word(std::string_view text, size_t number) {
  for (; number > 0; --number) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos) return {};
    text.remove_prefix(space + 1);
  }
  return text.substr(0, text.find(' '));
}

void ParseStat(std::string_view stat, ProcessOrigin& origin) {
  const size_t begin = stat.find('(');
  const size_t end = stat.rfind(')');  // The name may have some of its own.
  if (begin == std::string_view::npos || end == std::string_view::npos ||
      end < begin || end + 2 > stat.size()) {
    return;
  }
  const std::string_view name =
      stat.substr(begin + 1, end - begin - 1).substr(0, origin.name.size() - 1);
  std::copy(name.begin(), name.end(), origin.name.begin());
  const std::string_view start = Word(stat.substr(end + 2), kWordsBeforeStart);
  (void)std::from_chars(start.data(), start.data() + start.size(),
                        origin.start_ticks);
  origin.is_known = origin.start_ticks != 0;
}

}  // namespace

ProcessOrigin ReadProcessOrigin(int32_t pid) {
  ProcessOrigin origin;
  if (pid <= 0) return origin;
  std::array<char, 48> path = {};
  (void)std::snprintf(path.data(), path.size(), "/proc/%d/stat", pid);
  const UniqueFd file(::open(path.data(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return origin;
  std::array<char, kStatBytesMax> stat = {};
  const ssize_t bytes = ::read(file.UnsafeFd(), stat.data(), stat.size());
  if (bytes <= 0) return origin;
  ParseStat({stat.data(), static_cast<size_t>(bytes)}, origin);
  (void)std::snprintf(path.data(), path.size(), "/proc/%d/exe", pid);
  std::array<char, PathText::kBytesMax> executable = {};
  const ssize_t length =
      ::readlink(path.data(), executable.data(), executable.size());
  if (length > 0) {
    origin.executable.Assign({executable.data(), static_cast<size_t>(length)});
  }
  return origin;
}

}  // namespace gatehouse
