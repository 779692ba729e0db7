// A real client over real fanotify, on a file system that only this program
// has: what ESClient.h promises, in the order in which it says it.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/es_adapter/es_client_fixture.h"

namespace gatehouse {
namespace {

constexpr uint32_t kRead = 1;  // FREAD.
constexpr uint32_t kNobody = 65'534;
constexpr int kRefused = 1;     // cat's exit code when an open failed.
constexpr int kNotUpdated = 2;  // The shell's.

void DoNothing(void* /*context*/, es_client_t* /*client*/,
               const es_message_t* /*message*/) {}

std::vector<Opener> OneReaderEach(const std::vector<std::string>& paths) {
  std::vector<Opener> openers;
  openers.reserve(paths.size());
  for (const std::string& path : paths) {
    openers.push_back(Opener::Reads({path}));
  }
  return openers;
}

// --- Arguments and rights ----------------------------------------------------

TEST_F(EsClientTest, RefusesAClientWithoutHandleOrHandler) {
  es_client_t* client = nullptr;
  EXPECT_EQ(es_new_client_f(nullptr, nullptr, DoNothing),
            ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(es_new_client_f(&client, nullptr, nullptr),
            ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(client, nullptr);
}

TEST_F(EsClientTest, OpensAndDeletesAClient) {
  es_client_t* client = nullptr;
  ASSERT_EQ(es_new_client_f(&client, nullptr, DoNothing),
            ES_NEW_CLIENT_RESULT_SUCCESS);
  EXPECT_NE(client, nullptr);
  EXPECT_EQ(es_delete_client(client), ES_RETURN_SUCCESS);
  EXPECT_EQ(es_delete_client(nullptr), ES_RETURN_ERROR);
}

TEST_F(EsClientTest, RefusesAnOrdinaryUser) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(100);
    es_client_t* client = nullptr;
    const auto result = es_new_client_f(&client, nullptr, DoNothing);
    ::_exit(client == nullptr ? static_cast<int>(result) : 101);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED);
}

TEST_F(EsClientTest, ChecksTheArgumentsOfEveryFunction) {
  TestClient client([](es_client_t*, const es_message_t*) {});
  constexpr es_event_type_t kOpen = ES_EVENT_TYPE_AUTH_OPEN;
  EXPECT_EQ(es_subscribe(nullptr, &kOpen, 1), ES_RETURN_ERROR);
  EXPECT_EQ(es_subscribe(client.get(), nullptr, 1), ES_RETURN_ERROR);
  EXPECT_EQ(es_subscribe(client.get(), &kOpen, 0), ES_RETURN_ERROR);
  EXPECT_EQ(es_unsubscribe(nullptr, &kOpen, 1), ES_RETURN_ERROR);
  EXPECT_EQ(es_unsubscribe(client.get(), nullptr, 1), ES_RETURN_ERROR);
  EXPECT_EQ(es_unsubscribe_all(nullptr), ES_RETURN_ERROR);
  EXPECT_EQ(es_respond_flags_result(client.get(), nullptr, 0, false),
            ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(es_respond_auth_result(client.get(), nullptr, ES_AUTH_RESULT_ALLOW,
                                   false),
            ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(esl_watch_file_system(nullptr, root().c_str()), EINVAL);
  EXPECT_EQ(esl_watch_file_system(client.get(), nullptr), EINVAL);
  EXPECT_EQ(esl_watch_file_system(client.get(), "/no/such/place"), ENOENT);
  EXPECT_EQ(esl_watch_file_system(client.get(), Write("file").c_str()),
            ENOTDIR);
  EXPECT_EQ(esl_set_deadline_milliseconds(nullptr, 1), EINVAL);
  EXPECT_EQ(esl_set_deadline_milliseconds(client.get(), 0), EINVAL);
  EXPECT_EQ(esl_set_deadline_milliseconds(client.get(), 10'001), EINVAL);
  EXPECT_EQ(esl_set_deadline_milliseconds(client.get(), 10'000), 0);
}

// --- Subscriptions
// ------------------------------------------------------------

TEST_F(EsClientTest, SubscribesToAllOrNothing) {
  std::atomic<int> messages{0};
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    messages.fetch_add(1);
    Allow(self, message);
  });
  ASSERT_EQ(esl_watch_file_system(client.get(), root().c_str()), 0);
  EXPECT_EQ(
      client.Subscribe({ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_RENAME}),
      ES_RETURN_ERROR);
  EXPECT_EQ(Opener::Reads({Write("file")}).ExitCode(), kOpened);
  EXPECT_EQ(messages.load(), 0);
  EXPECT_EQ(client.Subscribe({ES_EVENT_TYPE_AUTH_OPEN}), ES_RETURN_SUCCESS);
  EXPECT_EQ(Opener::Reads({Write("file")}).ExitCode(), kOpened);
  EXPECT_EQ(messages.load(), 1);
}

bool IsOfProcesses(es_event_type_t type) {
  return type == ES_EVENT_TYPE_NOTIFY_FORK ||
         type == ES_EVENT_TYPE_NOTIFY_EXEC || type == ES_EVENT_TYPE_NOTIFY_EXIT;
}

TEST_F(EsClientTest, RefusesEveryEventThatLinuxCannotDeliver) {
  const std::map<es_event_type_t, esl_support_t> supported = {
      {ES_EVENT_TYPE_AUTH_OPEN, ESL_SUPPORT_AUTH},
      {ES_EVENT_TYPE_AUTH_EXEC, ESL_SUPPORT_AUTH},
      {ES_EVENT_TYPE_NOTIFY_CLOSE, ESL_SUPPORT_NOTIFY},
      {ES_EVENT_TYPE_NOTIFY_CREATE, ESL_SUPPORT_NOTIFY},
      {ES_EVENT_TYPE_NOTIFY_UNLINK, ESL_SUPPORT_NOTIFY},
      {ES_EVENT_TYPE_NOTIFY_RENAME, ESL_SUPPORT_NOTIFY},
      {ES_EVENT_TYPE_NOTIFY_LINK, ESL_SUPPORT_APPROXIMATE},
      {ES_EVENT_TYPE_NOTIFY_OPEN, ESL_SUPPORT_NOTIFY},
      {ES_EVENT_TYPE_NOTIFY_WRITE, ESL_SUPPORT_APPROXIMATE},
      {ES_EVENT_TYPE_NOTIFY_FORK, ESL_SUPPORT_NOTIFY},
      {ES_EVENT_TYPE_NOTIFY_EXEC, ESL_SUPPORT_NOTIFY},
      {ES_EVENT_TYPE_NOTIFY_EXIT, ESL_SUPPORT_NOTIFY},
      {ES_EVENT_TYPE_NOTIFY_MOUNT, ESL_SUPPORT_NOTIFY},
      {ES_EVENT_TYPE_NOTIFY_UNMOUNT, ESL_SUPPORT_NOTIFY},
  };
  TestClient client([](es_client_t*, const es_message_t*) {});
  for (int i = 0; i < ES_EVENT_TYPE_LAST; ++i) {
    const auto type = static_cast<es_event_type_t>(i);
    const auto found = supported.find(type);
    const esl_support_t support =
        found == supported.end() ? ESL_SUPPORT_NONE : found->second;
    EXPECT_EQ(esl_event_support(type), support) << i;
    if (IsOfProcesses(type)) continue;
    EXPECT_EQ(client.Subscribe({type}),
              support == ESL_SUPPORT_NONE ? ES_RETURN_ERROR : ES_RETURN_SUCCESS)
        << i;
  }
}

// The kernel tells them to the initial pid namespace, and this is another one.
TEST_F(EsClientTest, RefusesEventsOfProcessesWhereTheKernelTellsNone) {
  std::atomic<int> messages{0};
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    messages.fetch_add(1);
    Allow(self, message);
  });
  ASSERT_EQ(esl_watch_file_system(client.get(), root().c_str()), 0);
  EXPECT_EQ(
      client.Subscribe({ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_NOTIFY_EXEC}),
      ES_RETURN_ERROR);
  EXPECT_EQ(Opener::Reads({Write("file")}).ExitCode(), kOpened);
  EXPECT_EQ(messages.load(), 0);
}

TEST_F(EsClientTest, WatchesWhatItIsSubscribedToLater) {
  std::atomic<int> messages{0};
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    messages.fetch_add(1);
    Allow(self, message);
  });
  ASSERT_EQ(client.Subscribe({ES_EVENT_TYPE_AUTH_OPEN}), ES_RETURN_SUCCESS);
  EXPECT_EQ(Opener::Reads({Write("file")}).ExitCode(), kOpened);
  EXPECT_EQ(messages.load(), 0);
  ASSERT_EQ(esl_watch_file_system(client.get(), root().c_str()), 0);
  EXPECT_EQ(Opener::Reads({Write("file")}).ExitCode(), kOpened);
  EXPECT_EQ(messages.load(), 1);
}

TEST_F(EsClientTest, DeliversNothingAfterUnsubscribing) {
  std::atomic<int> messages{0};
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    messages.fetch_add(1);
    Allow(self, message);
  });
  const std::string path = Write("file");
  constexpr es_event_type_t kOpen = ES_EVENT_TYPE_AUTH_OPEN;
  Watch(client);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  EXPECT_EQ(messages.load(), 1);
  EXPECT_EQ(es_unsubscribe(client.get(), &kOpen, 1), ES_RETURN_SUCCESS);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  EXPECT_EQ(messages.load(), 1);
  // It comes back when it is asked for, and goes with all others.
  EXPECT_EQ(client.Subscribe({kOpen}), ES_RETURN_SUCCESS);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  EXPECT_EQ(messages.load(), 2);
  EXPECT_EQ(es_unsubscribe_all(client.get()), ES_RETURN_SUCCESS);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  EXPECT_EQ(messages.load(), 2);
}

