// What a real client hears of names: created, linked, renamed, written, gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/journal.h"
#include "tests/es_adapter/es_client_fixture.h"
#include "tests/es_adapter/kernel_records.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr es_event_type_t kCreate = ES_EVENT_TYPE_NOTIFY_CREATE;
constexpr es_event_type_t kLink = ES_EVENT_TYPE_NOTIFY_LINK;
constexpr es_event_type_t kRename = ES_EVENT_TYPE_NOTIFY_RENAME;
constexpr es_event_type_t kUnlink = ES_EVENT_TYPE_NOTIFY_UNLINK;
constexpr es_event_type_t kWrite = ES_EVENT_TYPE_NOTIFY_WRITE;

class EsNamesTest : public EsClientTest {
 protected:
  EsNamesTest()
      : client_([this](es_client_t*, const es_message_t* message) {
          if (refuses_.load()) return;
          mailbox_.Keep(message);
        }) {}
  void TearDown() override {
    mailbox_.ReleaseAll();
    client_.Delete();
    EsClientTest::TearDown();
  }
  // A program of its own, in the directory that is watched.
  void Run(const std::string& script) {
    Opener shell({"/bin/sh", "-c", "cd \"$0\" && " + script, root()});
    pid_ = shell.pid();
    EXPECT_EQ(shell.ExitCode(), 0) << script;
  }
  const es_message_t& Await(size_t index) {
    EXPECT_TRUE(mailbox_.Reaches(index + 1));
    return *mailbox_.Messages().at(index);
  }
  std::vector<es_event_type_t> Types() {
    std::vector<es_event_type_t> types;
    for (const es_message_t* message : mailbox_.Messages()) {
      types.push_back(message->event_type);
    }
    return types;
  }
  static std::string Path(const es_file_t* file) {
    return std::string(Text(file->path));
  }
  std::string In(std::string_view name) {
    return root() + "/" + std::string(name);
  }

  std::atomic<bool> refuses_{false};
  pid_t pid_ = 0;
  Mailbox mailbox_;
  TestClient client_;
};

TEST_F(EsNamesTest, SaysWhatWasCreatedAndByWhom) {
  Watch(client_, {kCreate});
  Run("echo text > file");
  const es_message_t& message = Await(0);
  EXPECT_EQ(message.event_type, kCreate);
  EXPECT_EQ(message.action_type, ES_ACTION_TYPE_NOTIFY);
  EXPECT_EQ(message.deadline, 0U);
  EXPECT_EQ(esl_message_fd(&message), -1);
  EXPECT_EQ(audit_token_to_pid(message.process->audit_token), pid_);
  const es_event_create_t& create = message.event.create;
  ASSERT_EQ(create.destination_type, ES_DESTINATION_TYPE_EXISTING_FILE);
  const es_file_t* file = create.destination.existing_file;
  EXPECT_EQ(Path(file), In("file"));
  struct stat expected = {};
  ASSERT_EQ(::stat(In("file").c_str(), &expected), 0);
  EXPECT_EQ(file->stat.st_ino, expected.st_ino);
  EXPECT_EQ(file->stat.st_dev, expected.st_dev);
}

TEST_F(EsNamesTest, DirectoriesAreCreatedToo) {
  Watch(client_, {kCreate});
  Run("mkdir directory && echo text > directory/file");
  EXPECT_EQ(Path(Await(0).event.create.destination.existing_file),
            In("directory"));
  EXPECT_EQ(Path(Await(1).event.create.destination.existing_file),
            In("directory/file"));
}

TEST_F(EsNamesTest, SaysBothNamesOfARename) {
  const std::string old_path = Write("old");
  std::filesystem::create_directory(In("sub"));
  Watch(client_, {kRename});
  Run("mv old sub/new");
  const es_event_rename_t& rename = Await(0).event.rename;
  EXPECT_EQ(Path(rename.source), old_path);
  EXPECT_NE(rename.source->stat.st_ino, 0U);
  ASSERT_EQ(rename.destination_type, ES_DESTINATION_TYPE_NEW_PATH);
  EXPECT_EQ(Path(rename.destination.new_path.dir), In("sub"));
  EXPECT_EQ(Text(rename.destination.new_path.filename), "new");
}

TEST_F(EsNamesTest, SaysWhatIsGone) {
  const std::string path = Write("file");
  Watch(client_, {kUnlink});
  Run("rm file");
  const es_event_unlink_t& unlink = Await(0).event.unlink;
  EXPECT_EQ(Path(unlink.target), path);
  EXPECT_EQ(Path(unlink.parent_dir), root());
}

