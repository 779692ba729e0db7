// A program in memory: a copy of one of the system's, run with execveat from
// memfd_create by a child of ours.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/becomes_true.h"

namespace gatehouse {

class MemoryProgram {
 public:
  // Runs `command` from memory, under `name`. Waits until it is that.
  explicit MemoryProgram(std::vector<std::string> command,
                         const char* name = "program")
      : file_(::memfd_create(name, MFD_CLOEXEC)) {
    const UniqueFd source(::open(command.front().c_str(), O_RDONLY));
    struct stat facts = {};
    EXPECT_EQ(::fstat(source.UnsafeFd(), &facts), 0);
    EXPECT_EQ(::sendfile(file_.UnsafeFd(), source.UnsafeFd(), nullptr,
                         static_cast<size_t>(facts.st_size)),
              facts.st_size);
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    // It sleeps until this is closed, and has ended then.
    std::array<int, 2> pipe = {-1, -1};
    EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    input_.Reset(pipe[1]);
    const UniqueFd read_end(pipe[0]);
    pid_ = ::fork();
    if (pid_ == 0) {
      (void)::dup2(read_end.UnsafeFd(), STDIN_FILENO);
      (void)::execveat(file_.UnsafeFd(), "", arguments.data(), environ,
                       AT_EMPTY_PATH);
      ::_exit(127);
    }
    EXPECT_TRUE(BecomesTrue([this] { return IsRunning(); }));
  }
  MemoryProgram(const MemoryProgram&) = delete;
  MemoryProgram& operator=(const MemoryProgram&) = delete;
  ~MemoryProgram() {
    if (pid_ < 0) return;
    (void)::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const { return pid_; }
  const UniqueFd& file() const { return file_; }
  bool IsRunning() const {
    std::array<char, 64> text = {};
    const std::string link = "/proc/" + std::to_string(pid_) + "/exe";
    (void)!::readlink(link.c_str(), text.data(), text.size() - 1);
    return std::strncmp(text.data(), "/memfd:", 7) == 0;
  }
  void Say(const std::string& text) {
    EXPECT_EQ(::write(input_.UnsafeFd(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  // Lets it read the end of its input; its wait status.
  int Finish() {
    input_.Reset();
    return Wait();
  }
  int Wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return status;
  }

 private:
  UniqueFd file_;
  UniqueFd input_;
  pid_t pid_ = -1;
};

}  // namespace gatehouse
