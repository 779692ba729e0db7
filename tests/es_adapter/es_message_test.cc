// What the messages of a real client say, and in which order they come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "tests/es_adapter/es_client_fixture.h"

namespace gatehouse {
namespace {

constexpr int32_t kRead = 1;          // FREAD.
constexpr int32_t kReadAndWrite = 3;  // FREAD | FWRITE.
constexpr uint64_t kNsPerMs = 1'000'000;

uint64_t Now() {
  return static_cast<uint64_t>(
      MonotonicClock::now().time_since_epoch().count());
}

TEST_F(EsClientTest, SaysWhichFileIsOpened) {
  Mailbox mailbox;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    mailbox.Keep(message);
    Allow(self, message);
  });
  const std::string path = Write("file", "content");
  struct stat expected = {};
  ASSERT_EQ(::stat(path.c_str(), &expected), 0);
  Watch(client);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  ASSERT_TRUE(mailbox.Reaches(1));
  const es_message_t& message = *mailbox.Messages().front();
  EXPECT_EQ(message.version, 4U);
  EXPECT_EQ(message.action_type, ES_ACTION_TYPE_AUTH);
  EXPECT_EQ(message.event_type, ES_EVENT_TYPE_AUTH_OPEN);
  const es_file_t& file = *message.event.open.file;
  EXPECT_EQ(Text(file.path), path);
  EXPECT_EQ(file.path.data[file.path.length], '\0');
  EXPECT_FALSE(file.path_truncated);
  EXPECT_EQ(file.stat.st_ino, expected.st_ino);
  EXPECT_EQ(file.stat.st_dev, expected.st_dev);
  EXPECT_EQ(file.stat.st_size, 7);
  EXPECT_EQ(message.thread, nullptr);
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, SaysWhoOpensIt) {
  Mailbox mailbox;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    mailbox.Keep(message);
    Allow(self, message);
  });
  const std::string path = Write("file");
  Watch(client);
  Opener opener = Opener::Reads({path});
  const pid_t pid = opener.pid();
  EXPECT_EQ(opener.ExitCode(), kOpened);
  ASSERT_TRUE(mailbox.Reaches(1));
  const es_process_t& process = *mailbox.Messages().front()->process;
  EXPECT_EQ(audit_token_to_pid(process.audit_token), pid);
  EXPECT_EQ(audit_token_to_euid(process.audit_token), 0U);
  EXPECT_EQ(process.ppid, ::getpid());
  EXPECT_EQ(process.original_ppid, ::getpid());
  EXPECT_EQ(process.group_id, ::getpgid(0));
  EXPECT_EQ(process.session_id, ::getsid(0));
  EXPECT_GT(process.start_time.tv_sec, 0);
  EXPECT_EQ(Text(process.executable->path),
            std::filesystem::canonical("/bin/cat").string());
  EXPECT_NE(process.executable->stat.st_ino, 0U);
  EXPECT_EQ(Text(process.signing_id), "");
  EXPECT_EQ(Text(process.team_id), "");
  EXPECT_EQ(process.tty, nullptr);
  EXPECT_FALSE(process.is_platform_binary);
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, SaysUntilWhenAnAnswerIsNeeded) {
  Mailbox mailbox;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    mailbox.Keep(message);
    Allow(self, message);
  });
  const std::string path = Write("file");
  Watch(client);
  ASSERT_EQ(esl_set_deadline_milliseconds(client.get(), 5000), 0);
  const uint64_t before = Now();
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  const uint64_t after = Now();
  ASSERT_TRUE(mailbox.Reaches(1));
  const es_message_t& message = *mailbox.Messages().front();
  EXPECT_GE(message.deadline, before + 5000 * kNsPerMs);
  EXPECT_LE(message.deadline, after + 5000 * kNsPerMs);
  EXPECT_GE(message.mach_time, before);
  EXPECT_LE(message.mach_time, after);
  EXPECT_GT(message.time.tv_sec, 0);
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, SaysWhetherTheOpenerMayWrite) {
  Mutex mutex;
  std::vector<int32_t> flags;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    {
      const MutexLock lock(mutex);
      flags.push_back(message->event.open.fflag);
    }
    Allow(self, message);
  });
  const std::string path = Write("file");
  Watch(client);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  EXPECT_EQ(Opener::Updates(path).ExitCode(), kOpened);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  const MutexLock lock(mutex);
  EXPECT_THAT(flags, testing::ElementsAre(kRead, kReadAndWrite, kRead));
}

