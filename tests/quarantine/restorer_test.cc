#include "quarantine/restorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/quarantine/isolation_world.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const char* const kName = "threat";
constexpr uint32_t kUser = 1234;

class RestorerTest : public testing::Test {
 protected:
  RestorerTest() {
    world_.Put(kName, content_);
    EXPECT_EQ(::chmod(world_.PathOf(kName).c_str(), 04751), 0);
    const timespec times[2] = {{1'000'000'000, 5}, {1'100'000'000, 7}};
    EXPECT_EQ(::utimensat(AT_FDCWD, world_.PathOf(kName).c_str(), times, 0), 0);
    EXPECT_EQ(::mkdir(out_.c_str(), 0700), 0);
    vault_ = world_.OpenVault(files_);
    auto store = ThreatStore::Open(world_.state(), {});
    EXPECT_TRUE(store.has_value());
    store_ = std::move(*store);
    Isolator isolator(*vault_, TestScanner());
    const UniqueFd file = world_.Open(kName);
    const Isolation isolation =
        isolator.Isolate({file.UnsafeFd(), "Test.Found", ""});
    EXPECT_EQ(isolation.status, ThreatStatus::kQuarantined);
    id_ = isolation.header.id;
    Threat threat = ThreatOf(isolation.header);
    threat.history.push_back({1, ThreatStatus::kQuarantined, ""});
    EXPECT_TRUE(store_->Record(threat, "key").has_value());
  }

  UniqueFd OpenPath(const std::string& path) const {
    return UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  }
  Result<std::string> Restore(UniqueFd destination) {
    return restorer().Restore(id_, std::move(destination), kUser);
  }
  Restorer& restorer() {
    if (!restorer_)
      restorer_.emplace(Restorer::Parts{*vault_, *store_, exempt_});
    return *restorer_;
  }
  ThreatStatus StatusNow() { return store_->Get(id_)->history.back().status; }

  IsolationWorld world_;
  LinuxFileOperations files_;
  Exemptions exempt_{files_};
  const std::string out_ = world_.state() + "/../out";
  const std::string content_ = MaliciousContent(100'000);
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<ThreatStore> store_;
  std::optional<Restorer> restorer_;
  std::string id_;
};

TEST_F(RestorerTest, GivesTheFileBackAsItWas) {
  const auto path = Restore(OpenPath(out_));
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_THAT(*path, testing::EndsWith("/out/threat"));
  const UniqueFd file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(ReadAll(file.UnsafeFd()), content_);
  struct stat facts = {};
  ASSERT_EQ(::fstat(file.UnsafeFd(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0751U) << "no set-id bits";
  EXPECT_EQ(facts.st_mtim.tv_sec, 1'100'000'000);
  EXPECT_EQ(facts.st_mtim.tv_nsec, 7);
  EXPECT_EQ(StatusNow(), ThreatStatus::kRestored);
  EXPECT_THAT(world_.InVault(), IsEmpty());
}

TEST_F(RestorerTest, WithoutADestinationGoesBackToItsPlace) {
  ASSERT_TRUE(Restore(UniqueFd()));
  EXPECT_EQ(world_.InPlace().at(kName), content_);
}

TEST_F(RestorerTest, OverwritesNothing) {
  world_.Put(kName, "the user's new file");
  const auto done = Restore(UniqueFd());
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("nothing is overwritten"));
  EXPECT_EQ(world_.InPlace().at(kName), "the user's new file");
  EXPECT_THAT(world_.InVault(), SizeIs(1));
  EXPECT_EQ(StatusNow(), ThreatStatus::kQuarantined);
}

TEST_F(RestorerTest, DoesNotFollowALinkOfItsName) {
  const std::string victim = out_ + "/victim";
  EXPECT_EQ(::symlink(victim.c_str(), world_.PathOf(kName).c_str()), 0);
  EXPECT_FALSE(Restore(UniqueFd()));
  EXPECT_FALSE(std::filesystem::exists(victim));
}

// Whoever may rename things around the directory must not choose where root
// writes.
TEST_F(RestorerTest, AnotherDirectoryOfThatNameIsNotWrittenTo) {
  const std::string moved = world_.place() + ".moved";
  EXPECT_EQ(::rename(world_.place().c_str(), moved.c_str()), 0);
  EXPECT_EQ(::mkdir(world_.place().c_str(), 0777), 0);
  const auto done = Restore(UniqueFd());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(world_.place()));
  EXPECT_THAT(world_.InVault(), SizeIs(1));
}

TEST_F(RestorerTest, LinkOnTheWayToItsDirectoryIsNotFollowed) {
  const std::string moved = world_.place() + ".moved";
  EXPECT_EQ(::rename(world_.place().c_str(), moved.c_str()), 0);
  EXPECT_EQ(::symlink(moved.c_str(), world_.place().c_str()), 0);
  EXPECT_FALSE(Restore(UniqueFd()));
  EXPECT_TRUE(std::filesystem::is_empty(moved));
}

TEST_F(RestorerTest, DestinationMustBeADirectory) {
  world_.Put("file", "x");
  const auto done = Restore(OpenPath(world_.PathOf("file")));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kInvalidInput);
}

TEST_F(RestorerTest, OnlyWhatWasRestoredIsExempt) {
  const auto path = Restore(OpenPath(out_));
  ASSERT_TRUE(path);
  const UniqueFd file(::open(path->c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(exempt_.Covers(file.UnsafeFd()));
  world_.Put("copy", content_);
  EXPECT_FALSE(exempt_.Covers(world_.Open("copy").UnsafeFd()));
  // Of the same size, which the time of a fast machine need not tell apart.
  EXPECT_EQ(::pwrite(file.UnsafeFd(), "!", 1, 50), 1);
  EXPECT_FALSE(exempt_.Covers(file.UnsafeFd()));
}

TEST_F(RestorerTest, ExemptionOutlivesTheProcess) {
  const auto path = Restore(OpenPath(out_));
  ASSERT_TRUE(path);
  restorer_.reset();
  store_.reset();
  auto store = ThreatStore::Open(world_.state(), {});
  ASSERT_TRUE(store);
  const auto remembered = (*store)->Exemptions();
  ASSERT_TRUE(remembered);
  ASSERT_THAT(*remembered, SizeIs(1));
  Exemptions exempt(files_);
  exempt.Add(remembered->front().file_key, remembered->front().sha256);
  const UniqueFd file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(exempt.Covers(file.UnsafeFd()));
  EXPECT_EQ(remembered->front().uid, kUser);
}

TEST_F(RestorerTest, SecondTimeItIsNotThere) {
  ASSERT_TRUE(Restore(OpenPath(out_)));
  EXPECT_EQ(Restore(OpenPath(out_)).error().code, ErrorCode::kNotFound);
}

TEST_F(RestorerTest, RemovedForGood) {
  ASSERT_TRUE(restorer().Remove(id_));
  EXPECT_EQ(StatusNow(), ThreatStatus::kRemoved);
  EXPECT_THAT(world_.InVault(), IsEmpty());
  EXPECT_EQ(restorer().Remove(id_).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace gatehouse
