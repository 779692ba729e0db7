// gatehouse_test_opener: opens and reads files when told to, and says what
// happened. A process of its own, so that a held open holds nobody else.
//
// One command per line on standard input, words separated by tabs; one JSON
// object per command on standard output:
//   open PATH                        {"errno":E,"bytes":N,"wait_ms":T}
//   start PATH                       {"errno":E,"bytes":0,"wait_ms":T}
//                                    starts the program and waits for its end
//   round CLEAN-PREFIX N EVIL-PATH M opens every clean file once and, spread
//                                    among them, the evil one M times
//   loop CLEAN-PREFIX N EVIL-PREFIX M [EVERY]
//                                    the same over and over, with evil files 0
//                                    to M-1 after every EVERY (4) clean ones,
//                                    until input arrives
//   storm CLEAN-PREFIX N EVIL-PREFIX M EVERY-MS
//                                    as loop, but its evil files come and go:
//                                    every EVERY-MS one that is gone is
//                                    written again, and counted
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace {

struct Outcome {
  int error_number = 0;
  int64_t bytes = 0;
  int64_t wait_ms = 0;
};

struct Tally {
  uint64_t clean_opened = 0;
  uint64_t clean_refused = 0;
  uint64_t evil_opened = 0;
  uint64_t evil_denied = 0;
  uint64_t evil_gone = 0;
  uint64_t other_errors = 0;
  int last_other_error = 0;
  int64_t slowest_ms = 0;
};

Outcome OpenAndRead(const std::string& path) {
  Outcome outcome;
  const auto begin = std::chrono::steady_clock::now();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  outcome.wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now() - begin)
                        .count();
  if (fd < 0) {
    outcome.error_number = errno;
    return outcome;
  }
  std::array<char, 4096> block = {};
  outcome.bytes = ::read(fd, block.data(), block.size());
  (void)::close(fd);
  return outcome;
}

Outcome Start(std::string path) {
  Outcome outcome;
  const auto begin = std::chrono::steady_clock::now();
  char* arguments[] = {path.data(), nullptr};
  pid_t pid = 0;
  outcome.error_number =
      ::posix_spawn(&pid, path.c_str(), nullptr, nullptr, arguments, environ);
  outcome.wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now() - begin)
                        .count();
  if (outcome.error_number == 0) (void)::waitpid(pid, nullptr, 0);
  return outcome;
}

void Print(const Outcome& outcome) {
  std::cout << "{\"errno\":" << outcome.error_number
            << ",\"bytes\":" << outcome.bytes
            << ",\"wait_ms\":" << outcome.wait_ms << "}" << std::endl;
}

void OpenClean(const std::string& path, Tally& tally) {
  const Outcome outcome = OpenAndRead(path);
  tally.slowest_ms = std::max(tally.slowest_ms, outcome.wait_ms);
  if (outcome.error_number == EPERM) {
    ++tally.clean_refused;
  } else if (outcome.error_number != 0 || outcome.bytes <= 0) {
    ++tally.other_errors;
    tally.last_other_error = outcome.error_number;
  } else {
    ++tally.clean_opened;
  }
}

void OpenEvil(const std::string& path, Tally& tally) {
  const Outcome outcome = OpenAndRead(path);
  tally.slowest_ms = std::max(tally.slowest_ms, outcome.wait_ms);
  if (outcome.error_number == EPERM) {
    ++tally.evil_denied;
  } else if (outcome.error_number == ENOENT) {
    ++tally.evil_gone;
  } else if (outcome.error_number != 0) {
    ++tally.other_errors;
    tally.last_other_error = outcome.error_number;
  } else {
    ++tally.evil_opened;
  }
}

bool InputWaits() {
  pollfd wait = {STDIN_FILENO, POLLIN, 0};
  return ::poll(&wait, 1, 0) != 0;
}

// Put together here, so that no file of ours has it.
std::string Eicar() {
  return std::string("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EIC") +
         "AR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
}

