#include "bench/small_file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "bench/clean_content.h"

namespace gatehouse {
namespace {

constexpr int kFilesPerDirectory = 10;
constexpr int kDirectoriesPerTop = 10;
constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kEntryBytes = size_t{32} << 10;

// The sizes of real trees: half below 2 KiB, a tenth above 20 KiB.
size_t RandomSize(std::mt19937& random) {
  std::lognormal_distribution<double> size(7.5, 1.5);
  return std::min<size_t>(static_cast<size_t>(size(random)), 512U << 10);
}

struct Reading {
  bool ask_status = false;
  std::vector<char> content = std::vector<char>(kReadBytes);
  std::vector<char> entries = std::vector<char>(kEntryBytes);
};

uint64_t ReadFile(int directory_fd, const char* name, Reading& reading) {
  const UniqueFd file(::openat(directory_fd, name, O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (reading.ask_status && ::fstat(file.UnsafeFd(), &status) != 0) return 0;
  const ssize_t count =
      ::read(file.UnsafeFd(), reading.content.data(), reading.content.size());
  return count < 0 ? 0 : static_cast<uint64_t>(count);
}

// Two levels are all there are: files stand in the second.
uint64_t ReadDirectory(int parent_fd, const char* path, Reading& reading) {
  const UniqueFd directory(
      ::openat(parent_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::vector<std::string> directories;
  uint64_t bytes = 0;
  while (true) {
    const ssize_t count = ::getdents64(
        directory.UnsafeFd(), reading.entries.data(), reading.entries.size());
    if (count <= 0) break;
    for (size_t next = 0; next < static_cast<size_t>(count);) {
      const char* const record = reading.entries.data() + next;
      unsigned short length = 0;
      std::memcpy(&length, record + offsetof(dirent64, d_reclen),
                  sizeof(length));
      const char* const name = record + offsetof(dirent64, d_name);
      const char type = record[offsetof(dirent64, d_type)];
      if (type == DT_REG) {
        bytes += ReadFile(directory.UnsafeFd(), name, reading);
      } else if (name[0] != '.') {
        directories.emplace_back(name);
      }
      next += length;
    }
  }
  for (const std::string& name : directories) {
    bytes += ReadDirectory(directory.UnsafeFd(), name.c_str(), reading);
  }
  return bytes;
}

}  // namespace

SmallFileTree::SmallFileTree(int files)
    : path_((std::filesystem::temp_directory_path() / "gatehouse-XXXXXX")
                .string()) {
  if (::mkdtemp(path_.data()) == nullptr) std::abort();  // No tree, no bench.
  const std::string content = CleanContent(1U << 20, 1);
  std::mt19937 random(1);
  for (int i = 0; i < files; ++i) {
    const int directory = i / kFilesPerDirectory;
    top_directories_ = directory / kDirectoriesPerTop + 1;
    const std::string folder = path_ + "/" +
                               std::to_string(top_directories_ - 1) + "/" +
                               std::to_string(directory);
    std::filesystem::create_directories(folder);
    const size_t size = RandomSize(random);
    std::ofstream file(folder + "/file-" + std::to_string(i) + ".txt");
    file.write(content.data() + random() % (content.size() - size),
               static_cast<std::streamsize>(size));
    ++files_;
    bytes_ += size;
  }
}

SmallFileTree::~SmallFileTree() { std::filesystem::remove_all(path_); }

uint64_t SmallFileTree::ReadAll(int threads, bool ask_status) const {
  std::atomic<int> next{0};
  std::atomic<uint64_t> bytes{0};
  const auto read_some = [&] {
    Reading reading;
    reading.ask_status = ask_status;
    for (int top = next++; top < top_directories_; top = next++) {
      const std::string folder = path_ + "/" + std::to_string(top);
      bytes += ReadDirectory(AT_FDCWD, folder.c_str(), reading);
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < threads; ++i) helpers.emplace_back(read_some);
    read_some();
  }
  return bytes;
}

}  // namespace gatehouse
