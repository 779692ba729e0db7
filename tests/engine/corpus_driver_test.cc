#include "engine/corpus_driver.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "tests/eicar_text.h"
#include "tests/engine/signatures_for_tests.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr uid_t kNobody = 65534;

// Keeps every verdict that is not clean, and how often each path was reported.
class CollectingSink {
 public:
  void OnVerdict(FileEvent event, const Verdict& verdict) {
    EXPECT_EQ(event.kind, FileEventKind::kCorpus);
    const std::string path(event.unsafe_path);
    if (on_verdict) on_verdict(path);
    const MutexLock lock(mutex_);
    ++reports_[path];
    switch (verdict.kind) {
      case VerdictKind::kClean:
        break;
      case VerdictKind::kInfected:
      case VerdictKind::kSuspicious:
        threats[path] = verdict.threat_name;
        break;
      case VerdictKind::kNotScanned:
        not_scanned[path] = ReasonWord(verdict.reason);
        break;
      case VerdictKind::kError:
        errors[path] = verdict.error_number;
        break;
    }
  }

  void ExpectEachPathOnce(size_t count) {
    const MutexLock lock(mutex_);
    EXPECT_THAT(reports_, SizeIs(count));
    for (const auto& [path, times] : reports_) EXPECT_EQ(times, 1) << path;
  }

  // Read these after the scan.
  std::map<std::string, std::string> threats;
  std::map<std::string, std::string> not_scanned;
  std::map<std::string, int> errors;
  // Called first, by many threads.
  std::function<void(const std::string&)> on_verdict;

 private:
  Mutex mutex_;
  std::map<std::string, int> reports_ GATEHOUSE_GUARDED_BY(mutex_);
};

class CorpusDriverTest : public testing::Test {
 protected:
  Result<CorpusCounts> TryScan(const std::string& path, size_t threads = 2,
                               std::stop_token cancel = {}) {
    auto driver = CorpusDriver::Create(MakeSet({Body("Marker", "mark-me")}),
                                       {threads, std::move(cancel)});
    EXPECT_TRUE(driver.has_value());
    return (*driver)->Scan(path, SinkRef(sink_));
  }
  CorpusCounts Scan(const std::string& path, size_t threads = 2,
                    std::stop_token cancel = {}) {
    const Result<CorpusCounts> counts =
        TryScan(path, threads, std::move(cancel));
    EXPECT_TRUE(counts.has_value());
    return counts.value_or(CorpusCounts());
  }

  TempDir folder_;
  CollectingSink sink_;
};

TEST_F(CorpusDriverTest, FindsThreatsInATree) {
  (void)folder_.Write("clean", "nothing");
  (void)folder_.MakeDirectory("a");
  (void)folder_.MakeDirectory("a/b");
  (void)folder_.Write("a/marker", "xx mark-me xx");
  (void)folder_.Write("a/b/eicar.com", EicarText());
  const CorpusCounts counts = Scan(folder_.path());
  EXPECT_THAT(sink_.threats,
              ElementsAre(Pair(folder_.Path("a/b/eicar.com"),
                               "Virus:DOS/EICAR_Test_File"),
                          Pair(folder_.Path("a/marker"), "Marker")));
  EXPECT_EQ(counts.files_scanned, 3U);
  EXPECT_EQ(counts.threats, 2U);
  EXPECT_EQ(counts.directories, 3U);
  EXPECT_EQ(counts.bytes_scanned, 7U + 13U + 68U);
  EXPECT_FALSE(counts.is_cancelled);
  sink_.ExpectEachPathOnce(3);
}

TEST_F(CorpusDriverTest, AnEmptyDirectoryHasNothingToScan) {
  const CorpusCounts counts = Scan(folder_.path());
  EXPECT_EQ(counts.files_scanned, 0U);
  EXPECT_EQ(counts.directories, 1U);
}

