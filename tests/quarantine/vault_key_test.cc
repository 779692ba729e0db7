#include "quarantine/vault_key.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "quarantine/linux_file_operations.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

static_assert(!std::is_copy_constructible_v<VaultKey>);
static_assert(std::is_nothrow_move_constructible_v<VaultKey>);

std::string BytesOfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class VaultKeyTest : public testing::Test {
 protected:
  Result<VaultKey> LoadOrCreate() { return LoadFrom(directory_); }
  // With what was noticed in notice_.
  Result<VaultKey> LoadFrom(const TempDir& directory,
                            bool has_objects = false) {
    const UniqueFd state(
        ::open(directory.path().c_str(), O_DIRECTORY | O_CLOEXEC));
    (void)::mkdir(directory.Path("vault").c_str(), 0700);
    const UniqueFd vault(
        ::open(directory.Path("vault").c_str(), O_DIRECTORY | O_CLOEXEC));
    LinuxFileOperations files;
    const VaultKeyPlaces places = {state.UnsafeFd(), vault.UnsafeFd(),
                                   has_objects};
    Result<LoadedVaultKey> loaded = LoadOrCreateVaultKey(files, places);
    if (!loaded) return Unexpected(loaded.error());
    notice_ = loaded->notice;
    problems_ = VaultKeyFileProblems(files, places, loaded->key);
    return std::move(loaded->key);
  }
  std::string File() const { return BytesOfFile(path_); }
  // A key file of these bytes, with the mode it must have.
  void Write(std::string_view bytes) const {
    (void)directory_.Write(kVaultKeyName, bytes);
    ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  }
  // What is said of the key file when there is no copy of it.
  std::optional<Error> Refusal() {
    (void)::unlink(escrow_path_.c_str());
    const std::string before = File();
    const Result<VaultKey> key = LoadOrCreate();
    EXPECT_EQ(File(), before) << "it was replaced";
    if (key) return std::nullopt;
    return key.error();
  }

  TempDir directory_;
  const std::string path_ = directory_.Path(kVaultKeyName);
  const std::string escrow_path_ =
      directory_.Path("vault") + "/" + kVaultKeyEscrowName;
  std::string notice_;
  std::vector<std::string> problems_;
};

std::string BytesOf(const VaultKey& key) {
  return std::string(AsText(key.UnsafeBytes()));
}

TEST_F(VaultKeyTest, IsMadeOnceAndLoadedFromThenOn) {
  const auto first = LoadOrCreate();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const auto second = LoadOrCreate();
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_EQ(BytesOf(*first), BytesOf(*second));
  EXPECT_NE(BytesOf(*first), std::string(kVaultKeyBytes, '\0'));
}

TEST_F(VaultKeyTest, IsForItsOwnerAloneWhateverTheUmask) {
  for (const mode_t mask : {0000U, 0777U}) {
    const mode_t before = ::umask(mask);
    const auto key = LoadOrCreate();
    (void)::umask(before);
    ASSERT_TRUE(key.has_value()) << key.error().message;
    struct stat status = {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    ASSERT_EQ(::unlink(path_.c_str()), 0);
  }
}

TEST_F(VaultKeyTest, LeavesNothingElseInTheDirectory) {
  ASSERT_TRUE(LoadOrCreate().has_value());
  const std::filesystem::directory_iterator files(directory_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 2);  // And the vault.
  const std::filesystem::directory_iterator vault(directory_.Path("vault"));
  EXPECT_EQ(std::distance(begin(vault), end(vault)), 1);
}

TEST_F(VaultKeyTest, HasACopyFromTheBeginning) {
  ASSERT_TRUE(LoadOrCreate().has_value());
  EXPECT_EQ(BytesOfFile(escrow_path_), File());
  struct stat status = {};
  ASSERT_EQ(::stat(escrow_path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(notice_, "");
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(VaultKeyTest, EitherFileIsMadeFromTheOther) {
  const auto first = LoadOrCreate();
  ASSERT_TRUE(first.has_value());
  const std::string file = File();
  ASSERT_EQ(::unlink(escrow_path_.c_str()), 0);
  ASSERT_TRUE(LoadOrCreate().has_value());
  EXPECT_EQ(BytesOfFile(escrow_path_), file);
  EXPECT_EQ(notice_, "");
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  const auto again = LoadFrom(directory_, true);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(BytesOf(*again), BytesOf(*first));
  EXPECT_EQ(File(), file);
  EXPECT_THAT(notice_, HasSubstr("was missing"));
}

TEST_F(VaultKeyTest, NoNewKeyIsMadeWhereSomethingIsSealed) {
  const auto refused = LoadFrom(directory_, true);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(refused.error().message, HasSubstr("no new key is made"));
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(std::filesystem::exists(escrow_path_));
}

TEST_F(VaultKeyTest, ADamagedFileIsLeftAndItsCopyUsed) {
  const auto first = LoadOrCreate();
  ASSERT_TRUE(first.has_value());
  const std::string damaged = File().substr(0, 60);
  Write(damaged);
  const auto again = LoadOrCreate();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(BytesOf(*again), BytesOf(*first));
  EXPECT_EQ(File(), damaged);
  EXPECT_THAT(notice_, HasSubstr("its escrow copy is used"));
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("has 60 bytes")));
}

TEST_F(VaultKeyTest, ACopyOfAnotherKeyIsNoticed) {
  const TempDir other;
  ASSERT_TRUE(LoadFrom(other).has_value());
  const auto key = LoadOrCreate();
  ASSERT_TRUE(key.has_value());
  std::filesystem::copy_file(other.Path(kVaultKeyName), escrow_path_,
                             std::filesystem::copy_options::overwrite_existing);
  const auto again = LoadOrCreate();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(BytesOf(*again), BytesOf(*key));
  EXPECT_THAT(notice_, HasSubstr("not a copy"));
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("another key")));
}

