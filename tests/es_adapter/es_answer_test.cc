// Answers of a real client that are kept, and those that come too late.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/es_adapter/es_client_fixture.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

// Answers every open with `flags` and asks to keep that.
class KeepingClient {
 public:
  explicit KeepingClient(uint32_t flags = UINT32_MAX)
      : client_([this, flags](es_client_t* self, const es_message_t* message) {
          messages_.fetch_add(1);
          EXPECT_EQ(es_respond_flags_result(self, message, flags, true),
                    ES_RESPOND_RESULT_SUCCESS);
        }) {}

  TestClient& operator*() { return client_; }
  int messages() const { return messages_.load(); }
  uint64_t from_cache() const {
    return client_.SettledStatistics().answered_from_cache;
  }

  // Reads until the answer was kept: not before the file is old enough.
  bool Keeps(const std::string& path) {
    const uint64_t before = from_cache();
    return BecomesTrue([&] {
      (void)Opener::Reads({path}).ExitCode();
      return from_cache() > before;
    });
  }

 private:
  std::atomic<int> messages_{0};
  TestClient client_;
};

TEST_F(EsClientTest, DoesNotAskAgainWhatWasKept) {
  KeepingClient client;
  const std::string path = Write("file");
  Watch(*client);
  ASSERT_TRUE(client.Keeps(path));
  const int asked = client.messages();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  }
  EXPECT_EQ(client.messages(), asked);
}

TEST_F(EsClientTest, AsksAgainForAnotherProgramOrFile) {
  KeepingClient client;
  const std::string path = Write("file");
  Watch(*client);
  ASSERT_TRUE(client.Keeps(path));
  const int asked = client.messages();
  EXPECT_EQ(Opener({"/usr/bin/head", path}).ExitCode(), kOpened);
  EXPECT_EQ(client.messages(), asked + 1);
  EXPECT_EQ(Opener::Reads({Write("other")}).ExitCode(), kOpened);
  EXPECT_EQ(client.messages(), asked + 2);
}

TEST_F(EsClientTest, AsksAgainAboutAModifiedFile) {
  KeepingClient client;
  const std::string path = Write("file");
  Watch(*client);
  ASSERT_TRUE(client.Keeps(path));
  const int asked = client.messages();
  (void)Write("file", "TEXT");  // As long as before.
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  EXPECT_EQ(client.messages(), asked + 1);
}

TEST_F(EsClientTest, KeepsNothingWhileSomebodyCanWriteTheFile) {
  KeepingClient client;
  const std::string path = Write("file");
  Watch(*client);
  ASSERT_TRUE(client.Keeps(path));
  const uint64_t kept = client.from_cache();
  const int asked = client.messages();
  {
    const UniqueFd writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(writer.valid());
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
    }
  }
  EXPECT_EQ(client.messages(), asked + 3);
  EXPECT_EQ(client.from_cache(), kept);
}

TEST_F(EsClientTest, AKeptDenialEndsByItself) {
  KeepingClient client(0);
  const std::string path = Write("file");
  Watch(*client);
  ASSERT_TRUE(client.Keeps(path));
  EXPECT_NE(Opener::Reads({path}).ExitCode(), kOpened);
  const int asked = client.messages();
  EXPECT_TRUE(BecomesTrue([&] {
    EXPECT_NE(Opener::Reads({path}).ExitCode(), kOpened);
    return client.messages() > asked;
  }));
}

TEST_F(EsClientTest, ForgetsEverythingButNotTooOften) {
  KeepingClient client;
  const std::string path = Write("file");
  Watch(*client);
  ASSERT_TRUE(client.Keeps(path));
  const int asked = client.messages();
  EXPECT_EQ(es_clear_cache((*client).get()), ES_CLEAR_CACHE_RESULT_SUCCESS);
  EXPECT_EQ(es_clear_cache((*client).get()),
            ES_CLEAR_CACHE_RESULT_ERR_THROTTLE);
  EXPECT_EQ(es_clear_cache(nullptr), ES_CLEAR_CACHE_RESULT_ERR_INTERNAL);
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  EXPECT_EQ(client.messages(), asked + 1);
}

