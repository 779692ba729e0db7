// Ends the driver before each of its system calls, by SIGKILL or by a power
// cut, and lets the next process recover.
//
// GATEHOUSE_TEST_KILL_POINTS=all takes every call, else every 16th, and fewer
// where more would tell nothing new (StrideOf).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "tests/quarantine/crash_choice.h"
#include "tests/quarantine/crash_oracle.h"
#include "tests/quarantine/crash_world.h"

namespace gatehouse {
namespace {

using ::testing::IsEmpty;

constexpr uint64_t kStride = 16;
constexpr uint64_t kFewer = 8;

enum class End : uint8_t { kSignal, kPowerCut };

// Ends the program before its call number `at`.
class Ender : public CallWatcher {
 public:
  Ender(const CrashWorld& world, End end, uint64_t at, uint64_t round)
      : world_(world), end_(end), at_(at), round_(round) {}

  Treatment Before(const SystemCall& call) override {
    if (call.index != at_) return {};
    has_ended_ = true;
    if (end_ == End::kPowerCut) world_.CutPower(round_);
    return {Treatment::Kind::kKill};
  }
  bool has_ended() const { return has_ended_; }

 private:
  const CrashWorld& world_;
  const End end_;
  const uint64_t at_;
  const uint64_t round_;
  bool has_ended_ = false;
};

struct Case {
  std::string file_system;
  bool has_two = false;
  End end = End::kSignal;
  Operation operation = Operation::kIsolate;
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << OperationName(one.operation)
       << (one.end == End::kSignal ? "Killed" : "Cut")
       << (one.file_system == "xfs" ? "Xfs" : "Ext4")
       << (one.has_two ? "Two" : "");
}

// One world for each kind of file systems: making them takes longer than a
// trial.
CrashWorld& WorldOf(const std::string& file_system, bool has_two,
                    const std::string& driver = "") {
  static std::map<std::string, std::unique_ptr<CrashWorld>> worlds;
  auto& world = worlds[file_system + (has_two ? "2" : "") + driver];
  if (world == nullptr) {
    world = std::make_unique<CrashWorld>(
        CrashWorld::Options{file_system, has_two, driver});
  }
  return *world;
}

// Making the key knows nothing of the file, and a second file system nothing of
// how many chunks it has.
std::vector<FileKind> KindsOf(const Case& one) {
  if (one.operation == Operation::kFirstStart) return {FileKind::kAboveChunk};
  std::vector<FileKind> kinds(kFileKinds.begin(), kFileKinds.end());
  if (one.has_two) std::erase(kinds, FileKind::k16MiB);
  return kinds;
}

// Calls from one trial to the next: fewer trials where chunks are alike, and
// where a second file system is met at few calls.
uint64_t StrideOf(const Case& one, FileKind kind) {
  if (TakesEveryCall()) return 1;
  const bool has_few = kind == FileKind::k16MiB || one.has_two;
  return has_few ? kStride * kFewer : kStride;
}

class KillPointsTest : public testing::TestWithParam<Case> {};

// A driver that is ended, or not.
class Trial {
 public:
  Trial(CrashWorld& world, FileKind kind, const Case& one)
      : world_(world), oracle_(world, kind, one.operation), end_(one.end) {
    world_.Begin(kind);
    words_ = oracle_.Prepare();
  }

  // False: it came to its end.
  bool EndAt(uint64_t call, uint64_t round) {
    Ender ender(world_, end_, call, round);
    program_ = world_.Drive(words_, &ender);
    if (!ender.has_ended() && end_ == End::kPowerCut) world_.CutPower(round);
    if (end_ == End::kPowerCut) world_.MountAgain();
    return ender.has_ended();
  }