// True if the file was not there and is now. Whoever may not create one is
// refused an empty file, which is clean.
bool WriteEvil(const std::string& path, Tally& tally) {
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) {
    if (errno == EPERM) ++tally.clean_refused;
    return false;
  }
  const std::string content = Eicar();
  const bool complete = ::write(fd, content.data(), content.size()) ==
                        static_cast<ssize_t>(content.size());
  if (!complete) ++tally.other_errors;
  (void)::close(fd);
  return complete;
}

// `more`: further members of the object.
void Print(const Tally& tally, const std::string& more = "") {
  std::cout << "{" << more << "\"clean_opened\":" << tally.clean_opened
            << ",\"clean_refused\":" << tally.clean_refused
            << ",\"evil_opened\":" << tally.evil_opened
            << ",\"evil_denied\":" << tally.evil_denied
            << ",\"evil_gone\":" << tally.evil_gone
            << ",\"other_errors\":" << tally.other_errors
            << ",\"last_other_error\":" << tally.last_other_error
            << ",\"slowest_ms\":" << tally.slowest_ms << "}" << std::endl;
}

void RunRound(const std::vector<std::string>& words) {
  const int clean_count = std::stoi(words.at(2));
  const int evil_count = std::stoi(words.at(4));
  Tally tally;
  for (int i = 0; i < clean_count; ++i) {
    if (i * evil_count / clean_count != (i + 1) * evil_count / clean_count) {
      OpenEvil(words.at(3), tally);
    }
    OpenClean(words.at(1) + std::to_string(i), tally);
  }
  Print(tally);
}

void RunLoop(const std::vector<std::string>& words) {
  const int clean_count = std::stoi(words.at(2));
  const int evil_count = std::stoi(words.at(4));
  const int every = words.size() > 5 ? std::stoi(words[5]) : 4;
  Tally tally;
  for (int i = 0; !InputWaits(); ++i) {
    OpenClean(words.at(1) + std::to_string(i % clean_count), tally);
    if (evil_count > 0 && i % every == 0) {
      OpenEvil(words.at(3) + std::to_string(i / every % evil_count), tally);
    }
  }
  Print(tally);
}

void RunStorm(const std::vector<std::string>& words) {
  const int clean_count = std::stoi(words.at(2));
  const size_t evil_count = std::stoul(words.at(4));
  const std::chrono::milliseconds every(std::stoi(words.at(5)));
  Tally tally;
  std::vector<uint64_t> written(evil_count);
  auto next = std::chrono::steady_clock::now();
  size_t current = 0;
  for (int i = 0; !InputWaits(); ++i) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next) {
      next = now + every;
      current = (current + 1) % evil_count;
      const std::string path = words.at(3) + std::to_string(current);
      if (WriteEvil(path, tally)) ++written[current];
    }
    OpenClean(words.at(1) + std::to_string(i % clean_count), tally);
    OpenEvil(words.at(3) + std::to_string(current), tally);
  }
  std::string counts;
  for (const uint64_t count : written) {
    counts += (counts.empty() ? "" : ",") + std::to_string(count);
  }
  Print(tally, "\"written\":[" + counts + "],");
}

std::vector<std::string> Split(const std::string& line) {
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (c == '\t') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::vector<std::string> words = Split(line);
    if (words.front() == "open" && words.size() == 2) {
      Print(OpenAndRead(words[1]));
    } else if (words.front() == "start" && words.size() == 2) {
      Print(Start(words[1]));
    } else if (words.front() == "round" && words.size() == 5) {
      RunRound(words);
    } else if (words.front() == "loop" &&
               (words.size() == 5 || words.size() == 6)) {
      RunLoop(words);
    } else if (words.front() == "storm" && words.size() == 6) {
      RunStorm(words);
    } else if (words.front() != "stop") {
      std::cerr << "unknown command: " << line << std::endl;
      return 2;
    }
  }
  return 0;
}
