// What a real client hears of mounts, from either source: a fanotify group that
// reports them, and /proc/self/mountinfo.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/journal.h"
#include "es_adapter/linux/message.h"
#include "es_adapter/linux/mount_events.h"
#include "tests/es_adapter/es_client_fixture.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;

constexpr es_event_type_t kMount = ES_EVENT_TYPE_NOTIFY_MOUNT;
constexpr es_event_type_t kUnmount = ES_EVENT_TYPE_NOTIFY_UNMOUNT;

OpenedGroup NoGroup() {
  OpenedGroup none;
  none.error_number = EINVAL;  // As kernels before 6.15.
  return none;
}

std::string TextOf(const es_message_t& es) {
  const esl_mount_t* mount = esl_message_mount(&es);
  return (es.event_type == kMount ? "+" : "-") +
         std::string(Text(mount->mount_point));
}

class EsMountsTest : public EsClientTest {
 protected:
  std::string In(std::string_view name) const {
    return root() + "/" + std::string(name);
  }
  void SetUp() override {
    EsClientTest::SetUp();
    // What is mounted here is mounted once.
    ASSERT_EQ(::mount(nullptr, root().c_str(), nullptr, MS_PRIVATE, nullptr),
              0);
    for (const char* name : {"a", "b"}) {
      std::filesystem::create_directory(In(name));
    }
  }
  void MountTmpfs(const std::string& path, const char* source = "none") {
    ASSERT_EQ(::mount(source, path.c_str(), "tmpfs", 0, "size=1m"), 0);
  }
};

// --- Either source ----------------------------------------------------------

class MountSourceTest
    : public EsMountsTest,
      public testing::WithParamInterface<MountEvents::OpenGroupFunction> {
 protected:
  MountSourceTest() : journal_(esl_journal_create(1)) {
    message_.parts = std::make_unique<MessageParts>();
  }
  bool HasGroup() const { return GetParam() == OpenMountGroup; }
  std::unique_ptr<MountEvents> Source() {
    return std::make_unique<MountEvents>(*journal_, GetParam());
  }
  // True: there is one, at or below what the test mounted. Not yet Done.
  bool Next(MountEvents& source) {
    while (source.Next(message_, SubscriptionsOf(EventOrigin::kMounts),
                       ESL_DETAIL_FILE)) {
      const std::string text = TextOf(message_.es);
      if (text.empty() || text.find(root()) == 1) return true;
      source.Done();
    }
    return false;
  }
  // All that there is now, without the path of the test.
  std::vector<std::string> Told(MountEvents& source) {
    std::vector<std::string> told;
    while (Next(source)) {
      std::string text = TextOf(message_.es);
      told.push_back(text.erase(1, root().size()));
      source.Done();
    }
    return told;
  }
  static bool IsAwoken(const MountEvents& source) {
    pollfd wait = source.Awaited();
    return ::poll(&wait, 1, 0) == 1;
  }
  esl_statistics_t Statistics() const {
    esl_statistics_t statistics = {};
    esl_journal_statistics(journal_, &statistics);
    return statistics;
  }

  esl_journal_t* const journal_;  // Never freed: see es_linux.h.
  Message message_;
};

INSTANTIATE_TEST_SUITE_P(BothWays, MountSourceTest,
                         testing::Values(&OpenMountGroup, &NoGroup),
                         [](const auto& source) {
                           return source.param == &OpenMountGroup ? "group"
                                                                  : "mountinfo";
                         });

TEST_P(MountSourceTest, TellsWhatIsMountedAndUnmounted) {
  const auto source = Source();
  ASSERT_EQ(source->Open(0), 0);
  EXPECT_THAT(Told(*source), ElementsAre());
  MountTmpfs(In("a"));
  EXPECT_TRUE(IsAwoken(*source));
  EXPECT_THAT(Told(*source), ElementsAre("+/a"));
  EXPECT_FALSE(source->HasMore());
  ASSERT_EQ(::umount(In("a").c_str()), 0);
  EXPECT_TRUE(IsAwoken(*source));
  EXPECT_THAT(Told(*source), ElementsAre("-/a"));
  EXPECT_EQ(Statistics().mounts_unresolved, 0U);
  EXPECT_EQ(Statistics().mounts_lost, 0U);
}