  // Of the first recovery, the second, and one after a power cut.
  void Judge(bool was_ended, uint64_t round) {
    const Settled settled = oracle_.Settle();
    EXPECT_THAT(
        was_ended ? oracle_.Wrongs(settled) : oracle_.WrongsAtTheEnd(settled),
        IsEmpty());
    EXPECT_EQ(oracle_.Settle() == settled, true)
        << "a second recovery changes something";
    if (end_ == End::kPowerCut) return;
    world_.CutPower(round);
    world_.MountAgain();
    EXPECT_THAT(oracle_.Wrongs(oracle_.Settle()), IsEmpty())
        << "after a power cut";
  }

  std::string Wrongs() const { return oracle_.Wrongs(oracle_.Settle()); }
  const ProgramEnd& program() const { return program_; }

 private:
  CrashWorld& world_;
  CrashOracle oracle_;
  const End end_;
  std::vector<std::string> words_;
  ProgramEnd program_;
};

TEST_P(KillPointsTest, NothingIsLostOrTwiceWhereverItEnds) {
  const Case& one = GetParam();
  CrashWorld& world = WorldOf(one.file_system, one.has_two);
  std::mt19937_64 random(CrashSeed());
  uint64_t trials = 0;
  for (const FileKind kind : KindsOf(one)) {
    SCOPED_TRACE(KindName(kind));
    const uint64_t stride = StrideOf(one, kind);
    bool goes_on = true;
    for (uint64_t call = 1 + random() % stride; goes_on; call += stride) {
      const uint64_t round = trials++;
      SCOPED_TRACE("call " + std::to_string(call) + " round " +
                   std::to_string(round));
      Trial trial(world, kind, one);
      goes_on = trial.EndAt(call, round);
      SCOPED_TRACE("before " + trial.program().last_call + " said " +
                   trial.program().output);
      trial.Judge(goes_on, round);
      if (HasFailure()) return;
    }
  }
  std::cout << testing::PrintToString(one) << ": " << trials << " trials"
            << std::endl;
}

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const Operation operation : {Operation::kFirstStart, Operation::kIsolate,
                                    Operation::kRestore, Operation::kRemove}) {
    for (const bool has_two : {false, true}) {
      cases.push_back({"ext4", has_two, End::kSignal, operation});
      cases.push_back({"ext4", has_two, End::kPowerCut, operation});
      cases.push_back({"xfs", has_two, End::kPowerCut, operation});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, KillPointsTest, testing::ValuesIn(AllCases()),
                         [](const auto& one) {
                           return testing::PrintToString(one.param);
                         });

// The control: the same test has teeth.
class WithoutSyncTest : public testing::TestWithParam<Case> {};

TEST_P(WithoutSyncTest, APowerCutIsSeenToLoseFiles) {
  const Case& one = GetParam();
  CrashWorld& world =
      WorldOf(one.file_system, one.has_two, "quarantine_driver_without_sync");
  constexpr uint64_t kPlaceKeepsNames = 1;  // And the vault nothing.
  size_t lost = 0;
  size_t trials = 0;
  bool goes_on = true;
  for (uint64_t call = 1; goes_on; call += kStride) {
    ++trials;
    Trial trial(world, FileKind::kAboveChunk, one);
    goes_on = trial.EndAt(call, kPlaceKeepsNames);
    const std::string wrongs = trial.Wrongs();
    lost += wrongs.find("it is lost") != std::string::npos ? 1U : 0U;
  }
  std::cout << "without flushes: " << lost << " of " << trials << " lost"
            << std::endl;
  EXPECT_GT(lost, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WithoutSyncTest,
    testing::Values(Case{"ext4", false, End::kPowerCut, Operation::kIsolate},
                    Case{"xfs", false, End::kPowerCut, Operation::kIsolate},
                    Case{"ext4", true, End::kPowerCut, Operation::kIsolate},
                    Case{"xfs", true, End::kPowerCut, Operation::kIsolate}),
    [](const auto& one) { return testing::PrintToString(one.param); });

}  // namespace
}  // namespace gatehouse
