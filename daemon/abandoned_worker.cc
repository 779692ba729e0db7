#include "daemon/abandoned_worker.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace gatehouse {
namespace {

// proc_pid_stat(5): the state follows the name, which is in parentheses and may
// contain any.
char StateOf(const std::filesystem::path& task) {
  std::ifstream file(task / "stat");
  const std::string text{std::istreambuf_iterator<char>(file),
                         std::istreambuf_iterator<char>()};
  const size_t end_of_name = text.rfind(") ");
  const size_t state = end_of_name + 2;
  return end_of_name == std::string::npos || state >= text.size() ? '?'
                                                                  : text[state];
}

}  // namespace

bool OnlyWaitsInKernel(pid_t pid) {
  std::error_code error;
  std::filesystem::directory_iterator task(
      "/proc/" + std::to_string(pid) + "/task", error);
  bool waits = false;
  for (; !error && task != std::filesystem::directory_iterator();
       task.increment(error)) {
    switch (StateOf(task->path())) {
      case 'D':
        waits = true;
        break;
      case 'Z':
      case 'X':
        break;
      default:
        return false;
    }
  }
  return waits && !error;
}

}  // namespace gatehouse
