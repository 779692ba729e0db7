// What the tests of a real client share: a file system of their own, programs
// that open files on it, and a client whose messages they can keep.
//
// Only for programs that run below tests/system/guard.py: a mount and a pid
// namespace of their own, in which they are process 1.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>
#include <es_linux.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "tests/becomes_true.h"
#include "tests/es_adapter/client_handler.h"
#include "tests/temp_dir.h"

namespace gatehouse {

inline constexpr int kOpened = 0;  // Exit codes of openers.

// A program of its own that opens files: held, it holds nobody else.
class Opener {
 public:
  explicit Opener(std::vector<std::string> command) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, arguments[0], Quiet(), nullptr,
                            arguments.data(), environ),
              0);
    pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  }
  Opener(Opener&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;
  ~Opener() {
    if (pid_ < 0) return;
    (void)::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
  }

  static Opener Reads(const std::vector<std::string>& paths) {
    std::vector<std::string> command = {"/bin/cat"};
    command.insert(command.end(), paths.begin(), paths.end());
    return Opener(std::move(command));
  }
  // O_RDWR.
  static Opener Updates(const std::string& path) {
    return Opener({"/bin/sh", "-c", "exec 3<>\"$0\"", path});
  }
  static Opener Writes(const std::string& path) {
    return Opener({"/bin/sh", "-c", "echo text > \"$0\"", path});
  }

  pid_t pid() const { return pid_; }
  bool IsWaiting() const { return !Ends(0); }

  // Its exit code; -1 if it had to be killed.
  int ExitCode() {
    int status = 0;
    if (!Ends(kPatienceMs)) (void)::kill(pid_, SIGKILL);
    EXPECT_EQ(::waitpid(std::exchange(pid_, -1), &status, 0) > 0, true);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  static constexpr int kPatienceMs = 20'000;

  static posix_spawn_file_actions_t* Quiet() {
    static posix_spawn_file_actions_t actions = [] {
      posix_spawn_file_actions_t made;
      (void)::posix_spawn_file_actions_init(&made);
      for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
        (void)::posix_spawn_file_actions_addopen(&made, fd, "/dev/null",
                                                 O_WRONLY, 0);
      }
      return made;
    }();
    return &actions;
  }
  bool Ends(int timeout_ms) const {
    pollfd wait = {pidfd_.UnsafeFd(), POLLIN, 0};
    return ::poll(&wait, 1, timeout_ms) == 1;
  }

  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

// Messages that a handler has retained for the test.
class Mailbox {
 public:
  void Keep(const es_message_t* message) {
    es_retain_message(message);
    const MutexLock lock(mutex_);
    messages_.push_back(message);
  }
  bool Reaches(size_t count) {
    return BecomesTrue([&] { return Messages().size() >= count; });
  }
  std::vector<const es_message_t*> Messages() {
    const MutexLock lock(mutex_);
    return messages_;
  }
  // They are the caller's to release.
  std::vector<const es_message_t*> Take() {
    const MutexLock lock(mutex_);
    return std::exchange(messages_, {});
  }
  void ReleaseAll() {
    for (const es_message_t* message : Take()) es_release_message(message);
  }

 private:
  Mutex mutex_;
  std::vector<const es_message_t*> messages_ GATEHOUSE_GUARDED_BY(mutex_);
};

inline std::string_view Text(const es_string_token_t& token) {
  return {token.data, token.length};
}

// A client with a journal of its own, whose counters the test can read.
class TestClient {
 public:
  using Handler = ClientHandler;

  explicit TestClient(Handler handler)
      : handler_(std::make_unique<Handler>(std::move(handler))) {
    EXPECT_EQ(NewClient(&client_, *handler_), ES_NEW_CLIENT_RESULT_SUCCESS);
    journal_ = esl_client_journal(client_);
    // What is muted by default would be in the way of the lists of a test.
    EXPECT_EQ(es_unmute_all_paths(client_), ES_RETURN_SUCCESS);
  }
  // With a journal of `events_max` events.
  TestClient(Handler handler, uint32_t events_max)
      : handler_(std::make_unique<Handler>(std::move(handler))),
        journal_(esl_journal_create(events_max)) {
    EXPECT_EQ(esl_new_client_adopting(&client_, journal_, false, handler_.get(),
                                      OnMessage),
              ES_NEW_CLIENT_RESULT_SUCCESS);
  }
  ~TestClient() { Delete(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  void Delete() {
    if (client_ == nullptr) return;
    EXPECT_EQ(es_delete_client(std::exchange(client_, nullptr)),
              ES_RETURN_SUCCESS);
  }
  es_return_t Subscribe(const std::vector<es_event_type_t>& events) {
    return es_subscribe(client_, events.data(),
                        static_cast<uint32_t>(events.size()));
  }
  es_client_t* get() const { return client_; }
  esl_journal_t* journal() const { return journal_; }
  // An answer goes out before it is counted: waits until the reader, which must
  // not be held by a handler, has counted what came before.
  esl_statistics_t SettledStatistics() const {
    std::atomic<bool> is_settled{false};
    EXPECT_EQ(es_sync_client_f(
                  client_, &is_settled,
                  [](void* settled) {
                    static_cast<std::atomic<bool>*>(settled)->store(true);
                  }),
              ES_RETURN_SUCCESS);
    EXPECT_TRUE(BecomesTrue([&] { return is_settled.load(); }));
    return Statistics();
  }
  esl_statistics_t Statistics() const {
    esl_statistics_t statistics = {};
    esl_journal_statistics(journal_, &statistics);
    return statistics;
  }

 private:
  const std::unique_ptr<Handler> handler_;
  esl_journal_t* journal_ = nullptr;  // Never freed: see es_linux.h.
  es_client_t* client_ = nullptr;
};

inline void Allow(es_client_t* client, const es_message_t* message) {
  EXPECT_EQ(es_respond_flags_result(client, message, UINT32_MAX, false),
            ES_RESPOND_RESULT_SUCCESS);
}

class EsClientTest : public testing::Test {
 protected:
  // Mounts, and makes sure that nothing else can be marked.
  void SetUp() override {
    ASSERT_EQ(::getpid(), 1) << "run below tests/system/guard.py";
    ASSERT_EQ(::mount("none", root().c_str(), "tmpfs", 0, "size=16m"), 0);
    struct stat here = {};
    struct stat everything = {};
    ASSERT_EQ(::stat(root().c_str(), &here), 0);
    ASSERT_EQ(::stat("/", &everything), 0);
    ASSERT_NE(here.st_dev, everything.st_dev);
  }
  void TearDown() override {
    EXPECT_EQ(::umount2(root().c_str(), MNT_DETACH), 0);
  }

  const std::string& root() const { return directory_.path(); }
  std::string Write(std::string_view name, std::string_view content = "text") {
    return directory_.Write(name, content);
  }
  std::vector<std::string> WriteMany(size_t count) {
    std::vector<std::string> paths;
    paths.reserve(count);
    for (size_t i = 0; i < count; ++i)
      paths.push_back(Write(std::to_string(i)));
    return paths;
  }
  // Watches the file system and subscribes.
  void Watch(TestClient& client, const std::vector<es_event_type_t>& events = {
                                     ES_EVENT_TYPE_AUTH_OPEN}) {
    ASSERT_EQ(esl_watch_file_system(client.get(), root().c_str()), 0);
    ASSERT_EQ(client.Subscribe(events), ES_RETURN_SUCCESS);
  }

 private:
  TempDir directory_;
};

}  // namespace gatehouse
