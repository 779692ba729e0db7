// FileSystemImage: a new file system in a file, mounted for this process only.
//
// Thread-compatible. Needs root and the programs mkfs.KIND and mount.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/quarantine/private_mount.h"
#include "tests/temp_dir.h"

namespace gatehouse {

class FileSystemImage {
 public:
  static constexpr off_t kBytes = off_t{600}
                                  << 20;  // xfs takes no less than half.

  // `kind`: ext4, xfs, btrfs or tmpfs. `options` are mount(8)'s.
  FileSystemImage(const std::string& kind, const std::string& options = "")
      : base_(directory_.MakeDirectory("base")),
        memory_(base_),
        path_(base_ + "/mounted") {
    EXPECT_EQ(::mkdir(path_.c_str(), 0755), 0);
    if (kind == "tmpfs") return;
    const std::string image = base_ + "/image";
    const UniqueFd file(
        ::open(image.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    EXPECT_EQ(::ftruncate(file.UnsafeFd(), kBytes), 0);
    Run({"mkfs." + kind, "-q", image});
    std::string loop = "loop";
    if (!options.empty()) loop += "," + options;
    // Not a path of the kernel's choice: mount(8) makes the loop device one
    // that is gone with the mount.
    Run({"mount", "-o", loop, image, path_});
    is_mounted_ = true;
  }
  ~FileSystemImage() {
    if (is_mounted_) (void)::umount2(path_.c_str(), MNT_DETACH);
  }
  FileSystemImage(const FileSystemImage&) = delete;
  FileSystemImage& operator=(const FileSystemImage&) = delete;

  const std::string& path() const { return path_; }

  static void Run(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    std::vector<std::string> copies = words;
    for (std::string& word : copies) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = 0;
    posix_spawn_file_actions_t actions = {};
    ASSERT_EQ(::posix_spawn_file_actions_init(&actions), 0);
    ASSERT_EQ(::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
                                                 "/dev/null", O_WRONLY, 0),
              0);
    const int error = ::posix_spawnp(&pid, arguments.front(), &actions, nullptr,
                                     arguments.data(), environ);
    ASSERT_EQ(::posix_spawn_file_actions_destroy(&actions), 0);
    ASSERT_EQ(error, 0) << words.front();
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0) << words.front();
  }

 private:
  const TempDir directory_;
  const std::string base_;
  // Holds the image. Nobody else sees it, and it is gone with this process.
  const PrivateMount memory_;
  const std::string path_;
  bool is_mounted_ = false;
};

}  // namespace gatehouse