TEST_F(EsClientTest, GivesTheVeryFileThatIsOpened) {
  Mailbox mailbox;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    mailbox.Keep(message);
  });
  const std::string path = Write("file", "content");
  Watch(client);
  Opener opener = Opener::Reads({path});
  ASSERT_TRUE(mailbox.Reaches(1));
  // Another file under the same name changes nothing.
  ASSERT_EQ(::unlink(path.c_str()), 0);
  Write("file", "another");
  const es_message_t* const message = mailbox.Messages().front();
  const int fd = esl_message_fd(message);
  std::array<char, 8> bytes = {};
  EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), 0);
  EXPECT_EQ(::pread(fd, bytes.data(), bytes.size(), 0), 7);
  EXPECT_STREQ(bytes.data(), "content");
  EXPECT_EQ(::fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(esl_message_strikes(message), 0U);
  EXPECT_FALSE(esl_message_is_answered(message));
  Allow(client.get(), message);
  EXPECT_EQ(opener.ExitCode(), kOpened);
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, SaysWhichFileWasWritten) {
  Mailbox mailbox;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    mailbox.Keep(message);
  });
  Watch(client, {ES_EVENT_TYPE_NOTIFY_CLOSE});
  EXPECT_EQ(Opener::Reads({"/dev/null"}).ExitCode(), kOpened);
  EXPECT_EQ(Opener::Writes(root() + "/file").ExitCode(), 0);
  ASSERT_TRUE(mailbox.Reaches(1));
  const es_message_t& message = *mailbox.Messages().front();
  EXPECT_EQ(message.action_type, ES_ACTION_TYPE_NOTIFY);
  EXPECT_EQ(message.event_type, ES_EVENT_TYPE_NOTIFY_CLOSE);
  EXPECT_EQ(message.deadline, 0U);
  EXPECT_TRUE(message.event.close.modified);
  EXPECT_EQ(Text(message.event.close.target->path), root() + "/file");
  EXPECT_EQ(message.event.close.target->stat.st_size, 5);
  EXPECT_EQ(message.seq_num, 0U);
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, AKeptMessageStaysAsItWas) {
  Mailbox mailbox;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    if (mailbox.Messages().empty()) mailbox.Keep(message);
    Allow(self, message);
  });
  const std::string kept = Write("kept");
  const std::vector<std::string> others = WriteMany(100);
  Watch(client);
  EXPECT_EQ(Opener::Reads({kept}).ExitCode(), kOpened);
  ASSERT_TRUE(mailbox.Reaches(1));
  EXPECT_EQ(Opener::Reads(others).ExitCode(), kOpened);
  const es_message_t& message = *mailbox.Messages().front();
  EXPECT_EQ(Text(message.event.open.file->path), kept);
  EXPECT_EQ(message.seq_num, 0U);
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, NumbersMessagesWithoutGaps) {
  constexpr size_t kFiles = 50;
  std::vector<uint64_t> global_numbers;  // Only the handler touches these.
  std::vector<uint64_t> open_numbers;
  std::vector<uint64_t> close_numbers;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    global_numbers.push_back(message->global_seq_num);
    if (message->event_type == ES_EVENT_TYPE_AUTH_OPEN) {
      open_numbers.push_back(message->seq_num);
      Allow(self, message);
    } else {
      close_numbers.push_back(message->seq_num);
    }
  });
  const std::vector<std::string> paths = WriteMany(kFiles);
  Watch(client, {ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_NOTIFY_CLOSE});
  for (size_t i = 0; i < 5; ++i) {
    Opener writer = Opener::Updates(paths.at(i));
    EXPECT_EQ(Opener::Reads(paths).ExitCode(), kOpened);
    EXPECT_EQ(writer.ExitCode(), kOpened);
  }
  EXPECT_TRUE(
      BecomesTrue([&] { return client.Statistics().notify_events == 5; }));
  client.Delete();  // From here on no handler runs.
  std::vector<uint64_t> counted(5 * kFiles + 10);
  for (size_t i = 0; i < counted.size(); ++i) counted[i] = i;
  EXPECT_EQ(global_numbers, counted);
  counted.resize(5 * kFiles + 5);
  EXPECT_EQ(open_numbers, counted);
  counted.resize(5);
  EXPECT_EQ(close_numbers, counted);
}

TEST_F(EsClientTest, CallsTheHandlerForOneMessageAtATime) {
  constexpr size_t kOpeners = 8;
  constexpr size_t kFiles = 40;
  std::atomic<int> inside{0};
  std::atomic<int> most_inside{0};
  std::atomic<size_t> messages{0};
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    if (inside.fetch_add(1) != 0) most_inside.fetch_add(1);
    Allow(self, message);
    std::this_thread::yield();
    messages.fetch_add(1);
    inside.fetch_sub(1);
  });
  const std::vector<std::string> paths = WriteMany(kFiles);
  Watch(client);
  std::vector<Opener> openers;
  for (size_t i = 0; i < kOpeners; ++i) {
    openers.push_back(Opener::Reads(paths));
  }
  for (Opener& opener : openers) EXPECT_EQ(opener.ExitCode(), kOpened);
  client.Delete();
  EXPECT_EQ(messages.load(), kOpeners * kFiles);
  EXPECT_EQ(most_inside.load(), 0);
}

TEST_F(EsClientTest, LeavesOutWhatIsNotAskedFor) {
  Mailbox mailbox;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    mailbox.Keep(message);
    Allow(self, message);
  });
  const std::string path = Write("file");
  Watch(client);
  esl_set_detail(client.get(), ESL_DETAIL_FILE);
  Opener opener = Opener::Reads({path});
  const pid_t pid = opener.pid();
  EXPECT_EQ(opener.ExitCode(), kOpened);
  ASSERT_TRUE(mailbox.Reaches(1));
  const es_message_t& message = *mailbox.Messages().front();
  EXPECT_EQ(Text(message.event.open.file->path), "");
  esl_message_fill_path(&message);
  EXPECT_EQ(Text(message.event.open.file->path), path);
  EXPECT_EQ(message.event.open.fflag, kReadAndWrite);
  EXPECT_EQ(audit_token_to_pid(message.process->audit_token), pid);
  EXPECT_EQ(message.process->ppid, 0);
  ASSERT_NE(message.process->executable, nullptr);
  EXPECT_EQ(Text(message.process->executable->path), "");
  mailbox.ReleaseAll();
}

}  // namespace
}  // namespace gatehouse