// --- Answers
// ------------------------------------------------------------------

TEST_F(EsClientTest, AllowsAndDenies) {
  TestClient client([](es_client_t* self, const es_message_t* message) {
    const bool evil = Text(message->event.open.file->path).ends_with("/evil");
    EXPECT_EQ(
        es_respond_flags_result(self, message, evil ? 0 : UINT32_MAX, false),
        ES_RESPOND_RESULT_SUCCESS);
  });
  const std::string clean = Write("clean");
  const std::string evil = Write("evil");
  Watch(client);
  EXPECT_EQ(Opener::Reads({clean}).ExitCode(), kOpened);
  EXPECT_EQ(Opener::Reads({evil}).ExitCode(), kRefused);
  client.Delete();  // An answer goes out before it is counted.
  const esl_statistics_t statistics = client.Statistics();
  EXPECT_EQ(statistics.allowed, 1U);
  EXPECT_EQ(statistics.denied, 1U);
  EXPECT_EQ(statistics.auth_events, 2U);
}

TEST_F(EsClientTest, AnOpenPassesOnlyIfItAsksForNoMoreThanIsAuthorised) {
  TestClient client([](es_client_t* self, const es_message_t* message) {
    EXPECT_EQ(es_respond_flags_result(self, message, kRead, false),
              ES_RESPOND_RESULT_SUCCESS);
  });
  const std::string path = Write("file");
  Watch(client);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  EXPECT_EQ(Opener::Updates(path).ExitCode(), kNotUpdated);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
}

