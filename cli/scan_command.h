// `mdatp scan`: on-demand scanning.
//
// One thread. Holds the values of the options: must outlive CommandLine::Run.
#pragma once

#include <cstddef>
#include <string>

#include "cli/command_line.h"

namespace gatehouse {

struct CustomScanOptions {
  std::string path;
  std::string definitions;  // A folder, "none", or empty: the default one.
  // Where compiled definitions are kept; empty: the default, "none": nowhere.
  std::string cache_directory;
  size_t threads = 0;  // 0: one per core.
  bool is_offline = false;
  bool no_quarantine = false;
  bool ignore_exclusions = false;
  bool no_any_size_hashes = false;
  bool fail_on_threat = false;
  bool print_statistics = false;
};

class ScanCommands {
 public:
  // `command_line` outlives this object.
  explicit ScanCommands(CommandLine& command_line);
  ScanCommands(const ScanCommands&) = delete;
  ScanCommands& operator=(const ScanCommands&) = delete;

 private:
  CustomScanOptions custom_;
};

}  // namespace gatehouse