TEST_F(EsNamesTest, ANewNameOfAFileIsALink) {
  const std::string path = Write("file");
  Watch(client_, {kCreate, kLink});
  Run("ln file other");
  const es_message_t& message = Await(0);
  ASSERT_EQ(message.event_type, kLink);
  struct stat expected = {};
  ASSERT_EQ(::stat(path.c_str(), &expected), 0);
  EXPECT_EQ(message.event.link.source->stat.st_ino, expected.st_ino);
  EXPECT_EQ(Path(message.event.link.target_dir), root());
  EXPECT_EQ(Text(message.event.link.target_filename), "other");
}

TEST_F(EsNamesTest, WithoutAClientForLinksTheyAreCreations) {
  Write("file");
  Watch(client_, {kCreate});
  Run("ln file other");
  EXPECT_EQ(Path(Await(0).event.create.destination.existing_file), In("other"));
}

TEST_F(EsNamesTest, TellsInOneOrderWhatTheKernelMerged) {
  Watch(client_, {kCreate, kWrite, kUnlink});
  Run("echo text > file; rm file");
  ASSERT_TRUE(mailbox_.Reaches(3));
  EXPECT_THAT(Types(), ElementsAre(kCreate, kWrite, kUnlink));
  const auto messages = mailbox_.Messages();
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(messages[i]->global_seq_num, i);
    EXPECT_EQ(messages[i]->seq_num, 0U);
  }
}

TEST_F(EsNamesTest, MutesByEitherPathOfARename) {
  Write("one");
  Write("two");
  std::filesystem::create_directory(In("muted"));
  Watch(client_, {kRename});
  ASSERT_EQ(es_mute_path(client_.get(), In("muted").c_str(),
                         ES_MUTE_PATH_TYPE_TARGET_PREFIX),
            ES_RETURN_SUCCESS);
  // Only one of the two paths is muted: reported.
  Run("mv one muted/one");
  Run("mv muted/one muted/other");
  Run("mv two three");
  EXPECT_EQ(Path(Await(0).event.rename.source), In("one"));
  EXPECT_EQ(Path(Await(1).event.rename.source), In("two"));
}

TEST_F(EsNamesTest, InvertedMutingSelectsByPath) {
  std::filesystem::create_directory(In("wanted"));
  ASSERT_EQ(es_mute_path(client_.get(), In("wanted").c_str(),
                         ES_MUTE_PATH_TYPE_TARGET_PREFIX),
            ES_RETURN_SUCCESS);
  ASSERT_EQ(es_invert_muting(client_.get(), ES_MUTE_INVERSION_TYPE_TARGET_PATH),
            ES_RETURN_SUCCESS);
  Watch(client_, {kCreate});
  Run("echo 1 > file; echo 2 > wanted/file");
  EXPECT_EQ(Path(Await(0).event.create.destination.existing_file),
            In("wanted/file"));
}

TEST_F(EsNamesTest, KeepsEverythingWhileEveryMessageIsRetained) {
  constexpr size_t kFiles = 600;  // More than there are messages.
  Watch(client_, {kCreate});
  Run("seq 600 | xargs touch");
  EXPECT_TRUE(
      BecomesTrue([&] { return client_.Statistics().full_stops >= 1; }));
  std::vector<uint64_t> numbers;
  EXPECT_TRUE(BecomesTrue([&] {
    const auto messages = mailbox_.Take();
    for (const es_message_t* message : messages) {
      numbers.push_back(message->global_seq_num);
      es_release_message(message);
    }
    return numbers.size() >= kFiles;
  }));
  ASSERT_EQ(numbers.size(), kFiles);
  for (size_t i = 0; i < kFiles; ++i) EXPECT_EQ(numbers[i], i);
  EXPECT_EQ(client_.Statistics().names_lost, 0U);
}

TEST_F(EsNamesTest, AFloodOfNamesHoldsUpNobodyWhoOpens) {
  Mutex mutex;
  std::vector<uint64_t> numbers;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    if (message->action_type == ES_ACTION_TYPE_AUTH) Allow(self, message);
    const MutexLock lock(mutex);
    numbers.push_back(message->global_seq_num);
  });
  const std::string path = Write("file");
  Watch(client, {ES_EVENT_TYPE_AUTH_OPEN, kCreate, kUnlink});
  Opener flood({"/bin/sh", "-c",
                "cd \"$0\" && i=0; while [ $i -lt 2000 ]; do "
                "mkdir d; rmdir d; i=$((i+1)); done",
                root()});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  }
  client.Delete();
  EXPECT_EQ(client.Statistics().allowed_unanswered, 0U);
  // One at a time and in order, whatever they are.
  const MutexLock lock(mutex);
  for (size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], i);
}