TEST_F(CorpusDriverTest, CanScanTwice) {
  (void)folder_.Write("marker", "mark-me");
  auto driver = CorpusDriver::Create(MakeSet({Body("M", "mark-me")}), {2, {}});
  ASSERT_TRUE(driver.has_value());
  for (int i = 0; i < 2; ++i) {
    const auto counts = (*driver)->Scan(folder_.path(), SinkRef(sink_));
    ASSERT_TRUE(counts.has_value());
    EXPECT_EQ(counts->files_scanned, 1U);
    EXPECT_EQ(counts->threats, 1U);
  }
}

TEST_F(CorpusDriverTest, ScansASingleFile) {
  const std::string path = folder_.Write("marker", "mark-me");
  EXPECT_EQ(Scan(path).files_scanned, 1U);
  EXPECT_THAT(sink_.threats, ElementsAre(Pair(path, "Marker")));
}

TEST_F(CorpusDriverTest, FollowsALinkThatTheUserNamed) {
  (void)folder_.MakeDirectory("a");
  (void)folder_.Write("a/marker", "mark-me");
  const std::string to_directory = folder_.Path("directory");
  const std::string to_file = folder_.Path("file");
  ASSERT_EQ(::symlink("a", to_directory.c_str()), 0);
  ASSERT_EQ(::symlink("a/marker", to_file.c_str()), 0);
  EXPECT_EQ(Scan(to_directory).threats, 1U);
  EXPECT_EQ(Scan(to_file).threats, 1U);
  EXPECT_THAT(sink_.threats,
              UnorderedElementsAre(Pair(to_directory + "/marker", "Marker"),
                                   Pair(to_file, "Marker")));
}

TEST_F(CorpusDriverTest, ShowsPathsWithoutDoubleSlashes) {
  (void)folder_.Write("marker", "mark-me");
  (void)Scan(folder_.path() + "//");
  EXPECT_THAT(sink_.threats,
              ElementsAre(Pair(folder_.Path("marker"), "Marker")));
}