TEST_F(EsClientTest, SaysWhyAnAnswerIsNone) {
  TestClient other([](es_client_t*, const es_message_t*) {});
  std::vector<es_respond_result_t> results;  // Only the handler touches it.
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    results = {
        es_respond_auth_result(self, message, ES_AUTH_RESULT_DENY, false),
        es_respond_flags_result(other.get(), message, 0, false),
        es_respond_flags_result(self, message, UINT32_MAX, false),
        es_respond_flags_result(self, message, 0, false),
        es_respond_auth_result(self, message, ES_AUTH_RESULT_DENY, false),
        es_respond_flags_result(nullptr, message, 0, false),
    };
  });
  const std::string path = Write("file");
  Watch(client);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  client.Delete();
  EXPECT_EQ(results, (std::vector<es_respond_result_t>{
                         ES_RESPOND_RESULT_ERR_EVENT_TYPE,
                         ES_RESPOND_RESULT_NOT_FOUND,
                         ES_RESPOND_RESULT_SUCCESS,
                         ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE,
                         ES_RESPOND_RESULT_ERR_EVENT_TYPE,
                         ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT,
                     }));
}

TEST_F(EsClientTest, TakesNoAnswerToANotification) {
  std::vector<es_respond_result_t> results;  // Only the handler touches it.
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    results = {
        es_respond_flags_result(self, message, UINT32_MAX, false),
        es_respond_auth_result(self, message, ES_AUTH_RESULT_ALLOW, false),
    };
  });
  Watch(client, {ES_EVENT_TYPE_NOTIFY_CLOSE});
  EXPECT_EQ(Opener::Writes(root() + "/file").ExitCode(), 0);
  EXPECT_TRUE(
      BecomesTrue([&] { return client.Statistics().notify_events >= 1; }));
  client.Delete();
  EXPECT_EQ(results, (std::vector<es_respond_result_t>{
                         ES_RESPOND_RESULT_ERR_EVENT_TYPE,
                         ES_RESPOND_RESULT_ERR_EVENT_TYPE,
                     }));
}