TEST_P(MountSourceTest, SaysWhatWasMounted) {
  const auto source = Source();
  ASSERT_EQ(source->Open(0), 0);
  MountTmpfs(In("a"), "my source");
  struct stat status = {};
  ASSERT_EQ(::stat(In("a").c_str(), &status), 0);
  struct statfs asked = {};
  ASSERT_EQ(::statfs(In("a").c_str(), &asked), 0);
  ASSERT_TRUE(Next(*source));
  EXPECT_EQ(message_.es.action_type, ES_ACTION_TYPE_NOTIFY);
  const esl_mount_t* mount = esl_message_mount(&message_.es);
  EXPECT_EQ(Text(mount->mount_point), In("a"));
  EXPECT_EQ(Text(mount->source), "my source");
  EXPECT_EQ(Text(mount->file_system_type), "tmpfs");
  EXPECT_EQ(mount->device, status.st_dev);
  const struct statfs* told = message_.es.event.mount.statfs;
  EXPECT_EQ(told->f_type, asked.f_type);
  EXPECT_EQ(told->f_blocks, asked.f_blocks);
  source->Done();
  ASSERT_EQ(::umount(In("a").c_str()), 0);
  // What it was is known still; how full it was is not.
  ASSERT_TRUE(Next(*source));
  ASSERT_EQ(message_.es.event_type, kUnmount);
  EXPECT_EQ(Text(esl_message_mount(&message_.es)->source), "my source");
  EXPECT_EQ(esl_message_mount(&message_.es)->device, status.st_dev);
  ASSERT_NE(message_.es.event.unmount.statfs, nullptr);
  EXPECT_EQ(message_.es.event.unmount.statfs->f_blocks, 0U);
}

TEST_P(MountSourceTest, ABindMountIsOne) {
  const auto source = Source();
  ASSERT_EQ(source->Open(0), 0);
  ASSERT_EQ(
      ::mount(In("a").c_str(), In("b").c_str(), nullptr, MS_BIND, nullptr), 0);
  struct stat status = {};
  ASSERT_EQ(::stat(root().c_str(), &status), 0);
  ASSERT_TRUE(Next(*source));
  EXPECT_EQ(TextOf(message_.es), "+" + In("b"));
  EXPECT_EQ(esl_message_mount(&message_.es)->device, status.st_dev);
}

TEST_P(MountSourceTest, AMoveIsAnUnmountAndAMount) {
  MountTmpfs(In("a"));
  const auto source = Source();
  ASSERT_EQ(source->Open(0), 0);
  ASSERT_EQ(
      ::mount(In("a").c_str(), In("b").c_str(), nullptr, MS_MOVE, nullptr), 0);
  EXPECT_THAT(Told(*source), ElementsAre("-/a", "+/b"));
}

TEST_P(MountSourceTest, TellsOfABurstInOrder) {
  constexpr int kCount = 300;  // More than one buffer of records.
  const auto source = Source();
  ASSERT_EQ(source->Open(0), 0);
  std::vector<std::string> mounted;
  std::vector<std::string> unmounted;
  for (int i = 0; i < kCount; ++i) {
    const std::string name = "m" + std::to_string(i);
    std::filesystem::create_directory(In(name));
    MountTmpfs(In(name));
    mounted.push_back("+/" + name);
  }
  EXPECT_EQ(Told(*source), mounted);
  for (int i = kCount; i > 0; --i) {
    const std::string name = "m" + std::to_string(i - 1);
    ASSERT_EQ(::umount(In(name).c_str()), 0);
    unmounted.push_back("-/" + name);
  }
  EXPECT_EQ(Told(*source), unmounted);
  EXPECT_EQ(Statistics().mounts_lost, 0U);
  EXPECT_EQ(Statistics().mounts_unresolved, 0U);
}

TEST_P(MountSourceTest, TellsOnlyWhatSomebodyWants) {
  const auto source = Source();
  ASSERT_EQ(source->Open(0), 0);
  MountTmpfs(In("a"));
  ASSERT_EQ(::umount(In("a").c_str()), 0);
  MountTmpfs(In("b"));
  const uint64_t wanted = FindKnownEvent(kMount)->subscription;
  ASSERT_EQ(::umount(In("b").c_str()), 0);
  while (source->Next(message_, wanted, ESL_DETAIL_FILE)) {
    EXPECT_EQ(message_.es.event_type, kMount);
    source->Done();
  }
  EXPECT_FALSE(source->HasMore());
}

