// What the threat store does about a database that is not as it left it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/quarantine/threat_store_fixture.h"

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DamagedStoreTest : public ThreatStoreTest {
 protected:
  void SetUp() override {
    ThreatStoreTest::SetUp();
    for (int number = 0; number < 100; ++number) {
      Record(Found(number), IdOf(number));
    }
    store_.reset();
  }
  void Overwrite(std::streamoff offset, const std::string& bytes) const {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ASSERT_TRUE(file.good());
  }
  void ExpectANewOne() {
    Reopen();
    EXPECT_THAT(store_->notice(), HasSubstr("moved to"));
    EXPECT_THAT(Ids(), IsEmpty());
    EXPECT_THAT(Files(),
                testing::Contains(testing::StartsWith("threats.db.corrupt-")));
    Record(Found(1), "key");
    Reopen();
    EXPECT_THAT(store_->notice(), IsEmpty());
    EXPECT_THAT(Ids(), ElementsAre(IdOf(1)));
  }
};

TEST_F(DamagedStoreTest, AFileThatIsNoDatabaseIsMovedAside) {
  Overwrite(0, std::string(4096, 'x'));
  ExpectANewOne();
}

TEST_F(DamagedStoreTest, ADatabaseWithADamagedPageIsMovedAside) {
  Overwrite(4096, std::string(4096, 'x'));
  ExpectANewOne();
}

TEST_F(DamagedStoreTest, ATruncatedDatabaseIsMovedAside) {
  std::filesystem::resize_file(path_, 3 * 4096 + 17);
  ExpectANewOne();
}

TEST_F(DamagedStoreTest, ADatabaseWithoutATableIsMovedAside) {
  ASSERT_TRUE(Raw().Execute("DROP TABLE history").has_value());
  ExpectANewOne();
}

TEST_F(DamagedStoreTest, ADamagedLogIsNoDamage) {
  Reopen();
  Record(Found(200), "200");
  // What a killed daemon leaves: database and log.
  const TempDir copy;
  for (const std::string& name : Files()) {
    std::filesystem::copy_file(directory_.Path(name), copy.Path(name));
  }
  const std::string log = copy.Path("threats.db-wal");
  ASSERT_GT(std::filesystem::file_size(log), 1000U);
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 1000);
  auto opened = ThreatStore::Open(copy.path());
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_THAT((*opened)->notice(), IsEmpty());
  EXPECT_EQ((*opened)->List()->size(), 100U);
}

TEST_F(DamagedStoreTest, ANewerSchemaIsLeftAlone) {
  ASSERT_TRUE(Raw().Execute("PRAGMA user_version = 3").has_value());
  const auto opened = ThreatStore::Open(directory_.path());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kNotSupported);
  EXPECT_THAT(opened.error().message, HasSubstr("version 2"));
  EXPECT_THAT(Files(), ElementsAre("threats.db"));
}

}  // namespace
}  // namespace gatehouse
