#include "base/number_entries.h"

#include <dirent.h>

#include <charconv>
#include <memory>
#include <string_view>
#include <system_error>

namespace gatehouse {
namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const { (void)::closedir(stream); }
};

}  // namespace

std::vector<int> NumbersIn(const std::string& folder) {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, CloseDirectory> stream(::opendir(folder.c_str()));
  if (stream == nullptr) return numbers;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream.
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    const char* end = name.data() + name.size();
    int number = 0;
    const auto parsed = std::from_chars(name.data(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

}  // namespace gatehouse
