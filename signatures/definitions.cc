#include "signatures/definitions.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/display_text.h"
#include "base/unique_fd.h"
#include "base/whole_transfer.h"

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

// Calls `take` with each piece of the file.
template <class Take>
Result<bool> ReadFile(int fd, const Take& take) {
  std::array<uint8_t, kReadBytes> buffer;
  uint64_t total = 0;
  while (true) {
    const Result<size_t> bytes = ReadFully(fd, buffer, "read");
    if (!bytes) return Unexpected(bytes.error());
    if (*bytes == 0) return true;
    total += *bytes;
    if (total > kDefinitionFileBytesMax) {
      return Fail(ErrorCode::kLimitExceeded,
                  "read: file larger than 1 GiB, the rest is left out");
    }
    take(AsText(ByteView(buffer).first(*bytes)));
  }
}

// What there is to say of one file after another.
class DigestOfAll {
 public:
  static Result<DigestOfAll> Start(const LoadOptions& options) {
    Result<Sha256Stream> stream = Sha256Stream::Create();
    if (!stream) return Unexpected(stream.error());
    DigestOfAll digest(std::move(*stream));
    const std::array<uint8_t, 2> choices = {
        static_cast<uint8_t>(options.takes_unwanted),
        static_cast<uint8_t>(options.takes_any_size_hashes)};
    digest.all_.UpdateField(choices);
    return digest;
  }

  void BeginFile(std::string_view name) { all_.UpdateField(AsBytes(name)); }
  void Add(std::string_view piece) {
    if (!file_) {
      Result<Sha256Stream> stream = Sha256Stream::Create();
      if (!stream) return;  // There was one a moment ago.
      file_ = std::move(*stream);
    }
    file_->Update(AsBytes(piece));
  }
  // `end` is empty, or why there was no more.
  void EndFile(std::string_view end) {
    if (file_) all_.UpdateField(file_->Finish());
    file_.reset();
    all_.UpdateField(AsBytes(end));
  }
  Sha256Digest Finish() { return all_.Finish(); }

 private:
  explicit DigestOfAll(Sha256Stream all) : all_(std::move(all)) {}

  Sha256Stream all_;
  std::optional<Sha256Stream> file_;
};

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

// The files of a directory that are of a known format, those of what is to be
// ignored first, for that must be known before the others.
class DefinitionFiles {
 public:
  static Result<DefinitionFiles> Open(const std::string& directory) {
    const std::string what =
        "load definitions '" + DisplayText(directory) + "'";
    DefinitionFiles files;
    files.stream_.reset(::opendir(directory.c_str()));
    if (files.stream_ == nullptr) return FailSystem(what, errno);
    const Result<std::vector<std::string>> names = NamesIn(files.stream_.get());
    if (!names) {
      return Fail(names.error().code, what + ": " + names.error().message);
    }
    for (const bool is_first : {true, false}) {
      for (const std::string& name : *names) {
        const std::optional<FileFormat> format = FormatOfFile(name);
        if (!format) {
          if (is_first) files.ignored_.push_back(name);
        } else if (is_first == (format->format == SignatureFormat::kIgnore)) {
          files.known_.push_back({name, *format});
        }
      }
    }
    return files;
  }

  struct Known {
    std::string name;
    FileFormat format;
  };
  [[nodiscard]] const std::vector<Known>& known() const { return known_; }
  [[nodiscard]] const std::vector<std::string>& ignored() const {
    return ignored_;
  }
  // 0 when it is gone.
  [[nodiscard]] int64_t ModifiedMs(const std::string& name) const {
    struct stat facts = {};
    if (::fstatat(::dirfd(stream_.get()), name.c_str(), &facts, 0) != 0) {
      return 0;
    }
    return int64_t{facts.st_mtim.tv_sec} * 1000 +
           facts.st_mtim.tv_nsec / 1'000'000;
  }
  // Calls `take` with each piece of a file's content.
  template <class Take>
  Result<bool> Read(const std::string& name, const Take& take) const {
    const Result<UniqueFd> fd = OpenRegularFile(::dirfd(stream_.get()), name);
    if (!fd) return Unexpected(fd.error());
    return ReadFile(fd->UnsafeFd(), take);
  }

 private:
  std::unique_ptr<DIR, CloseDirectory> stream_;
  std::vector<Known> known_;
  std::vector<std::string> ignored_;
};

constexpr std::string_view kContainer = "container";

std::string_view EndOf(const Result<bool>& read) {
  return read ? std::string_view() : std::string_view(read.error().message);
}

// What is in a container is not looked at.
void ReportContainer(const std::string& name, const FileFormat& format,
                     LoadReport& report) {
  FileReport file;
  file.file = name;
  file.unsupported["not supported yet: " + std::string(format.what)] = 0;
  report.files.push_back(std::move(file));
}

}  // namespace

Result<Definitions> LoadDefinitions(const std::string& directory,
                                    const LoadOptions& options) {
  const Result<DefinitionFiles> files = DefinitionFiles::Open(directory);
  if (!files) return Unexpected(files.error());
  Result<DigestOfAll> digest = DigestOfAll::Start(options);
  if (!digest) return Unexpected(digest.error());
  Definitions definitions;
  LoadReport& report = definitions.report;
  for (const std::string& name : files->ignored()) report.AddIgnoredFile(name);
  IgnoreList ignored;
  for (const auto& [name, format] : files->known()) {
    digest->BeginFile(name);
    if (format.format == SignatureFormat::kContainer) {
      ReportContainer(name, format, report);
      report.files.back().modified_ms = files->ModifiedMs(name);
      digest->EndFile(kContainer);
      continue;
    }
    SignatureTextReader reader(name, format, options,
                               {definitions.signatures, report, ignored});
    const Result<bool> read = files->Read(name, [&](std::string_view piece) {
      digest->Add(piece);
      reader.Feed(piece);
    });
    reader.Finish();
    report.files.back().modified_ms = files->ModifiedMs(name);
    if (!read) report.AddProblem({name, 0, read.error().message});
    digest->EndFile(EndOf(read));
  }
  definitions.digest = digest->Finish();
  return definitions;
}

void RefreshTimes(const std::string& directory, LoadReport& report) {
  const Result<DefinitionFiles> files = DefinitionFiles::Open(directory);
  if (!files) return;
  for (FileReport& file : report.files) {
    file.modified_ms = files->ModifiedMs(file.file);
  }
}

Result<Sha256Digest> DigestDefinitions(const std::string& directory,
                                       const LoadOptions& options) {
  const Result<DefinitionFiles> files = DefinitionFiles::Open(directory);
  if (!files) return Unexpected(files.error());
  Result<DigestOfAll> digest = DigestOfAll::Start(options);
  if (!digest) return Unexpected(digest.error());
  for (const auto& [name, format] : files->known()) {
    digest->BeginFile(name);
    if (format.format == SignatureFormat::kContainer) {
      digest->EndFile(kContainer);
      continue;
    }
    const Result<bool> read =
        files->Read(name, [&](std::string_view piece) { digest->Add(piece); });
    digest->EndFile(EndOf(read));
  }
  return digest->Finish();
}

}  // namespace gatehouse
