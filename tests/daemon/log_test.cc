#include "daemon/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

// The part after the time.
std::string Rest(const std::string& line) {
  return line.substr(line.find(' ') + 1);
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends = {-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    read_end.Reset(ends[0]);
    write_end.Reset(ends[1]);
  }
  // What was written; nobody writes any more.
  std::string ReadAll() {
    write_end.Reset();
    return ReadToTheEnd();
  }
  // The end is there when the other end is closed.
  std::string ReadToTheEnd() {
    std::string text;
    std::array<char, 4096> block = {};
    while (true) {
      const ssize_t count =
          ::read(read_end.UnsafeFd(), block.data(), block.size());
      if (count <= 0) return text;
      text.append(block.data(), static_cast<size_t>(count));
    }
  }

  UniqueFd read_end;
  UniqueFd write_end;
};

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string::npos;
       end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

void LogLines(LogWriter& log, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) log.Log(Severity::kInfo, "line");
}

TEST(FormatLogLineTest, BeginsWithTheTimeInUtc) {
  const std::string line = FormatLogLine(Severity::kInfo, "ready", {});
  EXPECT_THAT(line, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:"
                                 "[0-9]{2}\\.[0-9]{6}Z info ready\n"));
}

TEST(FormatLogLineTest, NamesTheSeverity) {
  EXPECT_EQ(Rest(FormatLogLine(Severity::kInfo, "m", {})), "info m\n");
  EXPECT_EQ(Rest(FormatLogLine(Severity::kWarning, "m", {})), "warning m\n");
  EXPECT_EQ(Rest(FormatLogLine(Severity::kError, "m", {})), "error m\n");
}

TEST(FormatLogLineTest, QuotesEveryValue) {
  EXPECT_EQ(Rest(FormatLogLine(Severity::kInfo, "open denied",
                               {{"path", "/a b"}, {"pid", "7"}, {"x", ""}})),
            "info open denied path=\"/a b\" pid=\"7\" x=\"\"\n");
}

TEST(FormatLogLineTest, AValueCannotEndItsQuotesOrTheLine) {
  EXPECT_EQ(Rest(FormatLogLine(Severity::kInfo, "m",
                               {{"path", "a\" pid=\"1\nerror x\\\x1b[2J"}})),
            "info m path=\"a\\\" pid=\\\"1\\nerror x\\\\\\x1b[2J\"\n");
}

TEST(FormatLogLineTest, KeepsPrintableTextAndEscapesOtherBytes) {
  EXPECT_EQ(Rest(FormatLogLine(Severity::kInfo, "m",
                               {{"a", "gr\xc3\xbc\xc3\x9f"}, {"b", "\xff"}})),
            "info m a=\"gr\xc3\xbc\xc3\x9f\" b=\"\\xff\"\n");
}

TEST(LogWriterTest, WritesEveryLineInOrder) {
  Pipe pipe;
  {
    LogWriter log(pipe.write_end.UnsafeFd());
    for (int i = 0; i < 100; ++i) {
      log.Log(Severity::kInfo, "line", {{"number", std::to_string(i)}});
    }
  }
  const std::vector<std::string> lines = Lines(pipe.ReadAll());
  ASSERT_EQ(lines.size(), 100U);
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(Rest(lines[i]), "info line number=\"" + std::to_string(i) + "\"");
  }
}

TEST(LogWriterTest, HasWrittenWhatWasLoggedBeforeAFlush) {
  Pipe pipe;
  LogWriter log(pipe.write_end.UnsafeFd());
  log.Flush();
  log.Log(Severity::kError, "cannot start");
  log.Flush();
  std::array<char, 256> text = {};
  const ssize_t count =
      ::read(pipe.read_end.UnsafeFd(), text.data(), text.size());
  ASSERT_GT(count, 0);
  EXPECT_THAT(std::string(text.data(), static_cast<size_t>(count)),
              HasSubstr("error cannot start\n"));
}

TEST(LogWriterTest, EndsWithoutAnyLine) {
  Pipe pipe;
  { const LogWriter log(pipe.write_end.UnsafeFd()); }
  EXPECT_EQ(pipe.ReadAll(), "");
}

struct Tally {
  uint64_t written = 0;
  uint64_t lost = 0;
};

Tally Count(const std::string& text) {
  constexpr std::string_view kLost =
      "warning log lines lost, the reader is too slow count=\"";
  Tally tally;
  for (const std::string& line : Lines(text)) {
    const std::string rest = Rest(line);
    if (rest.starts_with(kLost)) {
      tally.lost += std::stoull(rest.substr(kLost.size()));
    } else {
      EXPECT_EQ(rest, "info line");
      ++tally.written;
    }
  }
  return tally;
}

TEST(LogWriterTest, NeverBlocksAndCountsWhatIsLost) {
  constexpr uint64_t kLogged = 5 * LogWriter::kLinesMax;
  Pipe pipe;
  ASSERT_GT(::fcntl(pipe.write_end.UnsafeFd(), F_SETPIPE_SZ, 4096), 0);
  std::optional<LogWriter> log(std::in_place, pipe.write_end.UnsafeFd());
  // Nobody reads: the pipe fills, then the queue.
  LogLines(*log, kLogged);
  std::jthread end([&] {
    log.reset();
    pipe.write_end.Reset();
  });
  const Tally tally = Count(pipe.ReadToTheEnd());
  EXPECT_GE(tally.written, LogWriter::kLinesMax);
  EXPECT_GT(tally.lost, 0U);
  EXPECT_EQ(tally.written + tally.lost, kLogged);
}

TEST(LogWriterTest, TakesLinesFromManyThreads) {
  constexpr size_t kThreads = 4;
  constexpr size_t kLinesEach = 100;
  Pipe pipe;
  {
    LogWriter log(pipe.write_end.UnsafeFd());
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&log] { LogLines(log, kLinesEach); });
    }
  }
  const std::vector<std::string> lines = Lines(pipe.ReadAll());
  EXPECT_EQ(lines.size(), kThreads * kLinesEach);
  for (const std::string& line : lines) EXPECT_EQ(Rest(line), "info line");
}

}  // namespace
}  // namespace gatehouse