// A cheap client does not know the program: nothing to keep an answer by.
TEST_F(EsClientTest, KeepsNothingWithoutTheProgram) {
  KeepingClient client;
  esl_set_detail((*client).get(), ESL_DETAIL_FILE);
  const std::string path = Write("file");
  Watch(*client);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Opener::Reads({path}).ExitCode(), kOpened);
  }
  EXPECT_EQ(client.messages(), 20);
}

TEST_F(EsClientTest, DeniesAtTheDeadlineIfItIsToFailClosed) {
  Mailbox mailbox;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    mailbox.Keep(message);
  });
  es_deadline_miss_mode_t mode = ES_DEADLINE_MISS_MODE_KILL;
  EXPECT_EQ(es_get_deadline_miss_mode(client.get(), &mode), ES_RETURN_SUCCESS);
  EXPECT_EQ(mode, ES_DEADLINE_MISS_MODE_FAIL_OPEN);
  EXPECT_EQ(es_set_deadline_miss_mode(client.get(),
                                      ES_DEADLINE_MISS_MODE_FAIL_CLOSED),
            ES_RETURN_SUCCESS);
  const std::array events = {ES_EVENT_TYPE_AUTH_OPEN};
  EXPECT_EQ(
      es_set_deadline_max_milliseconds(client.get(), events.data(), 1, 100),
      ES_RETURN_SUCCESS);
  const std::string path = Write("file");
  Watch(client);
  EXPECT_NE(Opener::Reads({path}).ExitCode(), kOpened);
  ASSERT_TRUE(mailbox.Reaches(1));
  EXPECT_EQ(es_respond_flags_result(client.get(), mailbox.Messages().front(),
                                    UINT32_MAX, false),
            ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
  EXPECT_TRUE(
      BecomesTrue([&] { return client.Statistics().denied_deadline == 1; }));
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, DeniesAtTheDeadlineTheMessagesThatFailClosed) {
  const std::string path = Write("a");
  Mailbox mailbox;
  std::atomic<bool> fails_closed{true};
  TestClient client([&](es_client_t*, const es_message_t* message) {
    if (fails_closed.exchange(false)) esl_message_fail_closed(message);
    mailbox.Keep(message);
  });
  ASSERT_EQ(esl_set_deadline_milliseconds(client.get(), 100), 0);
  Watch(client);
  EXPECT_NE(Opener::Reads({path}).ExitCode(), 0);
  // The next message may have the slot of the last one, not its mark.
  mailbox.ReleaseAll();
  EXPECT_EQ(Opener::Reads({path}).ExitCode(), 0);
  EXPECT_TRUE(BecomesTrue([&] {
    return client.Statistics().denied_deadline == 1 &&
           client.Statistics().allowed_deadline == 1;
  }));
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, AllowsAtTheDeadlineWhatNobodyWantsToHearOfAnyMore) {
  const std::string path = Write("a");
  Mailbox mailbox;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    esl_message_fail_closed(message);
    mailbox.Keep(message);
  });
  ASSERT_EQ(esl_set_deadline_milliseconds(client.get(), 1000), 0);
  Watch(client);
  Opener opener = Opener::Reads({path});
  ASSERT_TRUE(mailbox.Reaches(1));
  EXPECT_EQ(es_unsubscribe_all(client.get()), ES_RETURN_SUCCESS);
  EXPECT_EQ(opener.ExitCode(), 0);
  EXPECT_EQ(client.Statistics().denied_deadline, 0U);
  mailbox.ReleaseAll();
}

