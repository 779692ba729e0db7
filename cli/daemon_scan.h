// DaemonScan: a scan of files by the daemon, which is handed descriptors and
// never a path to open.
//
// One thread. Owns the connection and the files that wait to be sent.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/corpus_report.h"
#include "cli/file_walk.h"
#include "ipc/client.h"
#include "ipc/json.h"

namespace gatehouse {

class DaemonScan {
 public:
  // Is told of every file that is not clean.
  using FindingFunction = std::function<void(ScanFinding)>;

  struct Options {
    std::string run_directory;
    std::string path;  // Only for the daemon's records.
    bool quarantine = true;
    bool ignore_exclusions = false;
  };

  // Errors: those of BeginConversation.
  static Result<DaemonScan> Begin(const Options& options,
                                  FindingFunction on_finding);

  // Adds a file to the batch, and sends the batch when it is large enough.
  // Blocks while the daemon scans. Errors: kUnreachable (it has gone, or takes
  // too long), those of the daemon, kOperational (its answer makes no sense).
  Result<bool> Add(WalkedFile file);
  // Sends something when nothing was sent for long. Errors as those of Add.
  Result<bool> KeepAlive();
  // Sends the last batch and ends the scan. Errors as those of Add.
  Result<bool> Finish();

  const std::string& scan_id() const { return scan_id_; }
  uint64_t files_added() const { return files_added_; }
  uint64_t bytes_added() const { return bytes_added_; }

 private:
  DaemonScan(IpcClient client, std::string scan_id, FindingFunction on_finding);

  Result<bool> SendBatch();
  Result<bool> ReadResults(const Json& answer);

  IpcClient client_;
  std::string scan_id_;
  FindingFunction on_finding_;
  std::vector<WalkedFile> batch_;
  uint64_t batch_bytes_ = 0;
  uint64_t files_added_ = 0;
  uint64_t bytes_added_ = 0;
  MonotonicTime last_sent_at_;
};

}  // namespace gatehouse
