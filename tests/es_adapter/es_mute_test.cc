// What a real client mutes, and what nobody can hide behind that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/es_adapter/es_client_fixture.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class EsMuteTest : public EsClientTest {
 protected:
  EsMuteTest()
      : client_([this](es_client_t* self, const es_message_t* message) {
          messages_.fetch_add(1);
          Allow(self, message);
        }) {}

  // Messages about one run of the command, which must succeed.
  int MessagesOf(std::vector<std::string> command) {
    const int before = messages_.load();
    EXPECT_EQ(Opener(std::move(command)).ExitCode(), 0);
    return messages_.load() - before;
  }
  int MessagesOfReading(const std::string& path) {
    return MessagesOf({"/bin/cat", path});
  }
  std::string MakeDirectory(std::string_view name) {
    const std::string path = root() + "/" + std::string(name);
    std::filesystem::create_directory(path);
    return path;
  }
  es_client_t* client() { return client_.get(); }

  std::atomic<int> messages_{0};
  TestClient client_;
};

TEST_F(EsMuteTest, MutesTheExecutableThatOpens) {
  const std::string path = Write("file");
  Watch(client_);
  const std::string cat = std::filesystem::canonical("/bin/cat");
  ASSERT_EQ(es_mute_path(client(), cat.c_str(), ES_MUTE_PATH_TYPE_LITERAL),
            ES_RETURN_SUCCESS);
  EXPECT_EQ(MessagesOfReading(path), 0);
  EXPECT_EQ(client_.SettledStatistics().allowed_muted, 1U);
  EXPECT_EQ(MessagesOf({"/usr/bin/head", path}), 1);
  ASSERT_EQ(es_unmute_all_paths(client()), ES_RETURN_SUCCESS);
  EXPECT_EQ(MessagesOfReading(path), 1);
}

TEST_F(EsMuteTest, MutesWhatIsOpened) {
  const std::string muted = MakeDirectory("muted");
  const std::string inside = Write("muted/file");
  const std::string outside = Write("file");
  Watch(client_);
  ASSERT_EQ(es_mute_path(client(), (muted + "/").c_str(),
                         ES_MUTE_PATH_TYPE_TARGET_PREFIX),
            ES_RETURN_SUCCESS);
  EXPECT_EQ(MessagesOfReading(inside), 0);
  EXPECT_EQ(MessagesOfReading(outside), 1);
  ASSERT_EQ(es_invert_muting(client(), ES_MUTE_INVERSION_TYPE_TARGET_PATH),
            ES_RETURN_SUCCESS);
  EXPECT_EQ(es_muting_inverted(client(), ES_MUTE_INVERSION_TYPE_TARGET_PATH),
            ES_MUTE_INVERTED);
  EXPECT_EQ(MessagesOfReading(inside), 1);
  EXPECT_EQ(MessagesOfReading(outside), 0);
}

TEST_F(EsMuteTest, MutesAProcess) {
  Mailbox mailbox;
  TestClient other([&](es_client_t* self, const es_message_t* message) {
    mailbox.Keep(message);
    // Muted from now on: its other opens are not seen.
    EXPECT_EQ(es_mute_process(self, &message->process->audit_token),
              ES_RETURN_SUCCESS);
    Allow(self, message);
  });
  const std::vector<std::string> paths = WriteMany(5);
  Watch(other);
  EXPECT_EQ(Opener::Reads(paths).ExitCode(), kOpened);
  EXPECT_EQ(mailbox.Messages().size(), 1U);
  EXPECT_EQ(Opener::Reads(paths).ExitCode(), kOpened);
  EXPECT_EQ(mailbox.Messages().size(), 2U) << "another process";
  mailbox.ReleaseAll();
}

// In a mount namespace of one's own, any file can be given any path.
TEST_F(EsMuteTest, AnotherNamespaceCannotMakeAPathMuted) {
  const std::string muted = MakeDirectory("muted");
  const std::string hidden = MakeDirectory("hidden");
  (void)Write("hidden/file");
  Watch(client_);
  ASSERT_EQ(
      es_mute_path(client(), muted.c_str(), ES_MUTE_PATH_TYPE_TARGET_PREFIX),
      ES_RETURN_SUCCESS);
  const std::string script =
      "mount --bind " + hidden + " " + muted + " && cat " + muted + "/file";
  EXPECT_EQ(MessagesOf({"/usr/bin/unshare", "-m", "/bin/sh", "-c", script}), 1);
}

TEST_F(EsMuteTest, AnotherNamespaceCannotMakeAProgramMuted) {
  const std::string trusted = root() + "/trusted";
  const std::string mine = root() + "/mine";
  std::filesystem::copy_file("/bin/true", trusted);
  std::filesystem::copy_file("/bin/cat", mine);
  const std::string path = Write("file");
  Watch(client_);
  ASSERT_EQ(es_mute_path(client(), trusted.c_str(), ES_MUTE_PATH_TYPE_LITERAL),
            ES_RETURN_SUCCESS);
  const std::string script =
      "mount --bind " + mine + " " + trusted + " && " + trusted + " " + path;
  // The program itself is opened by the shell, the file by the program.
  EXPECT_EQ(MessagesOf({"/usr/bin/unshare", "-m", "/bin/sh", "-c", script}), 2);
}

