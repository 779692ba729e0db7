// A malicious file on a read-only file system: its name cannot be taken, and
// the vault keeps a copy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>

#include "quarantine/isolator.h"
#include "quarantine/recovery.h"
#include "quarantine/threat_store.h"
#include "quarantine/vault.h"
#include "tests/quarantine/isolation_world.h"
#include "tests/quarantine/private_mount.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const char* const kName = "threat";

class ReadOnlyTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!PrivateMount::IsPossible()) {
      GTEST_SKIP() << "needs root to mount a read-only file system";
    }
    world_.emplace();
    ASSERT_EQ(::mkdir(place_.c_str(), 0755), 0);
    mount_.emplace(place_);
    WriteThreat(content_);
    mount_->MakeReadOnly();
    vault_ = world_->OpenVault(files_);
    auto store = ThreatStore::Open(world_->state(), {});
    ASSERT_TRUE(store.has_value());
    store_ = std::move(*store);
  }

  void WriteThreat(const std::string& content) const {
    const UniqueFd fd(
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    EXPECT_EQ(::write(fd.UnsafeFd(), content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
  }
  std::string InPlace() const {
    const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    return fd.valid() ? ReadAll(fd.UnsafeFd()) : "";
  }

  // As the remediator does it.
  Isolation Isolate() {
    const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(fd.valid());
    const std::string key = FileKey(files_.Identity(fd.UnsafeFd()).value());
    Isolator isolator(*vault_, TestScanner());
    Isolation isolation = isolator.Isolate(
        {fd.UnsafeFd(), "Test.Found", "", store_->UnfinishedOf(key).value()});
    Threat threat = ThreatOf(isolation.header);
    threat.history.push_back({1, isolation.status, isolation.detail});
    EXPECT_TRUE(store_->Record(threat, key).has_value());
    return isolation;
  }

  const TempDir directory_;
  const std::string place_ = directory_.path() + "/read-only";
  const std::string path_ = place_ + "/" + kName;
  const std::string content_ = MaliciousContent(100'000);
  LinuxFileOperations files_;
  std::optional<IsolationWorld> world_;
  std::optional<PrivateMount> mount_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<ThreatStore> store_;
};

TEST_F(ReadOnlyTest, ItStaysAndACopyIsSealed) {
  const Isolation isolation = Isolate();
  EXPECT_EQ(isolation.status, ThreatStatus::kQuarantineFailed);
  EXPECT_THAT(isolation.detail, HasSubstr("read-only"));
  EXPECT_EQ(InPlace(), content_);
  EXPECT_THAT(world_->InVault(),
              ElementsAre(Pair(isolation.header.id, content_)));
  EXPECT_THAT(world_->InStage(), IsEmpty());
}

TEST_F(ReadOnlyTest, TheNextHitAddsNothing) {
  const std::string id = Isolate().header.id;
  const Isolation again = Isolate();
  EXPECT_EQ(again.header.id, id);
  EXPECT_EQ(again.status, ThreatStatus::kQuarantineFailed);
  EXPECT_THAT(world_->InVault(), ElementsAre(Pair(id, content_)));
  EXPECT_EQ(store_->List()->size(), 1U);
}

TEST_F(ReadOnlyTest, OnceItCanBeWrittenItIsIsolatedItself) {
  const std::string copy = Isolate().header.id;
  mount_->MakeWritable();
  const Isolation isolation = Isolate();
  EXPECT_EQ(isolation.status, ThreatStatus::kQuarantined);
  EXPECT_EQ(InPlace(), "");
  EXPECT_THAT(world_->InVault(),
              testing::UnorderedElementsAre(
                  Pair(copy, content_), Pair(isolation.header.id, content_)));
  EXPECT_FALSE(vault_->Header(isolation.header.id)->is_copy);
}

// The vault is the truth, but a copy is no file in quarantine.
TEST_F(ReadOnlyTest, ARecoveryLeavesTheStatus) {
  const std::string id = Isolate().header.id;
  ASSERT_TRUE(Reconcile(*vault_, *store_).has_value());
  EXPECT_EQ(store_->Get(id)->status(), ThreatStatus::kQuarantineFailed);
  ASSERT_TRUE(store_->AddStatus(id, ThreatStatus::kBlocked, 2, "").has_value());
  ASSERT_TRUE(Reconcile(*vault_, *store_).has_value());
  EXPECT_EQ(store_->Get(id)->status(), ThreatStatus::kBlocked);
  store_.reset();
  ASSERT_EQ(::unlink((world_->state() + "/threats.db").c_str()), 0);
  store_ = std::move(*ThreatStore::Open(world_->state(), {}));
  ASSERT_TRUE(Reconcile(*vault_, *store_).has_value());
  EXPECT_EQ(store_->Get(id)->status(), ThreatStatus::kQuarantineFailed);
  EXPECT_THAT(world_->InVault(), ElementsAre(Pair(id, content_)));
}

}  // namespace
}  // namespace gatehouse
