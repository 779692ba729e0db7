#include "quarantine/space_reserve.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "quarantine/linux_file_operations.h"
#include "tests/quarantine/watched_file_operations.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

// A disk with as much room as a test says.
class SizedFileOperations : public WatchedFileOperations {
 public:
  using WatchedFileOperations::WatchedFileOperations;

  Result<uint64_t> FreeBytes(int /*directory*/) override { return free_bytes; }

  uint64_t free_bytes = uint64_t{1} << 40;
};

class SpaceReserveTest : public testing::Test {
 protected:
  // Bytes that the file takes on disk; -1: there is none.
  int64_t BytesTaken() const {
    struct stat status = {};
    if (::stat(directory_.Path(kSpaceReserveName).c_str(), &status) != 0) {
      return -1;
    }
    return int64_t{status.st_blocks} * 512;
  }

  const TempDir directory_;
  const UniqueFd fd_{
      ::open(directory_.path().c_str(), O_DIRECTORY | O_CLOEXEC)};
  LinuxFileOperations linux_files_;
  SizedFileOperations files_{linux_files_};
  SpaceReserve reserve_{files_, fd_.UnsafeFd()};
};

TEST_F(SpaceReserveTest, TakesSpaceAndGivesIt) {
  ASSERT_TRUE(reserve_.Fill().has_value());
  EXPECT_GE(BytesTaken(), int64_t{SpaceReserve::kBytes});
  EXPECT_FALSE(reserve_.was_released());
  ASSERT_TRUE(reserve_.Fill().has_value());
  EXPECT_TRUE(reserve_.Release());
  EXPECT_EQ(BytesTaken(), -1);
  EXPECT_TRUE(reserve_.was_released());
  EXPECT_FALSE(reserve_.Release());
}

TEST_F(SpaceReserveTest, IsNotMadeWhereThereIsLittleRoom) {
  files_.free_bytes = SpaceReserve::kFreeBytesMin;
  const auto filled = reserve_.Fill();
  ASSERT_TRUE(filled.has_value());
  EXPECT_FALSE(*filled);
  EXPECT_EQ(BytesTaken(), -1);
  EXPECT_FALSE(reserve_.Release());
  EXPECT_FALSE(reserve_.was_released());
}

}  // namespace
}  // namespace gatehouse