TEST_F(CorpusDriverTest, AMissingPathIsAnError) {
  const Result<CorpusCounts> counts = TryScan(folder_.Path("none\n"));
  ASSERT_FALSE(counts.has_value());
  EXPECT_EQ(counts.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(counts.error().message, HasSubstr("none\\n"));
}

TEST_F(CorpusDriverTest, AnEmptyPathIsAnError) {
  EXPECT_FALSE(TryScan("").has_value());
}

TEST_F(CorpusDriverTest, TooManyThreadsAreAnError) {
  EXPECT_FALSE(CorpusDriver::Create(MakeSet({}), {kCorpusThreadsMax + 1, {}})
                   .has_value());
}

TEST_F(CorpusDriverTest, NeverOpensWhatIsNoFile) {
  ASSERT_EQ(::mkfifo(folder_.Path("fifo").c_str(), 0600), 0);
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = folder_.Path("socket");
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  path.copy(address.sun_path, path.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): its interface.
  ASSERT_EQ(::bind(listener.UnsafeFd(), reinterpret_cast<sockaddr*>(&address),
                   sizeof(address)),
            0);
  const CorpusCounts counts = Scan(folder_.path());
  EXPECT_THAT(sink_.not_scanned,
              ElementsAre(Pair(folder_.Path("fifo"), "not_regular_file"),
                          Pair(path, "not_regular_file")));
  EXPECT_EQ(counts.not_scanned, 2U);
  EXPECT_EQ(counts.errors, 0U);
}

TEST_F(CorpusDriverTest, AFifoOrADeviceAsPathIsNotScanned) {
  const std::string fifo = folder_.Path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(Scan(fifo).not_scanned, 1U);
  EXPECT_EQ(Scan("/dev/zero").not_scanned, 1U);
  EXPECT_THAT(sink_.not_scanned,
              UnorderedElementsAre(Pair(fifo, "not_regular_file"),
                                   Pair("/dev/zero", "not_regular_file")));
}

TEST_F(CorpusDriverTest, DevicesInsideATreeAreNotScanned) {
  // A folder with nothing but character devices, on every Linux.
  const CorpusCounts counts = Scan("/dev/cpu");
  EXPECT_EQ(counts.errors, 0U);
  EXPECT_EQ(counts.files_scanned, 0U);
}

TEST_F(CorpusDriverTest, CountsLinksInsideATreeAndFollowsNone) {
  (void)folder_.MakeDirectory("a");
  ASSERT_EQ(::symlink("..", folder_.Path("a/up").c_str()), 0);
  ASSERT_EQ(::symlink("self", folder_.Path("self").c_str()), 0);
  ASSERT_EQ(::symlink("/etc/passwd", folder_.Path("file").c_str()), 0);
  const CorpusCounts counts = Scan(folder_.path());
  EXPECT_EQ(counts.symbolic_links, 3U);
  EXPECT_EQ(counts.files_scanned, 0U);
  EXPECT_EQ(counts.not_scanned, 0U);
}

TEST_F(CorpusDriverTest, KeepsTheBytesOfStrangeNames) {
  const std::string names[] = {"new\nline",        "escape\x1b[31m",
                               "not-utf8\xff\xfe", "'quoted\"",
                               " blank ",          "back\\slash"};
  for (const std::string& name : names) (void)folder_.Write(name, EicarText());
  EXPECT_EQ(Scan(folder_.path()).threats, 6U);
  for (const std::string& name : names) {
    EXPECT_EQ(sink_.threats.count(folder_.Path(name)), 1U) << name;
  }
}

TEST_F(CorpusDriverTest, PseudoFileSystemsAreNotScanned) {
  EXPECT_EQ(Scan("/proc").not_scanned, 1U);
  EXPECT_EQ(Scan("/proc/self/status").not_scanned, 1U);
  EXPECT_EQ(Scan("/sys/kernel").not_scanned, 1U);
  EXPECT_THAT(
      sink_.not_scanned,
      UnorderedElementsAre(Pair("/proc", "pseudo_file_system"),
                           Pair("/proc/self/status", "pseudo_file_system"),
                           Pair("/sys/kernel", "pseudo_file_system")));
}

// Root reads everything: give that up for the time of a scan.
class AsNobody {
 public:
  AsNobody() { EXPECT_EQ(was_root_ ? ::seteuid(kNobody) : 0, 0); }
  ~AsNobody() { EXPECT_EQ(was_root_ ? ::seteuid(0) : 0, 0); }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  const bool was_root_ = ::geteuid() == 0;
};

TEST_F(CorpusDriverTest, ReportsWhatItMayNotRead) {
  const std::string directory = folder_.MakeDirectory("closed");
  const std::string file = folder_.Write("secret", "mark-me");
  (void)folder_.Write("open", "mark-me");
  ASSERT_EQ(::chmod(directory.c_str(), 0), 0);
  ASSERT_EQ(::chmod(file.c_str(), 0), 0);
  const AsNobody as_nobody;
  const CorpusCounts counts = Scan(folder_.path());
  EXPECT_THAT(sink_.errors,
              ElementsAre(Pair(directory, EACCES), Pair(file, EACCES)));
  EXPECT_EQ(counts.errors, 2U);
  EXPECT_EQ(counts.threats, 1U);
  const Result<CorpusCounts> closed = TryScan(directory);
  ASSERT_FALSE(closed.has_value());
  EXPECT_EQ(closed.error().code, ErrorCode::kNotPermitted);
}

TEST_F(CorpusDriverTest, AFileThatVanishesIsNotScanned) {
  for (int i = 0; i < 5; ++i) {
    (void)folder_.Write("file" + std::to_string(i), "x");
  }
  // The names are known when the first verdict comes; the others then vanish.
  sink_.on_verdict = [this](const std::string& reported) {
    for (int i = 0; i < 5; ++i) {
      const std::string path = folder_.Path("file" + std::to_string(i));
      if (path != reported) (void)::unlink(path.c_str());
    }
  };
  const CorpusCounts counts = Scan(folder_.path(), 1);
  EXPECT_EQ(counts.files_scanned, 1U);
  EXPECT_EQ(counts.not_scanned, 4U);
  EXPECT_EQ(sink_.not_scanned.begin()->second, "vanished");
}

TEST_F(CorpusDriverTest, ADirectoryThatVanishesIsNotScanned) {
  const std::string directory = folder_.MakeDirectory("a");
  (void)folder_.Write("first", "x");
  sink_.on_verdict = [&](const std::string&) {
    (void)::rmdir(directory.c_str());
  };
  EXPECT_EQ(Scan(folder_.path(), 1).not_scanned, 1U);
  EXPECT_THAT(sink_.not_scanned, ElementsAre(Pair(directory, "vanished")));
}

TEST_F(CorpusDriverTest, DoesNotFollowALinkThatReplacesAFileOrADirectory) {
  const TempDir elsewhere;
  (void)elsewhere.Write("marker", "mark-me");
  const std::string directory = folder_.MakeDirectory("a");
  (void)folder_.Write("one", "x");
  (void)folder_.Write("two", "x");
  sink_.on_verdict = [&](const std::string& reported) {
    const std::string marker = elsewhere.Path("marker");
    for (const char* name : {"one", "two"}) {
      const std::string path = folder_.Path(name);
      if (path == reported) continue;
      (void)::unlink(path.c_str());
      EXPECT_EQ(::symlink(marker.c_str(), path.c_str()), 0);
    }
    (void)::rmdir(directory.c_str());
    EXPECT_EQ(::symlink(elsewhere.path().c_str(), directory.c_str()), 0);
    sink_.on_verdict = nullptr;
  };
  const CorpusCounts counts = Scan(folder_.path(), 1);
  EXPECT_THAT(sink_.threats, IsEmpty());
  EXPECT_EQ(counts.files_scanned, 1U);
  EXPECT_EQ(counts.not_scanned, 2U);
}

TEST_F(CorpusDriverTest, ScansEachFileOfABigFlatDirectoryOnce) {
  constexpr int kFiles = 2000;  // More names than one listing takes.
  for (int i = 0; i < kFiles; ++i) {
    (void)folder_.Write("a-file-with-a-longer-name-" + std::to_string(i),
                        i % 1000 == 7 ? "mark-me" : "x");
  }
  const CorpusCounts counts = Scan(folder_.path());
  EXPECT_EQ(counts.files_scanned, uint64_t{kFiles});
  EXPECT_EQ(counts.threats, 2U);
  EXPECT_EQ(counts.directories, 1U);
  sink_.ExpectEachPathOnce(kFiles);
}

TEST_F(CorpusDriverTest, EntersEachOfVeryManyDirectoriesOnce) {
  constexpr int kDirectories = 1000;
  for (int i = 0; i < kDirectories; ++i) {
    const std::string name = "a-rather-long-name-" + std::to_string(i);
    (void)folder_.MakeDirectory(name);
    (void)folder_.Write(name + "/file", "x");
  }
  const CorpusCounts counts = Scan(folder_.path());
  EXPECT_EQ(counts.directories, uint64_t{kDirectories} + 1);
  sink_.ExpectEachPathOnce(kDirectories);
}

// Lets nobody pass before two different threads have arrived.
class MeetingPoint {
 public:
  void Arrive() {
    const MutexLock lock(mutex_);
    threads_.insert(std::this_thread::get_id());
    arrived_.NotifyAll();
    const auto give_up = MonotonicClock::now() + std::chrono::seconds(30);
    while (threads_.size() < 2 && MonotonicClock::now() < give_up) {
      arrived_.WaitFor(mutex_, std::chrono::seconds(1));
    }
  }
  size_t threads() {
    const MutexLock lock(mutex_);
    return threads_.size();
  }

 private:
  Mutex mutex_;
  CondVar arrived_;
  std::set<std::thread::id> threads_ GATEHOUSE_GUARDED_BY(mutex_);
};

TEST_F(CorpusDriverTest, TwoThreadsShareOneFlatDirectory) {
  for (int i = 0; i < 10; ++i) {
    (void)folder_.Write("file" + std::to_string(i), "x");
  }
  MeetingPoint meeting;
  sink_.on_verdict = [&](const std::string&) { meeting.Arrive(); };
  (void)Scan(folder_.path());
  EXPECT_EQ(meeting.threads(), 2U);
}

TEST_F(CorpusDriverTest, ACancelledScanStopsAndSaysSo) {
  for (int i = 0; i < 100; ++i) {
    (void)folder_.Write("file" + std::to_string(i), "x");
  }
  std::stop_source cancel;
  sink_.on_verdict = [&](const std::string&) { (void)cancel.request_stop(); };
  const CorpusCounts counts = Scan(folder_.path(), 1, cancel.get_token());
  EXPECT_TRUE(counts.is_cancelled);
  EXPECT_EQ(counts.files_scanned, 1U);
}

// Lowers the limit of open descriptors.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit lowered = {limit, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &lowered), 0);
  }
  ~DescriptorLimit() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_ = {};
};

