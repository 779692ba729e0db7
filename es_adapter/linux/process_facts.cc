#include "es_adapter/linux/process_facts.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "base/unique_fd.h"

namespace gatehouse {
namespace {

constexpr size_t kProcTextBytesMax = 4096;
// proc_pid_stat(5), counted from the field after the command name.
constexpr size_t kStatParent = 1;
constexpr size_t kStatGroup = 2;
constexpr size_t kStatSession = 3;
constexpr size_t kStatStartTime = 19;
constexpr uint64_t kTicksPerSecond = 100;  // USER_HZ, fixed in the ABI.

struct ProcText {
  std::array<char, kProcTextBytesMax> bytes = {};
  size_t length = 0;
  std::string_view view() const { return {bytes.data(), length}; }
};

void ReadProcText(pid_t pid, const char* name, ProcText& text) {
  std::array<char, 64> path = {};
  (void)std::snprintf(path.data(), path.size(), "/proc/%d/%s", pid, name);
  const UniqueFd fd(::open(path.data(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return;
  const ssize_t count =
      ::read(fd.UnsafeFd(), text.bytes.data(), text.bytes.size());
  if (count > 0) text.length = static_cast<size_t>(count);
}

uint64_t ParseNumber(std::string_view text) {
  uint64_t value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view NextWord(std::string_view& text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return text = {};
  text.remove_prefix(begin);
  const size_t end = text.find_first_of(" \t\n");
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(word.size());
  return word;
}

void ParseStat(std::string_view text, ProcessFacts& facts) {
  // The command name may hold anything, also ')': look from the end.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return;
  text.remove_prefix(name_end + 1);
  for (size_t field = 0; field <= kStatStartTime; ++field) {
    const uint64_t value = ParseNumber(NextWord(text));
    if (field == kStatParent) facts.parent_pid = static_cast<pid_t>(value);
    if (field == kStatGroup) facts.group_id = static_cast<pid_t>(value);
    if (field == kStatSession) facts.session_id = static_cast<pid_t>(value);
    if (field == kStatStartTime) {
      facts.start_time.tv_sec = static_cast<time_t>(value / kTicksPerSecond);
      facts.start_time.tv_usec = static_cast<suseconds_t>(
          value % kTicksPerSecond * (1'000'000 / kTicksPerSecond));
      facts.token.val[7] = static_cast<unsigned int>(value);
    }
  }
}

void ParseIds(std::string_view text, std::string_view key, unsigned int* real,
              unsigned int* effective) {
  const size_t begin = text.find(key);
  if (begin == std::string_view::npos) return;
  text.remove_prefix(begin + key.size());
  *real = static_cast<unsigned int>(ParseNumber(NextWord(text)));
  *effective = static_cast<unsigned int>(ParseNumber(NextWord(text)));
}

}  // namespace

ProcessFacts ReadProcessFacts(pid_t pid) {
  assert(pid >= 0);
  ProcessFacts facts;
  if (pid == 0) return facts;
  ProcText text;
  ReadProcText(pid, "stat", text);
  ParseStat(text.view(), facts);
  text.length = 0;
  ReadProcText(pid, "status", text);
  ParseIds(text.view(), "\nUid:", &facts.token.val[3], &facts.token.val[1]);
  ParseIds(text.view(), "\nGid:", &facts.token.val[4], &facts.token.val[2]);
  facts.token.val[0] = facts.token.val[3];
  facts.token.val[5] = static_cast<unsigned int>(pid);
  facts.token.val[6] = static_cast<unsigned int>(facts.session_id);
  return facts;
}

size_t ReadLink(const char* path, std::span<char> buffer) {
  assert(!buffer.empty());
  const ssize_t length = ::readlink(path, buffer.data(), buffer.size() - 1);
  buffer[length > 0 ? static_cast<size_t>(length) : 0] = '\0';
  return length > 0 ? static_cast<size_t>(length) : 0;
}

}  // namespace gatehouse