TEST_F(EsClientTest, TakesAnswersFromAnyThreadInAnyOrder) {
  Mailbox mailbox;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    mailbox.Keep(message);
  });
  const std::vector<std::string> paths = {Write("0"), Write("1"), Write("2"),
                                          Write("3")};
  Watch(client);
  std::vector<Opener> openers = OneReaderEach(paths);
  ASSERT_TRUE(mailbox.Reaches(4));
  for (const Opener& opener : openers) EXPECT_TRUE(opener.IsWaiting());
  std::thread([&] {
    auto messages = mailbox.Messages();
    std::reverse(messages.begin(), messages.end());
    for (const es_message_t* message : messages) {
      const bool odd = (Text(message->event.open.file->path).back() - '0') % 2;
      EXPECT_EQ(es_respond_flags_result(client.get(), message,
                                        odd ? 0 : UINT32_MAX, false),
                ES_RESPOND_RESULT_SUCCESS);
    }
  }).join();
  EXPECT_EQ(openers.at(0).ExitCode(), kOpened);
  EXPECT_EQ(openers.at(1).ExitCode(), kRefused);
  EXPECT_EQ(openers.at(2).ExitCode(), kOpened);
  EXPECT_EQ(openers.at(3).ExitCode(), kRefused);
  mailbox.ReleaseAll();
  EXPECT_TRUE(BecomesTrue([&] { return client.Statistics().pending == 0; }));
}

TEST_F(EsClientTest, AllowsWhoeverIsForgottenAndCountsIt) {
  TestClient client([](es_client_t*, const es_message_t*) {});
  const std::string path = Write("file");
  Watch(client);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  client.Delete();
  EXPECT_EQ(client.Statistics().allowed_unanswered, 1U);
  EXPECT_EQ(client.Statistics().pending, 0U);
}

TEST_F(EsClientTest, AllowsAtTheDeadlineAndTakesNoAnswerAfterIt) {
  Mailbox mailbox;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    mailbox.Keep(message);
  });
  const std::string path = Write("file");
  Watch(client);
  ASSERT_EQ(esl_set_deadline_milliseconds(client.get(), 100), 0);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  ASSERT_TRUE(mailbox.Reaches(1));
  const es_message_t* const message = mailbox.Messages().front();
  EXPECT_EQ(es_respond_flags_result(client.get(), message, 0, false),
            ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
  EXPECT_TRUE(
      BecomesTrue([&] { return client.Statistics().allowed_deadline == 1; }));
  EXPECT_EQ(client.Statistics().denied, 0U);
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, LetsEverybodyGoWhenItIsDeleted) {
  Mailbox mailbox;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    mailbox.Keep(message);
  });
  const std::vector<std::string> paths = {Write("0"), Write("1"), Write("2")};
  Watch(client);
  std::vector<Opener> openers = OneReaderEach(paths);
  ASSERT_TRUE(mailbox.Reaches(3));
  client.Delete();
  for (Opener& opener : openers) EXPECT_EQ(opener.ExitCode(), kOpened);
  EXPECT_EQ(client.Statistics().allowed_unanswered, 3U);
  // What is retained stays readable until it is released.
  for (const es_message_t* message : mailbox.Messages()) {
    EXPECT_TRUE(Text(message->event.open.file->path).starts_with(root()));
    EXPECT_GE(::fcntl(esl_message_fd(message), F_GETFD), 0);
  }
  mailbox.ReleaseAll();
  EXPECT_EQ(client.Statistics().pending, 0U);
  EXPECT_EQ(Opener::Reads({paths.front()}).ExitCode(), kOpened);
}

TEST_F(EsClientTest, NeverAsksAboutItsOwnOpens) {
  std::atomic<int> messages{0};
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    messages.fetch_add(1);
    Allow(self, message);
  });
  const std::string path = Write("file");
  Watch(client);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)).valid());
  }
  EXPECT_TRUE(BecomesTrue(
      [&] { return client.Statistics().allowed_own_process == 3; }));
  EXPECT_EQ(messages.load(), 0);
}

TEST_F(EsClientTest, AFullJournalLeavesTheOthersToTheKernel) {
  Mailbox mailbox;
  TestClient client(
      [&](es_client_t*, const es_message_t* message) { mailbox.Keep(message); },
      2);
  const std::vector<std::string> paths = {Write("0"), Write("1"), Write("2"),
                                          Write("3")};
  Watch(client);
  std::vector<Opener> openers = OneReaderEach(paths);
  ASSERT_TRUE(BecomesTrue([&] { return client.Statistics().full_stops >= 1; }));
  EXPECT_EQ(mailbox.Messages().size(), 2U);
  for (const Opener& opener : openers) EXPECT_TRUE(opener.IsWaiting());
  for (const es_message_t* message : mailbox.Messages()) {
    Allow(client.get(), message);
  }
  mailbox.ReleaseAll();
  ASSERT_TRUE(mailbox.Reaches(2));
  for (const es_message_t* message : mailbox.Messages()) {
    Allow(client.get(), message);
  }
  mailbox.ReleaseAll();
  for (Opener& opener : openers) EXPECT_EQ(opener.ExitCode(), kOpened);
  EXPECT_EQ(client.Statistics().allowed, 4U);
}

}  // namespace
}  // namespace gatehouse
