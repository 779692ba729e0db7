#include "daemon/log.h"

#include <time.h>

#include <array>
#include <cstdio>
#include <utility>

#include "base/bytes.h"
#include "base/display_text.h"
#include "base/thread_name.h"
#include "base/time.h"
#include "base/whole_transfer.h"

namespace gatehouse {
namespace {

std::string_view SeverityWord(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "unknown";
}

void AppendTime(std::string& line) {
  timespec now = {};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  tm utc = {};
  (void)::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> date = {};
  (void)std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 32> fraction = {};
  (void)std::snprintf(fraction.data(), fraction.size(), ".%06ldZ ",
                      now.tv_nsec / 1000);
  line += date.data();
  line += fraction.data();
}

}  // namespace

std::string FormatLogLine(Severity severity, std::string_view message,
                          std::initializer_list<LogField> fields) {
  std::string line;
  AppendTime(line);
  line += SeverityWord(severity);
  line += ' ';
  line += message;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += "=\"";
    for (const char c : DisplayText(field.value)) {
      if (c == '"') line += '\\';
      line += c;
    }
    line += '"';
  }
  line += '\n';
  return line;
}

LogWriter::LogWriter(int fd) : fd_(fd), thread_([this] { Run(); }) {}

LogWriter::~LogWriter() {
  const MutexLock lock(mutex_);
  stop_ = true;
  changed_.NotifyAll();
}

void LogWriter::Log(Severity severity, std::string_view message,
                    std::initializer_list<LogField> fields) {
  std::string line = FormatLogLine(severity, message, fields);
  const MutexLock lock(mutex_);
  if (lines_.size() >= kLinesMax) {
    ++lines_lost_;
    return;
  }
  lines_.push_back(std::move(line));
  changed_.NotifyAll();
}

void LogWriter::Flush() {
  const MonotonicTime end = MonotonicClock::now() + kFlushMax;
  const MutexLock lock(mutex_);
  while (writing_ || !lines_.empty()) {
    const MonotonicTime now = MonotonicClock::now();
    if (now >= end) return;
    changed_.WaitFor(mutex_, end - now);
  }
}

void LogWriter::Run() {
  SetThreadName("gh-log");
  UseOrdinaryPriority();
  while (true) {
    std::string line;
    {
      const MutexLock lock(mutex_);
      writing_ = false;
      changed_.NotifyAll();
      while (lines_.empty() && !stop_) changed_.Wait(mutex_);
      if (lines_.empty()) return;
      line = std::move(lines_.front());
      lines_.pop_front();
      writing_ = true;
      if (lines_.empty() && lines_lost_ != 0) {
        lines_.push_back(FormatLogLine(
            Severity::kWarning, "log lines lost, the reader is too slow",
            {{"count", std::to_string(std::exchange(lines_lost_, 0))}}));
      }
    }
    // Nobody reads our log: nowhere to say so.
    (void)WriteFully(fd_, AsBytes(line), "write the log");
  }
}

}  // namespace gatehouse
