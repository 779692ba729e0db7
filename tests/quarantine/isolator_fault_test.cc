// Lets every file operation of an isolation fail, once or from then on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/quarantine/isolation_world.h"
#include "tests/quarantine/watched_file_operations.h"

namespace gatehouse {
namespace {

using ::testing::IsEmpty;

using Mounts = IsolationWorld::Mounts;

// More calls than any isolation makes.
constexpr int kCallsMax = 300;
const char* const kName = "threat";

class FailingFileOperations : public WatchedFileOperations {
 public:
  FailingFileOperations(FileOperations& files, int first, int last, int error)
      : WatchedFileOperations(files),
        first_(first),
        last_(last),
        error_(error) {}

  int calls() const { return calls_; }
  const std::set<std::string, std::less<>>& failed() const { return failed_; }

 protected:
  std::optional<Error> Before(std::string_view call) override {
    ++calls_;
    if (calls_ < first_ || calls_ > last_) return std::nullopt;
    failed_.emplace(call);
    Error error{ErrorCode::kOperational, std::string(call) + ": injected"};
    error.error_number = error_;
    return error;
  }

 private:
  const int first_;
  const int last_;
  const int error_;
  int calls_ = 0;
  std::set<std::string, std::less<>> failed_;
};

struct Case {
  std::string_view name;
  Mounts mounts = Mounts::kOne;
  int error = EIO;
  bool is_permanent = false;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class IsolatorFaultTest : public testing::TestWithParam<Case> {};

// The file may end in its place or in the vault; never in neither, never in
// both, never altered, and the next start leaves nothing unfinished.
TEST_P(IsolatorFaultTest, TheFileExistsOnceWhateverFails) {
  const Case& one = GetParam();
  if (one.mounts == Mounts::kTwo && !PrivateMount::IsPossible()) {
    GTEST_SKIP() << "needs root to mount a second file system";
  }
  IsolationWorld world(one.mounts);
  const std::string content = MaliciousContent(100);
  const IsolationWorld::Contents others = {{"innocent", "an innocent file"}};
  for (int call = 1;; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    ASSERT_LT(call, kCallsMax);
    world.Clear();
    world.Put("innocent", "an innocent file");
    world.Put(kName, content);
    LinuxFileOperations linux_files;
    FailingFileOperations files(linux_files, call,
                                one.is_permanent ? kCallsMax : call, one.error);
    auto vault = Vault::Open(world.state(), files);
    if (vault) {
      Isolator isolator(**vault, TestScanner());
      const UniqueFd file = world.Open(kName);
      const Isolation isolation =
          isolator.Isolate({file.UnsafeFd(), "Test.Found", ""});
      // What is said to be in quarantine can be given back.
      if (isolation.status == ThreatStatus::kQuarantined) {
        EXPECT_FALSE(world.InPlace().contains(kName));
      } else {
        EXPECT_THAT(isolation.detail, testing::Not(IsEmpty()));
        // The record says at least where it is, and whose.
        if (files.failed() == std::set<std::string, std::less<>>{"Facts"}) {
          EXPECT_EQ(isolation.header.path, world.PathOf(kName));
        }
      }
      vault->reset();
    }
    (void)world.Recover();
    EXPECT_THAT(world.Wrongs(kName, content, others), IsEmpty())
        << testing::PrintToString(files.failed());
    if (HasFailure() || files.calls() < call) break;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, IsolatorFaultTest,
    testing::Values(Case{"OnceIo"}, Case{"OnceNoSpace", Mounts::kOne, ENOSPC},
                    Case{"OnceExists", Mounts::kOne, EEXIST},
                    Case{"OnceIoElsewhere", Mounts::kTwo},
                    Case{"OnceExistsElsewhere", Mounts::kTwo, EEXIST},
                    Case{"ForeverIo", Mounts::kOne, EIO, true},
                    Case{"ForeverReadOnly", Mounts::kOne, EROFS, true},
                    Case{"ForeverIoElsewhere", Mounts::kTwo, EIO, true}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace gatehouse
