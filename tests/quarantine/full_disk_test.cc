// The threat store on a disk that takes no more.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <cerrno>
#include <string>

#include "quarantine/threat_store.h"
#include "tests/temp_dir.h"

// Not from <unistd.h>, which would declare what is defined below.
extern "C" long syscall(long number, ...);

namespace gatehouse {
namespace {

int writes_left = -1;  // Negative: as many as are wanted.
int writes_refused = 0;

}  // namespace
}  // namespace gatehouse

// SQLite's writes. Replaces that of the C library in the whole program.
// NOLINTNEXTLINE(readability-identifier-naming): the C library's name.
extern "C" ssize_t pwrite64(int fd, const void* buffer, size_t bytes,
                            off_t offset) {
  using gatehouse::writes_left;
  if (writes_left == 0) {
    ++gatehouse::writes_refused;
    errno = ENOSPC;
    return -1;
  }
  if (writes_left > 0) --writes_left;
  return syscall(SYS_pwrite64, fd, buffer, bytes, offset);
}

namespace gatehouse {
namespace {

Threat Found(const std::string& id) {
  Threat threat;
  threat.id = id;
  threat.path = std::string(9000, 'x');  // More than a page.
  threat.history = {{1, ThreatStatus::kDetected, ""}};
  return threat;
}

TEST(FullDiskTest, AFailedChangeChangesNothingAndTheNextOneWorks) {
  const TempDir directory;
  auto opened = ThreatStore::Open(directory.path());
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ThreatStore& store = **opened;
  ASSERT_TRUE(store.Record(Found("before"), "before").has_value());

  int failures = 0;
  for (bool recorded = false; !recorded; ++failures) {
    ASSERT_LT(failures, 1000);
    writes_left = failures;
    const auto id = store.Record(Found("after"), "after");
    writes_left = -1;
    recorded = id.has_value();
    if (!recorded) {
      EXPECT_EQ(id.error().code, ErrorCode::kLimitExceeded);
    }
    EXPECT_EQ(store.List()->size(), recorded ? 2U : 1U);
    EXPECT_TRUE(
        store.AddStatus("before", ThreatStatus::kBlocked, 0, "").has_value());
  }
  EXPECT_GT(failures, 3);
  EXPECT_GE(writes_refused, failures - 1);

  opened->reset();
  const auto again = ThreatStore::Open(directory.path());
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ((*again)->notice(), "");
  EXPECT_EQ((*again)->List()->size(), 2U);
}

TEST(FullDiskTest, WhatWasKeptForRecordsIsUsed) {
  const TempDir directory;
  int asked = 0;
  ThreatStoreOptions options;
  options.make_room = [&asked] {
    ++asked;
    writes_left = -1;  // Somebody gave space away.
    return true;
  };
  auto opened = ThreatStore::Open(directory.path(), options);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  writes_left = 0;
  EXPECT_TRUE((*opened)->Record(Found("full"), "full").has_value());
  EXPECT_EQ(asked, 1);
  EXPECT_EQ((*opened)->List()->size(), 1U);
  // What is wrong otherwise is no reason.
  EXPECT_FALSE((*opened)->Record(Threat(), "nothing").has_value());
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace gatehouse