TEST_P(MountSourceTest, ComesBackAfterAStop) {
  const auto source = Source();
  ASSERT_EQ(source->Open(0), 0);
  source->Stop();
  MountTmpfs(In("a"));
  (void)Told(*source);  // What a source tells meanwhile nobody asks for.
  ASSERT_EQ(source->Open(0), 0);
  ASSERT_EQ(::umount(In("a").c_str()), 0);
  EXPECT_THAT(Told(*source), ElementsAre("-/a"));
  EXPECT_EQ(Statistics().mounts_unresolved, 0U);
}

TEST_P(MountSourceTest, ASuccessorGoesOn) {
  MountTmpfs(In("b"));
  ASSERT_EQ(Source()->Open(0), 0);
  const auto successor = Source();
  EXPECT_TRUE(successor->HasMore());  // It has to look before it waits.
  EXPECT_THAT(Told(*successor), ElementsAre());
  EXPECT_FALSE(successor->HasMore());
  MountTmpfs(In("a"));
  EXPECT_TRUE(IsAwoken(*successor));
  ASSERT_EQ(::umount(In("b").c_str()), 0);
  EXPECT_THAT(Told(*successor), testing::UnorderedElementsAre("+/a", "-/b"));
  EXPECT_EQ(Statistics().mounts_lost, 0U);
}

TEST_P(MountSourceTest, WhatHappensBetweenTwoWorkersIsToldOrCounted) {
  ASSERT_EQ(Source()->Open(0), 0);
  MountTmpfs(In("a"));
  const auto successor = Source();
  const std::vector<std::string> told = Told(*successor);
  EXPECT_EQ(told.size() + Statistics().mounts_lost, 1U);
  EXPECT_EQ(told.size(), HasGroup() ? 1U : 0U);
  EXPECT_EQ(successor->TakeLosses(), Statistics().mounts_lost);
}

TEST_P(MountSourceTest, WhatAWorkerDiedOverIsToldAgainOrCounted) {
  MountTmpfs(In("a"));
  const auto source = Source();
  ASSERT_EQ(source->Open(0), 0);
  ASSERT_EQ(
      ::mount(In("a").c_str(), In("b").c_str(), nullptr, MS_MOVE, nullptr), 0);
  ASSERT_TRUE(Next(*source));  // The unmount ...
  source->Done();
  ASSERT_TRUE(Next(*source));  // ... and the mount, which is not done with.
  // As Client::Adopt does.
  (void)journal_->source(SourceKind::kMounts).buffer.Recover();
  const auto successor = Source();
  const std::vector<std::string> told = Told(*successor);
  EXPECT_EQ(told.size() + Statistics().mounts_lost, 1U);
  if (HasGroup()) {
    EXPECT_THAT(told, ElementsAre("+/b"));
  }
  EXPECT_FALSE(successor->HasMore());
}

