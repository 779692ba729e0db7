// DirectoryLook: what a directory of definitions looks like, so that a change
// shows.
//
// Thread-compatible value. Blocks for the file system.
#pragma once

#include <sys/stat.h>
#include <time.h>

#include <string>
#include <vector>

namespace gatehouse {

class DirectoryLook {
 public:
  DirectoryLook() = default;
  // At its files of known formats. A directory that cannot be read looks empty:
  // loading it says what is wrong.
  explicit DirectoryLook(const std::string& path);

  // False when a file is there for one of them alone, or was written to or
  // replaced in between.
  bool operator==(const DirectoryLook& other) const {
    return files_ == other.files_;
  }

 private:
  // What stat says of one file, all that changes when it does.
  struct File {
    std::string name;
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec modified = {};
    timespec changed = {};

    bool operator==(const File& other) const;
  };

  std::vector<File> files_;  // By name.
};

}  // namespace gatehouse
