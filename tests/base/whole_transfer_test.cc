#include "base/whole_transfer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <numeric>
#include <vector>

#include "base/memory_file.h"
#include "base/unique_fd.h"
#include "tests/engine/intercepted_pread.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

constexpr size_t kBytes = 24'000;
constexpr size_t kPieceBytes = 1'000;
constexpr sig_atomic_t kTicksMax = 1'000;           // Many times what it takes.
constexpr itimerval kTicks = {{0, 500}, {0, 500}};  // Half a millisecond.

std::vector<uint8_t> Numbers() {
  std::vector<uint8_t> numbers(kBytes);
  std::iota(numbers.begin(), numbers.end(), uint8_t{0});
  return numbers;
}

// What the signal of each tick does at the other end of the pipe; it also
// interrupts the transfer at this end, for no call is started again.
struct OtherEnd {
  int fd = -1;
  bool reads = false;
  volatile sig_atomic_t ticks = 0;
  std::vector<uint8_t> bytes = Numbers();  // To be written, or read.
  size_t done = 0;
};
OtherEnd* other_end = nullptr;

void OnTick(int /*signal*/) {
  OtherEnd& end = *other_end;
  end.ticks = end.ticks + 1;
  if (end.ticks % 2 == 1) return;  // Interrupts, and nothing else.
  const size_t wanted = std::min(kPieceBytes, end.bytes.size() - end.done);
  if (wanted == 0) return;
  uint8_t* const place = end.bytes.data() + end.done;
  const ssize_t count = end.reads ? ::read(end.fd, place, wanted)
                                  : ::write(end.fd, place, wanted);
  if (count > 0) end.done += static_cast<size_t>(count);
}

class InterruptedPipeTest : public testing::Test {
 protected:
  InterruptedPipeTest() {
    std::array<int, 2> ends = {-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    read_end_.Reset(ends[0]);
    write_end_.Reset(ends[1]);
    // A page: more does not fit.
    EXPECT_GE(::fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    other_end = &other_end_;
  }
  ~InterruptedPipeTest() override {
    const itimerval none = {};
    EXPECT_EQ(::setitimer(ITIMER_REAL, &none, nullptr), 0);
    EXPECT_EQ(::sigaction(SIGALRM, &before_, nullptr), 0);
    other_end = nullptr;
  }
  void StartTicks(const UniqueFd& fd, bool reads) {
    EXPECT_EQ(::fcntl(fd.UnsafeFd(), F_SETFL, O_NONBLOCK), 0);
    other_end_.fd = fd.UnsafeFd();
    other_end_.reads = reads;
    struct sigaction action = {};
    action.sa_handler = OnTick;
    EXPECT_EQ(::sigaction(SIGALRM, &action, &before_), 0);
    EXPECT_EQ(::setitimer(ITIMER_REAL, &kTicks, nullptr), 0);
  }

  UniqueFd read_end_;
  UniqueFd write_end_;
  OtherEnd other_end_;
  struct sigaction before_ = {};
};

TEST_F(InterruptedPipeTest, ReadingGoesOnAfterShortReadsAndSignals) {
  std::vector<uint8_t> bytes(kBytes);
  StartTicks(write_end_, false);
  const Result<size_t> read = ReadFully(read_end_.UnsafeFd(), bytes, "read");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, kBytes);
  EXPECT_EQ(bytes, Numbers());
  const int ticks = other_end_.ticks;
  EXPECT_GE(ticks, int{2 * kBytes / kPieceBytes});
}

TEST_F(InterruptedPipeTest, WritingGoesOnAfterShortWritesAndSignals) {
  std::fill(other_end_.bytes.begin(), other_end_.bytes.end(), uint8_t{0});
  StartTicks(read_end_, true);
  const Result<bool> written =
      WriteFully(write_end_.UnsafeFd(), Numbers(), "write");
  ASSERT_TRUE(written) << written.error().message;
  // What is left in the pipe is read by and by.
  while (other_end_.done < kBytes && other_end_.ticks < kTicksMax) {
    (void)::pause();
  }
  EXPECT_EQ(other_end_.bytes, Numbers());
}

TEST_F(InterruptedPipeTest, AReaderThatIsGoneIsAnError) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  read_end_.Reset();
  const Result<bool> written =
      WriteFully(write_end_.UnsafeFd(), Numbers(), "write to nobody");
  (void)::signal(SIGPIPE, before);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().error_number, EPIPE);
  EXPECT_THAT(written.error().message, HasSubstr("write to nobody: "));
}

