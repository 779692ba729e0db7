// TempDir: an empty directory that is gone after the test.
//
// Thread-compatible. Anybody may enter it, so that a test may give up its
// rights meanwhile.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "base/unique_fd.h"

namespace gatehouse {

class TempDir {
 public:
  TempDir() : path_(testing::TempDir() + "gatehouse-XXXXXX") {
    EXPECT_NE(::mkdtemp(path_.data()), nullptr) << path_;
    EXPECT_EQ(::chmod(path_.c_str(), 0755), 0);
  }
  ~TempDir() {
    std::error_code ignored;  // What is left shows up under the name above.
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string Path(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }

  // Writes a file, and returns its path.
  std::string Write(std::string_view name, std::string_view content) const {
    const std::string path = Path(name);
    std::ofstream file(path, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    EXPECT_TRUE(file.good()) << path;
    return path;
  }
  // Creates a sub-directory, and returns its path.
  std::string MakeDirectory(std::string_view name) const {
    const std::string path = Path(name);
    EXPECT_EQ(::mkdir(path.c_str(), 0755), 0) << path;
    return path;
  }
  UniqueFd Open(std::string_view name) const {
    return UniqueFd(::open(Path(name).c_str(), O_RDONLY | O_CLOEXEC));
  }

 private:
  std::string path_;
};

}  // namespace gatehouse
