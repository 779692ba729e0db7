#include "definitions/artefact_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

Sha256Digest Key(uint8_t number) { return {number}; }

std::string NameOf(uint8_t number) { return HexText(Key(number)) + ".set"; }

class ArtefactStoreTest : public testing::Test {
 protected:
  Result<ArtefactStore> Open() const {
    return ArtefactStore::Open(folder_.Path("cache/gatehouse"));
  }
  ArtefactStore Store() const { return Open().value(); }
  std::string PathOf(const std::string& name) const {
    return folder_.Path("cache/gatehouse/" + name);
  }
  static ErrorCode CodeOf(const Result<WordBuffer>& found) {
    EXPECT_FALSE(found.has_value());
    return found ? ErrorCode::kOperational : found.error().code;
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(PathOf(""))) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  const TempDir folder_;
  const std::vector<uint64_t> image_ = {3, 1, 4, 1, 5};
};

TEST_F(ArtefactStoreTest, KeepsForTheNextProcess) {
  ASSERT_TRUE(Store().Publish(Key(1), image_));
  const Result<WordBuffer> found = Store().Find(Key(1));
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_TRUE(std::ranges::equal(found->words(), image_));
  EXPECT_EQ(CodeOf(Store().Find(Key(2))), ErrorCode::kNotFound);
}

TEST_F(ArtefactStoreTest, IsForItsUserAlone) {
  ASSERT_TRUE(Store().Publish(Key(1), image_));
  struct stat facts = {};
  ASSERT_EQ(::stat(PathOf("").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0700U);
  for (const std::string& name : Names()) {
    ASSERT_EQ(::stat(PathOf(name).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U) << name;
  }
}

TEST_F(ArtefactStoreTest, BelievesNoFileThatOthersHadPowerOver) {
  const ArtefactStore store = Store();
  const std::string path = PathOf(NameOf(1));
  ASSERT_TRUE(store.Publish(Key(1), image_));
  ASSERT_EQ(::chmod(path.c_str(), 0620), 0);
  EXPECT_EQ(CodeOf(store.Find(Key(1))), ErrorCode::kNotPermitted);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(store.Find(Key(1)).has_value());
  ASSERT_EQ(::link(path.c_str(), folder_.Path("other").c_str()), 0);
  EXPECT_EQ(CodeOf(store.Find(Key(1))), ErrorCode::kNotPermitted);
  ASSERT_EQ(::rename(path.c_str(), folder_.Path("moved").c_str()), 0);
  ASSERT_EQ(::unlink(folder_.Path("other").c_str()), 0);
  ASSERT_EQ(::symlink(folder_.Path("moved").c_str(), path.c_str()), 0);
  EXPECT_FALSE(store.Find(Key(1)).has_value());
  ASSERT_EQ(::unlink(path.c_str()), 0);
  // Nobody may hold us up.
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(CodeOf(store.Find(Key(1))), ErrorCode::kNotPermitted);
}

TEST_F(ArtefactStoreTest, BelievesNoFileOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  const ArtefactStore store = Store();
  ASSERT_TRUE(store.Publish(Key(1), image_));
  ASSERT_EQ(::chown(PathOf(NameOf(1)).c_str(), 1, 1), 0);
  EXPECT_EQ(CodeOf(store.Find(Key(1))), ErrorCode::kNotPermitted);
  ASSERT_EQ(::chown(PathOf("").c_str(), 1, 1), 0);
  EXPECT_FALSE(Open().has_value());
}

TEST_F(ArtefactStoreTest, RefusesAFolderThatOthersMayWriteTo) {
  (void)Store();
  ASSERT_EQ(::chmod(PathOf("").c_str(), 0770), 0);
  const Result<ArtefactStore> opened = Open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kNotPermitted);
}

TEST_F(ArtefactStoreTest, ASecretThatOthersMayReadIsNone) {
  (void)Store();
  ASSERT_EQ(::chmod(PathOf("secret").c_str(), 0644), 0);
  const Result<ArtefactStore> opened = Open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kNotPermitted);
}

TEST_F(ArtefactStoreTest, ADamagedSecretIsNamed) {
  (void)Store();
  ASSERT_EQ(::truncate(PathOf("secret").c_str(), 31), 0);
  const Result<ArtefactStore> opened = Open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error().message, HasSubstr("secret"));
}

TEST_F(ArtefactStoreTest, WithAnotherSecretEverythingIsForeign) {
  ASSERT_TRUE(Store().Publish(Key(1), image_));
  ASSERT_EQ(::unlink(PathOf("secret").c_str()), 0);
  const Result<WordBuffer> found = Store().Find(Key(1));
  ASSERT_FALSE(found.has_value());
  EXPECT_THAT(found.error().message, HasSubstr("not authentic"));
}

TEST_F(ArtefactStoreTest, KeepsThoseThatWereUsedLast) {
  const ArtefactStore store = Store();
  for (uint8_t i = 0; i < kArtefactsMax; ++i) {
    ASSERT_TRUE(store.Publish(Key(i), image_));
    const timespec long_ago = {1000 + i, 0};
    const timespec times[2] = {long_ago, long_ago};
    ASSERT_EQ(::utimensat(AT_FDCWD, PathOf(NameOf(i)).c_str(), times, 0), 0);
  }
  ASSERT_TRUE(store.Find(Key(0)).has_value());  // Used just now.
  ASSERT_TRUE(store.NoteActive(Key(1)));        // In use.
  (void)folder_.Write("cache/gatehouse/.new-0123", "left by the dead");
  ASSERT_TRUE(store.Publish(Key(8), image_));
  ASSERT_TRUE(store.Publish(Key(9), image_));
  EXPECT_THAT(Names(),
              UnorderedElementsAre("secret", "lock", "active", NameOf(0),
                                   NameOf(1), NameOf(3), NameOf(8), NameOf(9)));
}

}  // namespace
}  // namespace gatehouse
