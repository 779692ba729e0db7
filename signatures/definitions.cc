#include "signatures/definitions.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "base/unique_fd.h"

namespace gatehouse {
namespace {

constexpr size_t kReadBytes = size_t{64} << 10;

struct CloseDirectory {
  void operator()(DIR* directory) const { (void)::closedir(directory); }
};

Error NotRegular(std::string_view what) {
  return {ErrorCode::kInvalidInput, std::string(what) + ": not a regular file"};
}

// A link may point to a FIFO or a device: neither must hold us up, so the file
// is looked at before it is opened, and again after.
Result<UniqueFd> OpenRegularFile(int directory_fd, const std::string& name) {
  struct stat status = {};
  if (::fstatat(directory_fd, name.c_str(), &status, 0) != 0) {
    return FailSystem("open", errno);
  }
  if (!S_ISREG(status.st_mode)) return Unexpected(NotRegular("open"));
  UniqueFd fd(::openat(directory_fd, name.c_str(),
                       O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return FailSystem("open", errno);
  if (::fstat(fd.UnsafeFd(), &status) != 0) return FailSystem("stat", errno);
  if (!S_ISREG(status.st_mode)) return Unexpected(NotRegular("open"));
  return fd;
}

Result<void> FeedFile(int fd, SignatureTextReader& reader) {
  std::array<char, kReadBytes> buffer;
  uint64_t total = 0;
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FailSystem("read", errno);
    if (count == 0) return {};
    const size_t bytes = static_cast<size_t>(count);
    total += bytes;
    if (total > kDefinitionFileBytesMax) {
      return Fail(ErrorCode::kLimitExceeded,
                  "read: file larger than 1 GiB, the rest is left out");
    }
    reader.Feed({buffer.data(), bytes});
  }
}

struct Loading {
  int directory_fd = -1;
  LoadOptions options;
  IgnoreList ignored;
};

void LoadFile(Loading& loading, const std::string& name,
              const FileFormat& format, Definitions& definitions) {
  LoadReport& report = definitions.report;
  if (format.format == SignatureFormat::kContainer) {
    FileReport file;
    file.file = name;
    file.unsupported["not supported yet: " + std::string(format.what)] = 0;
    report.files.push_back(std::move(file));
    return;
  }
  const Result<UniqueFd> fd = OpenRegularFile(loading.directory_fd, name);
  if (!fd) {
    report.files.push_back({name, {}, {}});
    report.AddProblem({name, 0, fd.error().message});
    return;
  }
  SignatureTextReader reader(name, format, loading.options,
                             {definitions.signatures, report, loading.ignored});
  const Result<void> fed = FeedFile(fd->UnsafeFd(), reader);
  reader.Finish();
  if (!fed) report.AddProblem({name, 0, fed.error().message});
}

Result<std::vector<std::string>> NamesIn(DIR* directory) {
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): this stream is ours alone.
    const dirent* const entry = ::readdir(directory);
    if (entry == nullptr) break;
    std::string name(entry->d_name);
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  if (errno != 0) return FailSystem("read the directory", errno);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<Definitions> LoadDefinitions(const std::string& directory,
                                    const LoadOptions& options) {
  const std::string what = "load definitions '" + DisplayText(directory) + "'";
  const std::unique_ptr<DIR, CloseDirectory> stream(
      ::opendir(directory.c_str()));
  if (stream == nullptr) return FailSystem(what, errno);
  const Result<std::vector<std::string>> names = NamesIn(stream.get());
  if (!names) {
    return Fail(names.error().code, what + ": " + names.error().message);
  }
  Definitions definitions;
  Loading loading{::dirfd(stream.get()), options, {}};
  // What is to be ignored must be known first.
  for (const bool is_first : {true, false}) {
    for (const std::string& name : *names) {
      const std::optional<FileFormat> format = FormatOfFile(name);
      if (!format) {
        if (is_first) definitions.report.AddIgnoredFile(name);
      } else if (is_first == (format->format == SignatureFormat::kIgnore)) {
        LoadFile(loading, name, *format, definitions);
      }
    }
  }
  return definitions;
}

}  // namespace gatehouse
