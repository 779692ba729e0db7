// FirstLook, on messages without a kernel behind them: the functions of
// event_file.h that it calls are here.
#include "es_adapter/first_look.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/unique_fd.h"
#include "es_adapter/event_file.h"

namespace gatehouse {
namespace {

bool has_writer = false;
bool tells_writers = true;
bool keeps_pinned_pages = false;
int questions = 0;  // Of file systems.

}  // namespace

const es_file_t* EventTarget(const es_message_t& message) {
  return message.event.open.file;
}
bool EventHasWriter(const es_message_t& /*message*/) { return has_writer; }
bool EventTellsWriters(const es_message_t& /*message*/) {
  ++questions;
  return tells_writers;
}
bool EventKeepsPinnedPages(const es_message_t& /*message*/) {
  return keeps_pinned_pages;
}

namespace {

class FirstLookTest : public testing::Test {
 protected:
  FirstLookTest() {
    has_writer = false;
    tells_writers = true;
    keeps_pinned_pages = false;
    questions = 0;
    file_.stat.st_mode = S_IFREG;
    file_.stat.st_dev = 5;
    file_.stat.st_ino = 77;
    file_.stat.st_size = 10;
    message_.event.open.file = &file_;
    message_.time.tv_sec = 1000;  // Long after the file changed.
  }

  // As after a scan.
  void Remember() { verdicts_.Insert(look_.Take(message_), {}); }
  bool IsKnown() { return look_.FindClean(look_.Take(message_)).has_value(); }

  es_file_t file_ = {};
  es_message_t message_ = {};
  VerdictCacheStatistics statistics_;
  VerdictCache verdicts_{statistics_, 64};
  DenyList deny_list_;
  FirstLook look_{{verdicts_, deny_list_, statistics_}};
};

TEST_F(FirstLookTest, TellsWhatIsKnown) {
  EXPECT_FALSE(IsKnown());
  Remember();
  EXPECT_TRUE(IsKnown());
  EXPECT_EQ(statistics_.hits.load(), 1U);
  EXPECT_EQ(statistics_.misses.load(), 1U);
}

TEST_F(FirstLookTest, DescribesTheFile) {
  const FileSnapshot snapshot = look_.Take(message_);
  EXPECT_EQ(snapshot.state, StateOf(file_.stat));
  EXPECT_TRUE(snapshot.is_truthful);
  EXPECT_TRUE(snapshot.is_quiet);
  EXPECT_TRUE(snapshot.is_settled);
}

TEST_F(FirstLookTest, DoesNotBelieveInTheFileOfAWriterNorAfterHim) {
  Remember();
  has_writer = true;
  EXPECT_FALSE(look_.Take(message_).is_quiet);
  EXPECT_FALSE(IsKnown());
  EXPECT_EQ(statistics_.with_writer.load(), 1U);
  has_writer = false;
  EXPECT_FALSE(IsKnown());
}

TEST_F(FirstLookTest, AWriterMakesAScanInProgressVoid) {
  const FileSnapshot before = look_.Take(message_);
  has_writer = true;
  (void)look_.Take(message_);
  has_writer = false;
  verdicts_.Insert(before, {});
  EXPECT_FALSE(IsKnown());
}

TEST_F(FirstLookTest, AClosedWriterMakesItVoidToo) {
  Remember();
  look_.Written(message_);
  EXPECT_FALSE(IsKnown());
}

TEST_F(FirstLookTest, AFileThatIsBeingIsolatedIsNotKnownClean) {
  const UniqueFd evil(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::fstat(evil.UnsafeFd(), &file_.stat), 0);
  file_.stat.st_mode = S_IFREG;
  Remember();
  {
    const auto entry = deny_list_.Add(evil.UnsafeFd(), "Test.Evil");
    EXPECT_FALSE(IsKnown());
    EXPECT_EQ(statistics_.hits_denied.load(), 1U);
  }
  EXPECT_TRUE(IsKnown());
}

TEST_F(FirstLookTest, NothingIsKnownWhereTheFileSystemDoesNotTell) {
  tells_writers = false;
  Remember();
  EXPECT_FALSE(look_.Take(message_).is_truthful);
  EXPECT_FALSE(IsKnown());
}

TEST_F(FirstLookTest, AsksAFileSystemOnceUntilSomethingIsMounted) {
  (void)look_.Take(message_);
  (void)look_.Take(message_);
  EXPECT_EQ(questions, 1);
  file_.stat.st_dev += 32;  // The same place in the table.
  (void)look_.Take(message_);
  EXPECT_EQ(questions, 2);
  verdicts_.Clear();
  tells_writers = false;
  EXPECT_FALSE(look_.Take(message_).is_truthful);
  EXPECT_EQ(questions, 3);
}

TEST_F(FirstLookTest, PagesMayBePinnedByWhoeverCanWriteTheFile) {
  EXPECT_FALSE(look_.Take(message_).is_pinnable);
  verdicts_.Clear();
  keeps_pinned_pages = true;
  EXPECT_FALSE(look_.Take(message_).is_pinnable);  // Of root.
  file_.stat.st_mode = S_IFREG | S_IWGRP;
  EXPECT_TRUE(look_.Take(message_).is_pinnable);
  file_.stat.st_mode = S_IFREG;
  file_.stat.st_uid = 1000;
  EXPECT_TRUE(look_.Take(message_).is_pinnable);
}

TEST_F(FirstLookTest, AnythingButARegularFileIsUnknown) {
  file_.stat.st_mode = S_IFIFO;
  EXPECT_FALSE(look_.Take(message_).is_truthful);
  EXPECT_EQ(questions, 0);
}

}  // namespace
}  // namespace gatehouse