TEST_F(EsNamesTest, AnOverflowIsCountedAndLeavesAGap) {
  // More than the kernel queues while the handler does not return.
  std::atomic<bool> goes_on{false};
  Mutex mutex;
  std::vector<uint64_t> numbers;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    (void)BecomesTrue([&] { return goes_on.load(); });
    const MutexLock lock(mutex);
    numbers.push_back(message->seq_num);
  });
  Watch(client, {kCreate});
  Run("seq 17000 | xargs touch");
  goes_on.store(true);
  EXPECT_TRUE(BecomesTrue([&] { return client.Statistics().names_lost >= 1; }));
  const size_t lost_after = [&] {
    const MutexLock lock(mutex);
    return numbers.size();
  }();
  Run(": > last");
  EXPECT_TRUE(BecomesTrue([&] {
    const MutexLock lock(mutex);
    return numbers.size() > lost_after;
  }));
  client.Delete();
  const MutexLock lock(mutex);
  EXPECT_EQ(numbers.back(), numbers.size());  // One number is missing.
}

TEST_F(EsNamesTest, WhatIsNoLongerSubscribedIsNotReported) {
  Watch(client_, {kCreate, kUnlink});
  Run("echo 1 > file");
  ASSERT_TRUE(mailbox_.Reaches(1));
  ASSERT_EQ(es_unsubscribe(client_.get(), &kCreate, 1), ES_RETURN_SUCCESS);
  Run("echo 2 > other; rm other");
  ASSERT_TRUE(mailbox_.Reaches(2));
  EXPECT_THAT(Types(), ElementsAre(kCreate, kUnlink));
}

TEST_F(EsNamesTest, ASuccessorReportsWhatWasReadAndNotDelivered) {
  esl_journal_t* journal = esl_journal_create(4);
  SourceBuffer& buffer = journal->source(SourceKind::kNames).buffer;
  const RecordBytes record =
      NameRecordBuilder(FAN_CREATE | FAN_DELETE, 4711)
          .Part(FAN_EVENT_INFO_TYPE_DFID_NAME, WithNul("file"))
          .Build();
  std::copy(record.begin(), record.end(), buffer.BeginRead().begin());
  // The predecessor had subscriptions, and died within its read.
  const std::vector<es_event_type_t> events = {kCreate, kUnlink};
  journal->subscriptions.store(SubscriptionBits(events));
  es_client_t* successor = nullptr;
  ASSERT_EQ(esl_new_client_adopting(
                &successor, journal, false, &mailbox_,
                [](void* mailbox, es_client_t*, const es_message_t* message) {
                  static_cast<Mailbox*>(mailbox)->Keep(message);
                }),
            ES_NEW_CLIENT_RESULT_SUCCESS);
  ASSERT_TRUE(mailbox_.Reaches(2));
  EXPECT_THAT(Types(), ElementsAre(kCreate, kUnlink));
  const es_event_create_t& create = Await(0).event.create;
  // Nobody has told it yet where that file system is.
  EXPECT_EQ(create.destination_type, ES_DESTINATION_TYPE_NEW_PATH);
  EXPECT_EQ(Text(create.destination.new_path.filename), "file");
  EXPECT_EQ(Path(create.destination.new_path.dir), "");
  esl_statistics_t statistics = {};
  esl_journal_statistics(journal, &statistics);
  EXPECT_EQ(statistics.adopted, 1U);
  EXPECT_GE(statistics.names_unresolved, 1U);
  mailbox_.ReleaseAll();
  EXPECT_EQ(es_delete_client(successor), ES_RETURN_SUCCESS);
}

TEST_F(EsNamesTest, IsRefusedWhereAFileSystemHasNoHandles) {
  std::filesystem::create_directory(In("proc"));
  ASSERT_EQ(::mount("none", In("proc").c_str(), "proc", 0, nullptr), 0);
  ASSERT_EQ(client_.Subscribe({kCreate}), ES_RETURN_SUCCESS);
  EXPECT_NE(esl_watch_file_system(client_.get(), In("proc").c_str()), 0);
  EXPECT_EQ(::umount2(In("proc").c_str(), MNT_DETACH), 0);
  EXPECT_THAT(Types(), IsEmpty());
}

TEST_F(EsNamesTest, AFileSystemThatIsWatchedCanBeUnmounted) {
  std::filesystem::create_directory(In("sub"));
  ASSERT_EQ(::mount("none", In("sub").c_str(), "tmpfs", 0, "size=1m"), 0);
  ASSERT_EQ(client_.Subscribe({kCreate}), ES_RETURN_SUCCESS);
  ASSERT_EQ(esl_watch_file_system(client_.get(), In("sub").c_str()), 0);
  Run("echo 1 > sub/file");
  ASSERT_TRUE(mailbox_.Reaches(1));
  EXPECT_EQ(::umount(In("sub").c_str()), 0);
}

}  // namespace
}  // namespace gatehouse
