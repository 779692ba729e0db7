// An object with one wrong bit is not restored, and is kept.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "quarantine/restorer.h"
#include "tests/quarantine/isolation_world.h"

namespace gatehouse {
namespace {

constexpr int kFlips = 10'000;
constexpr uint32_t kSeed = 20261126;

class RestoreFlipTest : public testing::Test {
 protected:
  RestoreFlipTest() {
    EXPECT_EQ(::mkdir(out_.c_str(), 0700), 0);
    vault_ = world_.OpenVault(files_);
    auto store = ThreatStore::Open(world_.state(), {});
    EXPECT_TRUE(store.has_value());
    store_ = std::move(*store);
    restorer_.emplace(Restorer::Parts{*vault_, *store_, exempt_});
    Isolator isolator(*vault_, TestScanner());
    for (const size_t bytes :
         {size_t{40}, size_t{1000}, size_t{70'000}, size_t{300'000}}) {
      const std::string name = std::to_string(bytes);
      world_.Put(name, MaliciousContent(bytes));
      const UniqueFd file = world_.Open(name);
      const Isolation isolation =
          isolator.Isolate({file.UnsafeFd(), "Test.Found", ""});
      EXPECT_EQ(isolation.status, ThreatStatus::kQuarantined);
      ids_.push_back(isolation.header.id);
    }
  }

  UniqueFd OpenObject(const std::string& id) const {
    const std::string path = world_.state() + "/vault/data/" + id + ".q";
    return UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  }
  static void Flip(int fd, off_t at, int bit) {
    uint8_t byte = 0;
    ASSERT_EQ(::pread(fd, &byte, 1, at), 1);
    byte = static_cast<uint8_t>(byte ^ 1U << bit);
    ASSERT_EQ(::pwrite(fd, &byte, 1, at), 1);
  }
  Result<RestoredFile> Restore(const std::string& id) {
    UniqueFd directory(::open(out_.c_str(), O_PATH | O_CLOEXEC));
    return restorer_->Restore(id, std::move(directory), {});
  }

  IsolationWorld world_;
  LinuxFileOperations files_;
  const std::string out_ = world_.state() + "/out";
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<ThreatStore> store_;
  Exemptions exempt_{files_};
  std::vector<std::string> ids_;
  std::optional<Restorer> restorer_;
};

TEST_F(RestoreFlipTest, EveryFlippedBitIsRefused) {
  std::mt19937 random(kSeed);
  std::vector<UniqueFd> objects;
  std::vector<off_t> sizes;
  for (const std::string& id : ids_) {
    objects.push_back(OpenObject(id));
    struct stat facts = {};
    ASSERT_EQ(::fstat(objects.back().UnsafeFd(), &facts), 0);
    sizes.push_back(facts.st_size);
  }
  for (int i = 0; i < kFlips; ++i) {
    const size_t object = static_cast<size_t>(i) % ids_.size();
    const int fd = objects[object].UnsafeFd();
    const off_t at =
        std::uniform_int_distribution<off_t>(0, sizes[object] - 1)(random);
    const int bit = std::uniform_int_distribution<int>(0, 7)(random);
    Flip(fd, at, bit);
    ASSERT_FALSE(Restore(ids_[object]))
        << "object " << object << ", byte " << at << ", bit " << bit;
    Flip(fd, at, bit);
  }
  EXPECT_TRUE(std::filesystem::is_empty(out_));
  EXPECT_EQ(vault_->PublishedIds()->size(), ids_.size());
  EXPECT_TRUE(world_.InStage().empty());
  EXPECT_EQ(exempt_.size(), 0U);
  // The control: with each bit in its place they are given back.
  for (const std::string& id : ids_) {
    const auto restored = Restore(id);
    ASSERT_TRUE(restored) << restored.error().message;
    const UniqueFd file(::open(restored->path.c_str(), O_RDONLY | O_CLOEXEC));
    const std::string content = ReadAll(file.UnsafeFd());
    EXPECT_EQ(content, MaliciousContent(content.size()));
  }
}

}  // namespace
}  // namespace gatehouse