TEST_F(VaultKeyTest, WhoeverComesSecondGetsTheKeyOfTheFirst) {
  std::array<std::string, 8> keys;
  (void)::mkdir(directory_.Path("vault").c_str(), 0700);
  const UniqueFd state(
      ::open(directory_.path().c_str(), O_DIRECTORY | O_CLOEXEC));
  const UniqueFd vault(
      ::open(directory_.Path("vault").c_str(), O_DIRECTORY | O_CLOEXEC));
  LinuxFileOperations files;
  {
    std::vector<std::jthread> threads;
    threads.reserve(keys.size());
    for (std::string& bytes : keys) {
      threads.emplace_back([&] {
        const auto loaded = LoadOrCreateVaultKey(
            files, {state.UnsafeFd(), vault.UnsafeFd(), false});
        if (loaded) bytes = BytesOf(loaded->key);
      });
    }
  }
  EXPECT_THAT(keys, testing::Each(BytesOf(*LoadOrCreate())));
}

TEST_F(VaultKeyTest, IsDifferentInEveryDirectory) {
  const TempDir other;
  const auto one = LoadOrCreate();
  const auto two = LoadFrom(other);
  ASSERT_TRUE(one.has_value() && two.has_value());
  EXPECT_NE(BytesOf(*one), BytesOf(*two));
}

TEST_F(VaultKeyTest, OpensTheGoldenKeyFile) {
  std::filesystem::copy_file(std::string(GATEHOUSE_GOLDEN) + "/vault_v1.key",
                             path_);
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  const auto key = LoadOrCreate();
  ASSERT_TRUE(key.has_value()) << key.error().message;
  std::string expected;
  for (char c = 0; c < 32; ++c) expected.push_back(c);
  EXPECT_EQ(BytesOf(*key), expected);
}

TEST_F(VaultKeyTest, OthersMayNotUseTheFile) {
  ASSERT_TRUE(LoadOrCreate().has_value());
  for (const mode_t mode : {0640U, 0604U, 0620U, 0610U, 0666U}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const auto refusal = Refusal();
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->code, ErrorCode::kNotPermitted);
    EXPECT_THAT(refusal->message, HasSubstr("must be 0600"));
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(LoadOrCreate().has_value());
}

TEST_F(VaultKeyTest, TheFileBelongsToUs) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  ASSERT_TRUE(LoadOrCreate().has_value());
  ASSERT_EQ(::chown(path_.c_str(), 65534, 65534), 0);
  const auto refusal = Refusal();
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->code, ErrorCode::kNotPermitted);
  EXPECT_THAT(refusal->message, HasSubstr("belongs to uid 65534"));
}

TEST_F(VaultKeyTest, EveryWrongSizeIsRefused) {
  ASSERT_TRUE(LoadOrCreate().has_value());
  const std::string file = File();
  for (size_t bytes = 0; bytes < file.size(); ++bytes) {
    Write(file.substr(0, bytes));
    EXPECT_TRUE(Refusal().has_value()) << bytes;
  }
  Write(file + '\0');
  EXPECT_TRUE(Refusal().has_value());
}

TEST_F(VaultKeyTest, EveryFlippedBitIsRefused) {
  ASSERT_TRUE(LoadOrCreate().has_value());
  const std::string file = File();
  const UniqueFd open_file(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  const auto put = [&open_file](char byte, size_t offset) {
    ASSERT_EQ(
        ::pwrite(open_file.UnsafeFd(), &byte, 1, static_cast<off_t>(offset)),
        1);
  };
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    const char byte = file[bit / 8];
    put(static_cast<char>(byte ^ (1 << bit % 8)), bit / 8);
    EXPECT_TRUE(Refusal().has_value()) << bit;
    put(byte, bit / 8);
  }
  EXPECT_FALSE(Refusal().has_value());
}

TEST_F(VaultKeyTest, ANewerVersionIsNotSupported) {
  ASSERT_TRUE(LoadOrCreate().has_value());
  std::string file = File();
  file.at(8) = 2;
  Write(file + "and more");
  const auto refusal = Refusal();
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->code, ErrorCode::kNotSupported);
}

TEST_F(VaultKeyTest, FollowsNoLinkAndReadsNoPipe) {
  ASSERT_EQ(::symlink("elsewhere", path_.c_str()), 0);
  EXPECT_FALSE(LoadOrCreate().has_value());
  EXPECT_FALSE(std::filesystem::exists(directory_.Path("elsewhere")));
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const auto key = LoadOrCreate();
  ASSERT_FALSE(key.has_value());
  EXPECT_THAT(key.error().message, HasSubstr("not a regular file"));
}

TEST_F(VaultKeyTest, CanBeMoved) {
  std::array<uint8_t, kVaultKeyBytes> bytes = {};
  bytes.fill(7);
  Result<VaultKey> key = VaultKey::FromBytes(bytes);
  ASSERT_TRUE(key.has_value());
  const VaultKey moved = std::move(*key);
  EXPECT_TRUE(
      std::equal(bytes.begin(), bytes.end(), moved.UnsafeBytes().begin()));
}

}  // namespace
}  // namespace gatehouse
