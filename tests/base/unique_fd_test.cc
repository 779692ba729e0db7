#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>
#include <utility>

namespace gatehouse {
namespace {

UniqueFd OpenNull() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

static_assert(!std::is_copy_constructible_v<UniqueFd>);
static_assert(!std::is_copy_assignable_v<UniqueFd>);
static_assert(!std::is_convertible_v<int, UniqueFd>);

TEST(UniqueFdTest, OwnsNothingAtFirst) {
  const UniqueFd fd;
  EXPECT_FALSE(fd.valid());
  EXPECT_EQ(fd.UnsafeFd(), -1);
}

TEST(UniqueFdTest, ClosesWhatItOwns) {
  int number = -1;
  {
    const UniqueFd fd = OpenNull();
    ASSERT_TRUE(fd.valid());
    number = fd.UnsafeFd();
    EXPECT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(UniqueFdTest, OwnsZeroToo) {
  // Descriptor 0 is as good as any other.
  UniqueFd fd(0);
  EXPECT_TRUE(fd.valid());
  EXPECT_EQ(fd.Release(), 0);
}

TEST(UniqueFdTest, MovesItsOwnership) {
  UniqueFd from = OpenNull();
  const int number = from.UnsafeFd();
  const UniqueFd to = std::move(from);
  EXPECT_EQ(to.UnsafeFd(), number);
  // What is left behind is promised.
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  EXPECT_FALSE(from.valid());
  EXPECT_TRUE(IsOpen(number));
}

TEST(UniqueFdTest, ClosesWhatAMoveReplaces) {
  UniqueFd kept = OpenNull();
  UniqueFd replaced = OpenNull();
  const int kept_number = kept.UnsafeFd();
  const int replaced_number = replaced.UnsafeFd();
  replaced = std::move(kept);
  EXPECT_EQ(replaced.UnsafeFd(), kept_number);
  EXPECT_TRUE(IsOpen(kept_number));
  EXPECT_FALSE(IsOpen(replaced_number));
}

TEST(UniqueFdTest, SurvivesAMoveToItself) {
  UniqueFd fd = OpenNull();
  const int number = fd.UnsafeFd();
  UniqueFd& same = fd;
  fd = std::move(same);
  EXPECT_EQ(fd.UnsafeFd(), number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(UniqueFdTest, ReleasesWithoutClosing) {
  UniqueFd fd = OpenNull();
  const int number = fd.Release();
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(IsOpen(number));
  fd.Reset(number);  // Owned again.
  fd.Reset();
  EXPECT_FALSE(IsOpen(number));
}

TEST(UniqueFdTest, KeepsErrnoWhenItCloses) {
  UniqueFd good = OpenNull();
  errno = ENOSPC;
  good.Reset();
  EXPECT_EQ(errno, ENOSPC);

  const int closed_behind_its_back = OpenNull().UnsafeFd();
  UniqueFd bad(closed_behind_its_back);
  errno = ENOSPC;
  bad.Reset();
  EXPECT_EQ(errno, ENOSPC);
}

}  // namespace
}  // namespace gatehouse
