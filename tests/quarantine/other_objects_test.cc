// When a staged object is one too many, and when it is all there is of a name.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "quarantine/recovery.h"
#include "quarantine/threat_store.h"
#include "tests/quarantine/isolation_world.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

class OtherObjectsTest : public testing::Test {
 protected:
  OtherObjectsTest() {
    world_.Put("one", MaliciousContent(100));
    fs::create_hard_link(world_.PathOf("one"), world_.PathOf("two"));
    vault_ = world_.OpenVault(files_);
    store_ = std::move(*ThreatStore::Open(world_.state(), {}));
  }
  ObjectHeader Isolate(const std::string& name) {
    const Isolation isolation = world_.Isolate(files_, name);
    EXPECT_EQ(isolation.status, ThreatStatus::kQuarantined);
    Threat threat = ThreatOf(isolation.header);
    threat.history.push_back({1, isolation.status, ""});
    EXPECT_TRUE(
        store_->Record(threat, FileKey(isolation.header.file)).has_value());
    return isolation.header;
  }
  size_t OthersOf(const ObjectHeader& header) {
    return OtherObjectsOf(*vault_, *store_, header);
  }

  IsolationWorld world_;
  LinuxFileOperations files_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<ThreatStore> store_;
};

// Each name has its object: what was sealed before was another name.
TEST_F(OtherObjectsTest, OneThatWasSealedBeforeDoesNotCount) {
  Isolate("one");
  const ObjectHeader second = Isolate("two");
  EXPECT_EQ(second.file.nlink, 1U);
  EXPECT_EQ(OthersOf(second), 0U);
}

TEST_F(OtherObjectsTest, OneThatWasSealedLaterDoes) {
  const ObjectHeader begun = Isolate("one");
  Isolate("two");
  EXPECT_EQ(OthersOf(begun), 1U);
}

TEST_F(OtherObjectsTest, OneThatIsGoneDoesNot) {
  const ObjectHeader begun = Isolate("one");
  const ObjectHeader second = Isolate("two");
  ASSERT_TRUE(vault_->Remove(second.id).has_value());
  EXPECT_EQ(OthersOf(begun), 0U);
}

}  // namespace
}  // namespace gatehouse