TEST_F(EsClientTest, DeadlinesCanOnlyBeShortened) {
  const TestClient client([](es_client_t*, const es_message_t*) {});
  uint32_t milliseconds = 0;
  EXPECT_EQ(es_get_deadline_max_milliseconds(
                client.get(), ES_EVENT_TYPE_AUTH_EXEC, &milliseconds),
            ES_RETURN_SUCCESS);
  EXPECT_EQ(milliseconds, 5000U);
  const std::array both = {ES_EVENT_TYPE_AUTH_EXEC, ES_EVENT_TYPE_AUTH_OPEN};
  const auto set = [&](uint32_t value) {
    return es_set_deadline_max_milliseconds(client.get(), both.data(), 2,
                                            value);
  };
  EXPECT_EQ(set(4000), ES_RETURN_ERROR) << "more than AUTH_OPEN has";
  EXPECT_EQ(set(0), ES_RETURN_ERROR);
  EXPECT_EQ(set(700), ES_RETURN_SUCCESS);
  for (const es_event_type_t type : both) {
    EXPECT_EQ(
        es_get_deadline_max_milliseconds(client.get(), type, &milliseconds),
        ES_RETURN_SUCCESS);
    EXPECT_EQ(milliseconds, 700U);
  }
  EXPECT_EQ(es_get_deadline_max_milliseconds(
                client.get(), ES_EVENT_TYPE_NOTIFY_CLOSE, &milliseconds),
            ES_RETURN_ERROR);
  EXPECT_EQ(es_set_deadline_min_milliseconds(client.get(), both.data(), 2, 100),
            ES_RETURN_ERROR);
}

TEST_F(EsClientTest, ListsWhatIsSubscribed) {
  TestClient client([](es_client_t*, const es_message_t*) {});
  const auto subscribed = [&] {
    size_t count = 99;
    es_event_type_t* list = nullptr;
    EXPECT_EQ(es_subscriptions(client.get(), &count, &list), ES_RETURN_SUCCESS);
    std::vector<es_event_type_t> copy(list, list + count);
    std::free(list);  // As the interface demands.
    return copy;
  };
  EXPECT_THAT(subscribed(), ElementsAre());
  ASSERT_EQ(
      client.Subscribe({ES_EVENT_TYPE_NOTIFY_CLOSE, ES_EVENT_TYPE_AUTH_EXEC}),
      ES_RETURN_SUCCESS);
  EXPECT_THAT(subscribed(), UnorderedElementsAre(ES_EVENT_TYPE_NOTIFY_CLOSE,
                                                 ES_EVENT_TYPE_AUTH_EXEC));
  EXPECT_EQ(es_unsubscribe_all(client.get()), ES_RETURN_SUCCESS);
  EXPECT_THAT(subscribed(), ElementsAre());
}

TEST_F(EsClientTest, TellsWhenWhatCameBeforeIsHandled) {
  std::atomic<int> messages{0};
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    messages.fetch_add(1);
    Allow(self, message);
  });
  const std::vector<std::string> paths = WriteMany(10);
  Watch(client);
  EXPECT_EQ(Opener::Reads(paths).ExitCode(), kOpened);
  struct Synced {
    std::atomic<int>& messages;
    std::atomic<int> seen{-1};
  } synced{messages};
  ASSERT_EQ(es_sync_client_f(client.get(), &synced,
                             [](void* context) {
                               auto& self = *static_cast<Synced*>(context);
                               self.seen.store(self.messages.load());
                             }),
            ES_RETURN_SUCCESS);
  EXPECT_TRUE(BecomesTrue([&] { return synced.seen.load() != -1; }));
  EXPECT_EQ(synced.seen.load(), 10);
}

TEST_F(EsClientTest, ACopyKeepsAMessageAsARetainDoes) {
  Mailbox mailbox;
  std::atomic<es_message_t*> copy{nullptr};
  TestClient client([&](es_client_t*, const es_message_t* message) {
    copy.store(es_copy_message(message));
  });
  const std::string path = Write("file");
  Watch(client);
  Opener opener = Opener::Reads({path});
  ASSERT_TRUE(BecomesTrue([&] { return copy.load() != nullptr; }));
  EXPECT_TRUE(opener.IsWaiting());
  EXPECT_EQ(Text(copy.load()->event.open.file->path), path);
  EXPECT_GE(es_message_size(copy.load()), sizeof(es_message_t));
  Allow(client.get(), copy.load());
  EXPECT_EQ(opener.ExitCode(), kOpened);
  es_free_message(copy.load());
  EXPECT_TRUE(BecomesTrue([&] { return client.Statistics().pending == 0; }));
}

}  // namespace
}  // namespace gatehouse