TEST_F(EsMuteTest, ListsWhatIsMuted) {
  const std::array events = {ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_EXEC};
  ASSERT_EQ(es_mute_path_events(client(), "/data", ES_MUTE_PATH_TYPE_PREFIX,
                                events.data(), events.size()),
            ES_RETURN_SUCCESS);
  audit_token_t process = {};
  process.val[5] = 12;
  ASSERT_EQ(es_mute_process_events(client(), &process, events.data(), 1),
            ES_RETURN_SUCCESS);

  es_muted_paths_t* paths = nullptr;
  ASSERT_EQ(es_muted_paths_events(client(), &paths), ES_RETURN_SUCCESS);
  ASSERT_EQ(paths->count, 1U);
  EXPECT_EQ(Text(paths->paths[0].path), "/data");
  EXPECT_EQ(paths->paths[0].type, ES_MUTE_PATH_TYPE_PREFIX);
  EXPECT_THAT(std::vector(paths->paths[0].events,
                          paths->paths[0].events + paths->paths[0].event_count),
              UnorderedElementsAre(events[0], events[1]));
  es_release_muted_paths(paths);

  es_muted_processes_t* processes = nullptr;
  ASSERT_EQ(es_muted_processes_events(client(), &processes), ES_RETURN_SUCCESS);
  ASSERT_EQ(processes->count, 1U);
  EXPECT_EQ(audit_token_to_pid(processes->processes[0].audit_token), 12);
  ASSERT_EQ(processes->processes[0].event_count, 1U);
  EXPECT_EQ(processes->processes[0].events[0], ES_EVENT_TYPE_AUTH_OPEN);
  es_release_muted_processes(processes);

  size_t count = 0;
  audit_token_t* tokens = nullptr;
  ASSERT_EQ(es_muted_processes(client(), &count, &tokens), ES_RETURN_SUCCESS);
  ASSERT_EQ(count, 1U);
  EXPECT_EQ(audit_token_to_pid(tokens[0]), 12);
  std::free(tokens);  // As the interface demands.
  ASSERT_EQ(es_unmute_process(client(), &process), ES_RETURN_SUCCESS);
  ASSERT_EQ(es_muted_processes(client(), &count, &tokens), ES_RETURN_SUCCESS);
  EXPECT_EQ(count, 0U);
  EXPECT_EQ(tokens, nullptr);
}

TEST_F(EsMuteTest, TargetsCanBeMutedOnlyWhereThereAreSome) {
  const std::array without = {ES_EVENT_TYPE_NOTIFY_FORK,
                              ES_EVENT_TYPE_NOTIFY_EXIT};
  const std::array one_with = {ES_EVENT_TYPE_NOTIFY_FORK,
                               ES_EVENT_TYPE_AUTH_OPEN};
  const auto mute = [&](const auto& events) {
    return es_mute_path_events(client(), "/data",
                               ES_MUTE_PATH_TYPE_TARGET_PREFIX, events.data(),
                               events.size());
  };
  EXPECT_EQ(mute(without), ES_RETURN_ERROR);
  EXPECT_EQ(mute(one_with), ES_RETURN_SUCCESS);
}

TEST_F(EsMuteTest, RefusesWhatMakesNoSense) {
  const std::array none = {ES_EVENT_TYPE_LAST};
  audit_token_t process = {};
  EXPECT_EQ(es_mute_path(client(), "", ES_MUTE_PATH_TYPE_PREFIX),
            ES_RETURN_ERROR);
  EXPECT_EQ(es_mute_path(nullptr, "/data", ES_MUTE_PATH_TYPE_PREFIX),
            ES_RETURN_ERROR);
  EXPECT_EQ(es_mute_path(client(), nullptr, ES_MUTE_PATH_TYPE_PREFIX),
            ES_RETURN_ERROR);
  EXPECT_EQ(es_mute_process_events(client(), &process, none.data(), 1),
            ES_RETURN_ERROR);
  EXPECT_EQ(es_mute_process(client(), nullptr), ES_RETURN_ERROR);
  EXPECT_EQ(es_invert_muting(client(), ES_MUTE_INVERSION_TYPE_LAST),
            ES_RETURN_ERROR);
  EXPECT_EQ(es_muting_inverted(client(), ES_MUTE_INVERSION_TYPE_LAST),
            ES_MUTE_INVERTED_ERROR);
  EXPECT_EQ(es_muting_inverted(client(), ES_MUTE_INVERSION_TYPE_PATH),
            ES_MUTE_NOT_INVERTED);
}

// A client that knows nothing of journals must not wait for its own log.
TEST_F(EsMuteTest, APlainClientMutesTheSystemsLogDaemons) {
  es_client_t* plain = nullptr;
  ASSERT_EQ(es_new_client_f(&plain, nullptr,
                            [](void*, es_client_t*, const es_message_t*) {}),
            ES_NEW_CLIENT_RESULT_SUCCESS);
  es_muted_paths_t* paths = nullptr;
  ASSERT_EQ(es_muted_paths_events(plain, &paths), ES_RETURN_SUCCESS);
  EXPECT_GT(paths->count, 0U);
  for (size_t i = 0; i < paths->count; ++i) {
    EXPECT_EQ(paths->paths[i].type, ES_MUTE_PATH_TYPE_LITERAL);
    EXPECT_THAT(
        std::vector(paths->paths[i].events,
                    paths->paths[i].events + paths->paths[i].event_count),
        ElementsAre(ES_EVENT_TYPE_AUTH_OPEN));
  }
  es_release_muted_paths(paths);
  EXPECT_EQ(es_delete_client(plain), ES_RETURN_SUCCESS);
}

}  // namespace
}  // namespace gatehouse
