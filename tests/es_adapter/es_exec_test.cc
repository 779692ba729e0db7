// Program starts: who is asked about, what is said, what follows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "tests/es_adapter/es_client_fixture.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;

constexpr int kNotExecutable = 126;  // Of a shell.

class EsExecTest : public EsClientTest {
 protected:
  void SetUp() override {
    EsClientTest::SetUp();
    program_ = root() + "/program";
    std::filesystem::copy_file("/bin/true", program_);
  }

  // Started by a shell, so that a refusal has an exit code.
  int Run(const std::string& path) {
    return Opener({"/bin/sh", "-c", "\"$0\"", path}).ExitCode();
  }

  std::string program_;
};

class TypesSeen {
 public:
  void Add(es_event_type_t type) {
    const MutexLock lock(mutex_);
    types_.push_back(type);
  }
  std::vector<es_event_type_t> types() {
    const MutexLock lock(mutex_);
    return types_;
  }

 private:
  Mutex mutex_;
  std::vector<es_event_type_t> types_ GATEHOUSE_GUARDED_BY(mutex_);
};

void Answer(es_client_t* client, const es_message_t* message, bool allow) {
  if (message->event_type == ES_EVENT_TYPE_AUTH_OPEN) {
    EXPECT_EQ(
        es_respond_flags_result(client, message, allow ? UINT32_MAX : 0, false),
        ES_RESPOND_RESULT_SUCCESS);
    return;
  }
  EXPECT_EQ(es_respond_auth_result(
                client, message,
                allow ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY, false),
            ES_RESPOND_RESULT_SUCCESS);
}

TEST_F(EsExecTest, SaysWhatIsStartedAndByWhom) {
  Mailbox mailbox;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    mailbox.Keep(message);
    Answer(self, message, true);
  });
  Watch(client, {ES_EVENT_TYPE_AUTH_EXEC});
  EXPECT_EQ(Run(program_), 0);
  ASSERT_TRUE(mailbox.Reaches(1));
  const es_message_t& message = *mailbox.Messages().front();
  EXPECT_EQ(message.event_type, ES_EVENT_TYPE_AUTH_EXEC);
  EXPECT_EQ(message.action_type, ES_ACTION_TYPE_AUTH);
  const es_event_exec_t& exec = message.event.exec;
  EXPECT_EQ(Text(exec.target->executable->path), program_);
  EXPECT_EQ(audit_token_to_pid(exec.target->audit_token),
            audit_token_to_pid(message.process->audit_token));
  EXPECT_THAT(std::string(Text(message.process->executable->path)),
              testing::EndsWith("sh"));
  EXPECT_EQ(Text(exec.cwd->path), std::filesystem::current_path().string());
  EXPECT_EQ(exec.script, nullptr);
  EXPECT_EQ(es_exec_arg_count(&exec), 0U);
  EXPECT_EQ(es_exec_fd(&exec, 0), nullptr);
  EXPECT_EQ(es_respond_flags_result(client.get(), &message, 0, false),
            ES_RESPOND_RESULT_ERR_EVENT_TYPE);
  mailbox.ReleaseAll();
}

TEST_F(EsExecTest, ADeniedProgramDoesNotRun) {
  TestClient client([](es_client_t* self, const es_message_t* message) {
    Answer(self, message, false);
  });
  Watch(client, {ES_EVENT_TYPE_AUTH_EXEC});
  EXPECT_EQ(Run(program_), kNotExecutable);
  EXPECT_EQ(client.SettledStatistics().denied, 1U);
}

TEST_F(EsExecTest, AScriptIsAskedAboutItself) {
  Mailbox mailbox;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    mailbox.Keep(message);
    Answer(self, message, true);
  });
  const std::string script = Write("script", "#!/bin/sh\nexit 7\n");
  ASSERT_EQ(::chmod(script.c_str(), 0755), 0);
  Watch(client, {ES_EVENT_TYPE_AUTH_EXEC});
  EXPECT_EQ(Run(script), 7);
  ASSERT_TRUE(mailbox.Reaches(1));
  EXPECT_EQ(
      Text(mailbox.Messages().front()->event.exec.target->executable->path),
      script);
  mailbox.ReleaseAll();
}

TEST_F(EsExecTest, TheOpenThatFollowsIsAskedAboutToo) {
  TypesSeen seen;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    seen.Add(message->event_type);
    Answer(self, message, true);
  });
  Watch(client, {ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_EXEC});
  EXPECT_EQ(Run(program_), 0);
  EXPECT_THAT(seen.types(),
              ElementsAre(ES_EVENT_TYPE_AUTH_EXEC, ES_EVENT_TYPE_AUTH_OPEN));
}

TEST_F(EsExecTest, AnExpectedOpenIsNotAskedAbout) {
  TypesSeen seen;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    seen.Add(message->event_type);
    esl_message_expect_open(message);
    Answer(self, message, true);
  });
  Watch(client, {ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_EXEC});
  EXPECT_EQ(Run(program_), 0);
  EXPECT_EQ(Run(program_), 0);
  EXPECT_THAT(seen.types(),
              ElementsAre(ES_EVENT_TYPE_AUTH_EXEC, ES_EVENT_TYPE_AUTH_EXEC));
  EXPECT_EQ(client.SettledStatistics().allowed_expected, 2U);
  // To read it is another matter.
  EXPECT_EQ(Opener::Reads({program_}).ExitCode(), kOpened);
  EXPECT_EQ(seen.types().back(), ES_EVENT_TYPE_AUTH_OPEN);
}

TEST_F(EsExecTest, WhatIsNoLongerSubscribedIsAllowedUnseen) {
  TypesSeen seen;
  TestClient client([&](es_client_t* self, const es_message_t* message) {
    seen.Add(message->event_type);
    Answer(self, message, false);
  });
  Watch(client, {ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_EXEC});
  const es_event_type_t open = ES_EVENT_TYPE_AUTH_OPEN;
  ASSERT_EQ(es_unsubscribe(client.get(), &open, 1), ES_RETURN_SUCCESS);
  EXPECT_EQ(Opener::Reads({program_}).ExitCode(), kOpened);
  EXPECT_EQ(Run(program_), kNotExecutable);
  EXPECT_THAT(seen.types(), ElementsAre(ES_EVENT_TYPE_AUTH_EXEC));
}

}  // namespace
}  // namespace gatehouse
