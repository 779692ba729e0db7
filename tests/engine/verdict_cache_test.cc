// VerdictCache: what is remembered and when it is void. The rules about files
// are tried on files; the table against a map.
#include "engine/verdict_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/file_system_facts.h"
#include "base/unique_fd.h"
#include "base/writer_probe.h"
#include "tests/engine/file_of_bytes.h"

namespace gatehouse {
namespace {

constexpr uint64_t kGeneration = 7;

FileState StateOfFd(int fd) {
  struct stat status = {};
  EXPECT_EQ(::fstat(fd, &status), 0);
  return StateOf(status);
}

Verdict Clean() {
  Verdict verdict;
  verdict.kind = VerdictKind::kClean;
  verdict.generation = kGeneration;
  return verdict;
}

UniqueFd ReadOnlyFile() {
  const UniqueFd writer = FileOf("harmless");
  const std::string path = "/proc/self/fd/" + std::to_string(writer.UnsafeFd());
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

FileState Made(uint64_t inode, int64_t changed_ns = 0) {
  return {1, inode, 10, 0, changed_ns};
}

class VerdictCacheTest : public testing::Test {
 protected:
  VerdictCacheTest() : cache_(statistics_) {
    cache_.SetGeneration(kGeneration);
  }

  // As the source of events does, for a file that changed long ago.
  FileSnapshot Begin(int fd) const {
    const FileState state = StateOfFd(fd);
    FileSnapshot snapshot =
        cache_.Begin(state, state.changed_ns + 2 * kTimestampStepNs);
    snapshot.is_truthful = TellsWriters(fd);
    snapshot.is_quiet = !HasWriter(fd);
    return snapshot;
  }
  void Insert(VerdictCache& cache, const FileState& state) const {
    cache.Insert(cache.Begin(state, 0), {});
  }
  bool Knows(int fd) { return cache_.Find(StateOfFd(fd)).has_value(); }

  UniqueFd OpenWriter() const {
    return UniqueFd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  }

  // In memory, whose file system is tmpfs: nobody has it open for writing.
  const UniqueFd file_ = ReadOnlyFile();
  const int fd_ = file_.UnsafeFd();
  const std::string path_ = "/proc/self/fd/" + std::to_string(fd_);
  VerdictCacheStatistics statistics_;
  VerdictCache cache_;
};

TEST_F(VerdictCacheTest, RemembersAFileThatNobodyCouldWrite) {
  EXPECT_FALSE(Knows(fd_));
  cache_.Remember(fd_, Begin(fd_), Clean());
  EXPECT_TRUE(Knows(fd_));
  EXPECT_EQ(statistics_.insertions.load(), 1U);
  EXPECT_EQ(statistics_.misses.load(), 1U);
}

TEST_F(VerdictCacheTest, RemembersNothingButClean) {
  for (const VerdictKind kind :
       {VerdictKind::kInfected, VerdictKind::kSuspicious,
        VerdictKind::kNotScanned, VerdictKind::kError}) {
    Verdict verdict = Clean();
    verdict.kind = kind;
    cache_.Remember(fd_, Begin(fd_), verdict);
  }
  EXPECT_FALSE(Knows(fd_));
}

TEST_F(VerdictCacheTest, RefusesWhereTheProbeIsNotToBeTrusted) {
  FileSnapshot before = Begin(fd_);
  before.is_truthful = false;
  cache_.Remember(fd_, before, Clean());
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(statistics_.refused_file_system.load(), 1U);
}

TEST_F(VerdictCacheTest, RefusesAFileWhosePagesMayBePinned) {
  FileSnapshot before = Begin(fd_);
  before.is_pinnable = true;
  cache_.Remember(fd_, before, Clean());
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(statistics_.refused_pinnable.load(), 1U);
}

TEST_F(VerdictCacheTest, RemembersNothingWithoutASnapshot) {
  cache_.Remember(fd_, {}, Clean());
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(statistics_.refused_file_system.load(), 0U);
}

TEST_F(VerdictCacheTest, KnowsWhatIsWriteProtected) {
  cache_.Insert(cache_.Begin(Made(1), 0), {true});
  cache_.Insert(cache_.Begin(Made(2), 0), {false});
  EXPECT_TRUE(cache_.Find(Made(1))->is_write_protected);
  EXPECT_FALSE(cache_.Find(Made(2))->is_write_protected);
}

TEST_F(VerdictCacheTest, RefusesAFileThatHadAWriterBefore) {
  UniqueFd writer = OpenWriter();
  const FileSnapshot before = Begin(fd_);
  writer.Reset();
  cache_.Remember(fd_, before, Clean());
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(statistics_.refused_writer.load(), 1U);
}

TEST_F(VerdictCacheTest, RefusesAFileThatHasAWriterAfter) {
  const FileSnapshot before = Begin(fd_);
  const UniqueFd writer = OpenWriter();
  cache_.Remember(fd_, before, Clean());
  EXPECT_FALSE(cache_.IsUnchanged(fd_, before));
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(statistics_.refused_writer.load(), 1U);
}

TEST_F(VerdictCacheTest, RefusesAFileThatIsMappedWritable) {
  const FileSnapshot before = Begin(fd_);
  UniqueFd writer = OpenWriter();
  void* memory =
      ::mmap(nullptr, 1, PROT_WRITE, MAP_SHARED, writer.UnsafeFd(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  writer.Reset();
  cache_.Remember(fd_, before, Clean());
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(::munmap(memory, 1), 0);
}

TEST_F(VerdictCacheTest, RefusesAFileThatChangedMeanwhile) {
  const FileSnapshot before = Begin(fd_);
  ASSERT_EQ(::truncate(path_.c_str(), 3), 0);
  EXPECT_FALSE(cache_.IsUnchanged(fd_, before));
  cache_.Remember(fd_, before, Clean());
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(statistics_.refused_changed.load(), 1U);
}

TEST_F(VerdictCacheTest, RefusesAFileThatChangedAMomentBefore) {
  const FileState state = StateOfFd(fd_);
  FileSnapshot before =
      cache_.Begin(state, state.changed_ns + kTimestampStepNs);
  before.is_truthful = before.is_quiet = true;
  cache_.Remember(fd_, before, Clean());
  EXPECT_FALSE(cache_.IsUnchanged(fd_, before));
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(statistics_.refused_fresh.load(), 1U);
}

TEST_F(VerdictCacheTest, RefusesAFileThatWasOpenedForWritingMeanwhile) {
  const FileSnapshot before = Begin(fd_);
  cache_.Touch(before.state);
  EXPECT_FALSE(cache_.IsUnchanged(fd_, before));
  cache_.Remember(fd_, before, Clean());
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(statistics_.refused_touched.load(), 1U);
}

TEST_F(VerdictCacheTest, RefusesTheVerdictOfOtherSignatures) {
  const FileSnapshot before = Begin(fd_);
  cache_.SetGeneration(kGeneration + 1);
  cache_.Remember(fd_, before, Clean());
  EXPECT_FALSE(Knows(fd_));
  EXPECT_EQ(statistics_.refused_generation.load(), 1U);
}

TEST_F(VerdictCacheTest, IsUnchangedIsTrueOfAFileThatNobodyTouched) {
  EXPECT_TRUE(cache_.IsUnchanged(fd_, Begin(fd_)));
}

TEST_F(VerdictCacheTest, AnyOtherStateIsUnknown) {
  Insert(cache_, Made(1));
  EXPECT_TRUE(cache_.Find(Made(1)));
  for (auto change : {&FileState::device, &FileState::inode}) {
    FileState other = Made(1);
    ++(other.*change);
    EXPECT_FALSE(cache_.Find(other));
  }
  for (auto change :
       {&FileState::bytes, &FileState::modified_ns, &FileState::changed_ns}) {
    FileState other = Made(1);
    ++(other.*change);
    EXPECT_FALSE(cache_.Find(other));
  }
}

TEST_F(VerdictCacheTest, ATouchForgetsTheFileAndNoOther) {
  Insert(cache_, Made(1));
  Insert(cache_, Made(2));
  cache_.Touch(Made(1, 99));  // In whatever state it is now.
  EXPECT_FALSE(cache_.Find(Made(1)));
  EXPECT_TRUE(cache_.Find(Made(2)));
}

TEST_F(VerdictCacheTest, AClearForgetsAllAndWhatIsBeingScanned) {
  Insert(cache_, Made(1));
  const FileSnapshot before = cache_.Begin(Made(2), 0);
  cache_.Clear();
  cache_.Insert(before, {});
  EXPECT_FALSE(cache_.Find(Made(1)));
  EXPECT_FALSE(cache_.Find(Made(2)));
}

TEST_F(VerdictCacheTest, OtherSignaturesForgetAll) {
  Insert(cache_, Made(1));
  cache_.SetGeneration(kGeneration);
  EXPECT_TRUE(cache_.Find(Made(1)));
  cache_.SetGeneration(kGeneration + 1);
  EXPECT_FALSE(cache_.Find(Made(1)));
}

TEST_F(VerdictCacheTest, WhatIsFullForgetsWhatWasNotUsedForLongest) {
  VerdictCache small(statistics_, 8);  // One set.
  for (uint64_t inode = 1; inode <= 8; ++inode) Insert(small, Made(inode));
  EXPECT_TRUE(small.Find(Made(1)));
  Insert(small, Made(9));
  EXPECT_TRUE(small.Find(Made(1)));
  EXPECT_FALSE(small.Find(Made(2)));
  EXPECT_TRUE(small.Find(Made(9)));
  EXPECT_EQ(statistics_.evictions.load(), 1U);
}

TEST_F(VerdictCacheTest, ANewStateOfAFileTakesThePlaceOfTheOld) {
  VerdictCache small(statistics_, 8);
  for (uint64_t inode = 1; inode <= 8; ++inode) Insert(small, Made(inode));
  Insert(small, Made(3, 77));
  EXPECT_EQ(statistics_.evictions.load(), 0U);
  EXPECT_FALSE(small.Find(Made(3)));
  EXPECT_TRUE(small.Find(Made(3, 77)));
}

// What a map that never forgets says "unknown" to must be unknown; and as long
// as no set overflows, the other way round too.
TEST_F(VerdictCacheTest, AgreesWithAMap) {
  std::mt19937_64 random(20261125);
  VerdictCache cache(statistics_);
  std::map<uint64_t, FileState> oracle;
  std::map<uint64_t, std::pair<FileSnapshot, bool>> scans;  // And still good.
  size_t known = 0;
  for (int step = 0; step < 200'000; ++step) {
    const uint64_t inode = random() % 60;
    const FileState state = Made(inode, static_cast<int64_t>(random() % 4));
    const uint64_t action = random() % 1000;
    if (action == 0) {
      cache.Clear();
      oracle.clear();
      for (auto& [ignored, scan] : scans) scan.second = false;
    } else if (action < 50) {
      cache.Touch(state);
      oracle.erase(inode);
      if (scans.contains(inode)) scans.at(inode).second = false;
    } else if (action < 300) {
      scans[inode] = {cache.Begin(state, 0), true};
    } else if (action < 500 && scans.contains(inode)) {
      const auto [snapshot, is_good] = scans.at(inode);
      cache.Insert(snapshot, {});
      // A void entry takes the place of the file's last one.
      oracle.erase(inode);
      if (is_good) oracle[inode] = snapshot.state;
      scans.erase(inode);
    } else {
      const auto found = oracle.find(inode);
      const bool expected = found != oracle.end() && found->second == state;
      ASSERT_EQ(cache.Find(state).has_value(), expected) << step;
      known += expected ? 1 : 0;
    }
  }
  EXPECT_GT(known, 1000U);
}

// For ThreadSanitizer; and nothing that was touched last is ever known.
TEST_F(VerdictCacheTest, ThreadsNeverFindWhatWasTouchedAfterItsScanBegan) {
  VerdictCache small(statistics_, 64);
  std::atomic<int> wrong{0};
  const auto work = [&](uint64_t inode) {
    for (int i = 0; i < 20'000; ++i) {
      const FileState own = Made(inode, i);
      const FileSnapshot before = small.Begin(own, 0);
      if (i % 2 == 0) small.Touch(own);
      small.Insert(before, {});
      if (i % 2 == 0 && small.Find(own)) wrong.fetch_add(1);
      (void)small.Find(Made(inode + 1, i));
      if (i % 1000 == 0) small.Clear();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (uint64_t inode = 0; inode < 4; ++inode) {
      threads.emplace_back(work, inode);
    }
  }
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_GT(statistics_.insertions.load(), 0U);
}

}  // namespace
}  // namespace gatehouse