// A chain of directories "d", each with a sibling "s" that holds a file. Its
// paths are far longer than the kernel takes in one call.
class DeepTree {
 public:
  DeepTree(const TempDir& folder, int depth) : depth_(depth) {
    root_.Reset(::open(folder.path().c_str(), O_RDONLY | O_CLOEXEC));
    UniqueFd at(::openat(root_.UnsafeFd(), ".", O_RDONLY | O_CLOEXEC));
    for (int i = 0; i < depth; ++i) {
      EXPECT_EQ(::mkdirat(at.UnsafeFd(), "d", 0755), 0);
      EXPECT_EQ(::mkdirat(at.UnsafeFd(), "s", 0755), 0);
      const UniqueFd file(
          ::openat(at.UnsafeFd(), "s/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
      EXPECT_EQ(::write(file.UnsafeFd(), "mark-me", 7), 7);
      at.Reset(::openat(at.UnsafeFd(), "d", O_RDONLY | O_CLOEXEC));
    }
  }
  // From the top, by moving the rest of the chain up each time.
  ~DeepTree() {
    const int root = root_.UnsafeFd();
    for (int i = 0; i < depth_; ++i) {
      EXPECT_EQ(::unlinkat(root, "s/f", 0), 0);
      EXPECT_EQ(::unlinkat(root, "s", AT_REMOVEDIR), 0);
      EXPECT_EQ(::renameat(root, "d", root, "old"), 0);
      if (i + 1 < depth_) {
        EXPECT_EQ(::renameat(root, "old/d", root, "d"), 0);
        EXPECT_EQ(::renameat(root, "old/s", root, "s"), 0);
      }
      EXPECT_EQ(::unlinkat(root, "old", AT_REMOVEDIR), 0);
    }
  }
  DeepTree(const DeepTree&) = delete;
  DeepTree& operator=(const DeepTree&) = delete;

 private:
  const int depth_;
  UniqueFd root_;
};

TEST_F(CorpusDriverTest, ScansATreeOfDepth5000WithFewDescriptors) {
  constexpr int kDepth = 5000;
  const DeepTree tree(folder_, kDepth);
  const DescriptorLimit limit(256);
  const CorpusCounts counts = Scan(folder_.path());
  EXPECT_EQ(counts.files_scanned, uint64_t{kDepth});
  EXPECT_EQ(counts.threats, uint64_t{kDepth});
  EXPECT_EQ(counts.directories, uint64_t{2 * kDepth} + 1);
  EXPECT_EQ(counts.errors, 0U);
  EXPECT_EQ(counts.not_scanned, 0U);
  sink_.ExpectEachPathOnce(kDepth);
}

TEST_F(CorpusDriverTest, EvenTwoDescriptorsPerThreadAreEnough) {
  const DeepTree tree(folder_, 50);
  const DescriptorLimit limit(40);
  const CorpusCounts counts = Scan(folder_.path());
  EXPECT_EQ(counts.threats, 50U);
  EXPECT_EQ(counts.errors, 0U);
}

}  // namespace
}  // namespace gatehouse
