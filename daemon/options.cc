#include "daemon/options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

namespace gatehouse {
namespace {

constexpr size_t kApprovalSecondsMax = 60;
constexpr size_t kBreakerSecondsMax = 60;
constexpr size_t kScanSecondsDefault = 600;
constexpr size_t kDefinitionsSecondsDefault = 10;
constexpr size_t kScanSecondsMax = 86'400;
constexpr int kExitUsage = 2;

std::string Environment(const char* name) {
  // Before any thread exists.
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? std::string() : std::string(value);
}

uint64_t WatchdogMicroseconds() {
  const std::string text = Environment("WATCHDOG_USEC");
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

// In seconds, as they are written.
struct Times {
  size_t approval = kApprovalSecondsMax;
  size_t breaker = kBreakerSecondsMax;
  size_t scan = kScanSecondsDefault;
  size_t definitions = kDefinitionsSecondsDefault;
};

// What says when something else takes over, and when that ends.
void AddTimes(CLI::App& app, DaemonOptions& options, Times& times) {
  app.add_option("--approval-timeout", times.approval,
                 "How long to wait for 'mdatp system-extension approve' before "
                 "falling back")
      ->type_name("SECONDS")
      ->check(CLI::Range(size_t{1}, kApprovalSecondsMax))
      ->capture_default_str();
  app.add_option("--breaker-calm", times.breaker,
                 "How long it must be calm before opens are held again, after "
                 "too many of them got no verdict in time; for tests")
      ->type_name("SECONDS")
      ->check(CLI::Range(size_t{1}, kBreakerSecondsMax))
      ->capture_default_str();
  app.add_option("--inotify-watches-max", options.inotify_watches_max,
                 "Without fanotify: directories that inotify may watch before "
                 "they are scanned from time to time instead")
      ->type_name("COUNT")
      ->capture_default_str();
  app.add_flag("--pretend-no-permission-events",
               options.pretend_no_permission_events,
               "As on a kernel that cannot hold opens; for tests");
  app.add_flag("--pretend-no-exec-events", options.pretend_no_exec_events,
               "As on a kernel that cannot hold program starts; for tests");
  app.add_option("--scan-interval", times.scan,
                 "Without inotify: time from one scan of the protected paths "
                 "to the next")
      ->type_name("SECONDS")
      ->check(CLI::Range(size_t{1}, kScanSecondsMax))
      ->capture_default_str();
  app.add_option("--definitions-interval", times.definitions,
                 "How often to look whether definitions have changed")
      ->type_name("SECONDS")
      ->check(CLI::Range(size_t{1}, kScanSecondsMax))
      ->capture_default_str();
}

void AddProtect(CLI::App& app, DaemonOptions& options) {
  CLI::Option* paths =
      app.add_option("--protect", options.protect,
                     "Mount points of the file systems to protect, with what "
                     "is mounted below them")
          ->type_name("PATH");
  app.add_flag("--protect-all", options.protect_all,
               "Protect every local file system that is mounted anywhere, in "
               "other mount namespaces too, but that of '/'")
      ->excludes(paths);
}

}  // namespace

ParsedOptions ParseCommandLine(int argc, char** argv) {
  ParsedOptions parsed;
  DaemonOptions& options = parsed.options;
  CLI::App app{
      "Gatehouse daemon: judges files as they are opened and written.\n"
      "Runs in the foreground. SIGTERM stops it, SIGUSR1 writes the counters\n"
      "to RUN-DIR/counters.json.",
      "wdavdaemon"};
  app.set_version_flag("--version", "Gatehouse " GATEHOUSE_VERSION);
  AddProtect(app, options);
  app.add_option("--definitions", options.definitions_directory,
                 "Directory of signature files in ClamAV's formats, or none. "
                 "Without it: what freshclam fills, if it is there")
      ->type_name("DIR");
  app.add_option("--state-dir", options.state_directory,
                 "Where state is kept across restarts")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--run-dir", options.run_directory, "Where run-time files go")
      ->type_name("DIR")
      ->capture_default_str();
  const CLI::Option* config = app.add_option("--config", options.config_path,
                                             "Configuration file (JSON)")
                                  ->type_name("FILE")
                                  ->capture_default_str();
  Times times;
  AddTimes(app, options, times);
  app.add_option("--record", options.record_path,
                 "Record every event and its answer, without contents, to a "
                 "new file (docs/trace-format.md)")
      ->type_name("FILE");
  bool no_quarantine = false;
  app.add_flag("--no-quarantine", no_quarantine,
               "Deny and record threats, and leave them where they are");
  app.add_flag("--allow-root-file-system", options.allow_root_file_system,
               "Let --protect name the file system of '/' too, and "
               "--protect-all include it");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_now = true;
    parsed.exit_code = app.exit(error) == 0 ? 0 : kExitUsage;
    return parsed;
  }
  options.approval_window = std::chrono::seconds(times.approval);
  options.breaker_calm = std::chrono::seconds(times.breaker);
  options.scan_interval = std::chrono::seconds(times.scan);
  options.definitions_interval = std::chrono::seconds(times.definitions);
  options.isolates = !no_quarantine;
  options.config_is_default = config->count() == 0;
  options.notify_socket = Environment("NOTIFY_SOCKET");
  options.watchdog_microseconds = WatchdogMicroseconds();
  return parsed;
}

}  // namespace gatehouse