class TransferredFileTest : public testing::Test {
 protected:
  TransferredFileTest() {
    Result<UniqueFd> file = CreateMemoryFile("transfer");
    EXPECT_TRUE(file);
    file_ = std::move(*file);
  }
  ~TransferredFileTest() override { before_read = nullptr; }
  int fd() const { return file_.UnsafeFd(); }

 private:
  UniqueFd file_;
};

TEST_F(TransferredFileTest, AnOffsetLeavesThePlaceOfTheDescriptorAlone) {
  ASSERT_TRUE(WriteFully(fd(), AsBytes("abc"), "write"));
  ASSERT_TRUE(WriteFully(fd(), AsBytes("BC"), "write", 1));
  ASSERT_TRUE(WriteFully(fd(), AsBytes("d"), "write"));
  std::array<uint8_t, 4> all = {};
  EXPECT_EQ(ReadFully(fd(), all, "read", 0).value(), 4U);
  EXPECT_EQ(AsText(all), "aBCd");
  EXPECT_EQ(::lseek(fd(), 0, SEEK_CUR), 4);
}

TEST_F(TransferredFileTest, ReadsFromAnOffsetInAsManyPiecesAsItTakes) {
  ASSERT_TRUE(WriteFully(fd(), Numbers(), "write"));
  size_t reads = 0;
  before_read = [&reads](Read& read) {
    read.bytes = std::min<size_t>(read.bytes, 999);
    errno = EINTR;
    return ++reads % 2 == 0;
  };
  std::vector<uint8_t> bytes(kBytes - 5);
  const Result<size_t> read = ReadFully(fd(), bytes, "read", 5);
  before_read = nullptr;
  ASSERT_TRUE(read) << read.error().message;
  const std::vector<uint8_t> numbers = Numbers();
  EXPECT_EQ(bytes, std::vector<uint8_t>(numbers.begin() + 5, numbers.end()));
  EXPECT_GE(reads, 2 * (kBytes / 999));
}

TEST_F(TransferredFileTest, TheEndOfTheFileIsNoErrorAndShows) {
  ASSERT_TRUE(WriteFully(fd(), AsBytes("abc"), "write", 0));
  std::array<uint8_t, 8> bytes = {};
  EXPECT_EQ(ReadFully(fd(), bytes, "read", 1).value(), 2U);
  EXPECT_EQ(bytes.at(1), 'c');
  EXPECT_EQ(ReadFully(fd(), bytes, "read", 3).value(), 0U);
  EXPECT_EQ(ReadFully(fd(), bytes, "read").value(), 3U);
  EXPECT_EQ(ReadFully(fd(), bytes, "read").value(), 0U);
}

TEST_F(TransferredFileTest, ErrorsSayWhatWasAttempted) {
  std::array<uint8_t, 1> byte = {};
  const Result<size_t> read = ReadFully(-1, byte, "read nothing", 0);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().error_number, EBADF);
  EXPECT_THAT(read.error().message, HasSubstr("read nothing: "));
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const Result<bool> written = WriteFully(full.UnsafeFd(), byte, "fill", 0);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().error_number, ENOSPC);
  // Nothing is nothing to fail at.
  EXPECT_TRUE(WriteFully(-1, {}, "write"));
}

}  // namespace
}  // namespace gatehouse