// A mount whose server says nothing at all: whoever asks it anything waits.
TEST_P(MountSourceTest, AsksNoServerThatMayHang) {
  const std::string device = In("fuse");
  ASSERT_EQ(::mknod(device.c_str(), S_IFCHR | 0600, makedev(10, 229)), 0);
  const UniqueFd server(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(server.valid()) << "needs the FUSE module";
  const auto source = Source();
  ASSERT_EQ(source->Open(0), 0);
  std::string options = "rootmode=40000,user_id=0,group_id=0,fd=";
  options += std::to_string(server.UnsafeFd());
  ASSERT_EQ(::mount("server", In("a").c_str(), "fuse", 0, options.c_str()), 0);
  ASSERT_TRUE(Next(*source));
  EXPECT_EQ(TextOf(message_.es), "+" + In("a"));
  EXPECT_EQ(Text(esl_message_mount(&message_.es)->file_system_type), "fuse");
  EXPECT_EQ(message_.es.event.mount.statfs->f_blocks, 0U);
  source->Done();
  ASSERT_EQ(::umount2(In("a").c_str(), MNT_DETACH), 0);
  EXPECT_THAT(Told(*source), ElementsAre("-/a"));
}

// --- The group --------------------------------------------------------------

TEST_F(EsMountsTest, WhatTheKernelLostIsCounted) {
  constexpr int kTreeMounts = 100;
  constexpr int kTrees = 180;  // More than the kernel keeps: 16,384.
  esl_journal_t* journal = esl_journal_create(1);
  MountEvents source(*journal);
  ASSERT_EQ(source.Open(0), 0);
  MountTmpfs(In("a"));
  for (int i = 0; i < kTreeMounts; ++i) {
    const std::string path = In("a/" + std::to_string(i));
    std::filesystem::create_directory(path);
    MountTmpfs(path);
  }
  for (int i = 0; i < kTrees; ++i) {
    ASSERT_EQ(::mount(In("a").c_str(), In("b").c_str(), nullptr,
                      MS_BIND | MS_REC, nullptr),
              0);
  }
  Message message;
  message.parts = std::make_unique<MessageParts>();
  uint64_t told = 0;
  while (source.Next(message, SubscriptionsOf(EventOrigin::kMounts),
                     ESL_DETAIL_FILE)) {
    ++told;
    source.Done();
  }
  EXPECT_GT(told, 10'000U);
  EXPECT_EQ(source.TakeLosses(), 1U);
  EXPECT_EQ(source.TakeLosses(), 0U);
  esl_statistics_t statistics = {};
  esl_journal_statistics(journal, &statistics);
  EXPECT_EQ(statistics.mounts_lost, 1U);
  EXPECT_EQ(statistics.mount_events, told);
}

TEST_F(EsMountsTest, AMountThatIsGoneAgainIsToldAllTheSame) {
  esl_journal_t* journal = esl_journal_create(1);
  MountEvents source(*journal);
  ASSERT_EQ(source.Open(0), 0);
  MountTmpfs(In("a"));
  ASSERT_EQ(::umount(In("a").c_str()), 0);
  Message message;
  message.parts = std::make_unique<MessageParts>();
  std::vector<es_event_type_t> types;
  while (source.Next(message, SubscriptionsOf(EventOrigin::kMounts),
                     ESL_DETAIL_FILE)) {
    types.push_back(message.es.event_type);
    source.Done();
  }
  EXPECT_THAT(types, ElementsAre(kMount, kUnmount));
  esl_statistics_t statistics = {};
  esl_journal_statistics(journal, &statistics);
  EXPECT_EQ(statistics.mounts_unresolved, 2U);
}

// --- A whole client ---------------------------------------------------------

TEST_F(EsMountsTest, AClientHearsWhoMountedWhat) {
  Mailbox mailbox;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    mailbox.Keep(message);
  });
  ASSERT_EQ(client.Subscribe({kMount, kUnmount}), ES_RETURN_SUCCESS);
  Opener mounter({"/bin/mount", "-t", "tmpfs", "none", In("a")});
  const pid_t pid = mounter.pid();
  EXPECT_EQ(mounter.ExitCode(), 0);
  ASSERT_TRUE(mailbox.Reaches(1));
  ASSERT_EQ(::umount(In("a").c_str()), 0);
  ASSERT_TRUE(mailbox.Reaches(2));
  const std::vector<const es_message_t*> messages = mailbox.Messages();
  EXPECT_EQ(TextOf(*messages[0]), "+" + In("a"));
  EXPECT_EQ(audit_token_to_pid(messages[0]->process->audit_token), pid);
  EXPECT_EQ(esl_message_fd(messages[0]), -1);
  EXPECT_EQ(TextOf(*messages[1]), "-" + In("a"));
  EXPECT_EQ(audit_token_to_pid(messages[1]->process->audit_token), ::getpid());
  EXPECT_EQ(messages[1]->global_seq_num, messages[0]->global_seq_num + 1);
  mailbox.ReleaseAll();
}

TEST_F(EsMountsTest, AClientHearsNothingWithoutASubscription) {
  Mailbox mailbox;
  TestClient client([&](es_client_t*, const es_message_t* message) {
    mailbox.Keep(message);
  });
  ASSERT_EQ(client.Subscribe({kMount, kUnmount}), ES_RETURN_SUCCESS);
  ASSERT_EQ(es_unsubscribe_all(client.get()), ES_RETURN_SUCCESS);
  MountTmpfs(In("a"));
  EXPECT_EQ(client.SettledStatistics().mount_events, 0U);
  ASSERT_EQ(client.Subscribe({kUnmount}), ES_RETURN_SUCCESS);
  ASSERT_EQ(::umount(In("a").c_str()), 0);
  ASSERT_TRUE(mailbox.Reaches(1));
  EXPECT_EQ(TextOf(*mailbox.Messages()[0]), "-" + In("a"));
  mailbox.ReleaseAll();
}

}  // namespace
}  // namespace gatehouse
