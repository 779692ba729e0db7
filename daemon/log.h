// The log of the daemon: one line, a fixed message, then key=value.
//
// Thread-safe. Never blocks a caller: lines go to a bounded queue and a thread
// writes them to standard error, because whoever reads our log may be waiting
// for our answer to open a file. Lines that do not fit are counted and the
// count is logged.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"

namespace gatehouse {

// error: a promise was broken. warning: we coped. info: state changed.
enum class Severity : uint8_t { kInfo, kWarning, kError };

struct LogField {
  std::string_view key;
  std::string_view value;  // Any bytes: quoted and escaped.
};

// "2026-11-24T04:10:00.123456Z warning open denied path=\"/x\"\n"
[[nodiscard]] std::string FormatLogLine(Severity severity,
                                        std::string_view message,
                                        std::initializer_list<LogField> fields);

class LogWriter {
 public:
  static constexpr size_t kLinesMax = 1024;

  // Writes to `fd`, borrowed, which must stay open.
  explicit LogWriter(int fd);
  // Writes what is queued, then ends.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void Log(Severity severity, std::string_view message,
           std::initializer_list<LogField> fields = {});
  // Waits until what was logged before has been written, but no longer than
  // kFlushMax: perhaps nobody reads.
  static constexpr std::chrono::milliseconds kFlushMax{1000};
  void Flush();

 private:
  void Run();

  const int fd_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::string> lines_ GATEHOUSE_GUARDED_BY(mutex_);
  uint64_t lines_lost_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
  bool writing_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  bool stop_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace gatehouse
