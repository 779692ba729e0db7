// Lets each system call of the driver that has to do with files fail, once or
// from then on, or transfer less than was asked for.
//
// GATEHOUSE_TEST_KILL_POINTS=all takes every call, else some of them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
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

namespace fs = std::filesystem;

constexpr uint64_t kStride = 64;
// A system that interrupts every call for ever is none.
constexpr uint64_t kInterruptionsMax = 64;
constexpr int kShort = 0;  // No error: fewer bytes.

struct Fault {
  int error = EIO;
  bool is_permanent = false;
};

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << (fault.error == kShort ? "short" : ::strerrorname_np(fault.error))
       << (fault.is_permanent ? " from then on" : " once");
}

std::vector<Fault> AllFaults() {
  std::vector<Fault> faults;
  for (const bool is_permanent : {false, true}) {
    for (const int error :
         {EIO, ENOSPC, EDQUOT, EROFS, EINTR, ENOMEM, kShort}) {
      faults.push_back({error, is_permanent});
    }
  }
  return faults;
}

// Lets the call number `at` of those concerned fail, and those after it.
class Faulter : public CallWatcher {
 public:
  Faulter(const Fault& fault, uint64_t at) : fault_(fault), at_(at) {}

  Treatment Before(const SystemCall& call) override {
    if (!Concerns(call)) return {};
    const uint64_t index = ++seen_;
    if (index < at_ || (index > at_ && !fault_.is_permanent)) return {};
    if (fault_.error == EINTR && index >= at_ + kInterruptionsMax) return {};
    if (names_.empty()) names_ = CallName(call.number);
    if (fault_.error == kShort) return {Treatment::Kind::kShort};
    return {Treatment::Kind::kFail, fault_.error};
  }
  bool has_failed() const { return seen_ >= at_; }
  // Of the first call that failed.
  const std::string& name() const { return names_; }

 private:
  bool Concerns(const SystemCall& call) const {
    // A lock that does not wait asks no disk; SQLite would try for seconds.
    const bool is_lock =
        call.number == SYS_fcntl && call.arguments[1] == F_SETLK;
    if (is_lock) return false;
    if (fault_.error != kShort) return IsFileCall(call);
    return TransfersBytes(call.number) && call.arguments[2] > 1;
  }

  const Fault fault_;
  const uint64_t at_;
  uint64_t seen_ = 0;
  std::string names_;
};

// Kills before the n-th call of that number.
class KilledBefore : public CallWatcher {
 public:
  KilledBefore(long number, int count) : number_(number), count_(count) {}
  Treatment Before(const SystemCall& call) override {
    if (call.number != number_ || --count_ != 0) return {};
    return {Treatment::Kind::kKill};
  }

 private:
  const long number_;
  int count_;
};

// Where the process was that a recovery follows.
struct Begun {
  const char* name = "";
  long number = 0;
  int count = 1;
};
constexpr std::array kBegun = {
    Begun{"Staged", SYS_renameat2, 1},
    Begun{"Captured", SYS_unlinkat, 1},
    Begun{"Unlinked", SYS_renameat2, 2},
    Begun{"Published", SYS_fdatasync, 1},
};

struct Case {
  std::string name;
  bool has_two = false;
  Operation operation = Operation::kIsolate;
  const Begun* begun = nullptr;  // Then it is the recovery that has faults.
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class Trial {
 public:
  Trial(CrashWorld& world, FileKind kind, const Case& one)
      : world_(world),
        oracle_(world, kind, one.operation),
        is_restore_(one.operation == Operation::kRestore) {
    world_.Begin(kind);
    words_ = oracle_.Prepare();
    if (one.begun == nullptr) return;
    KilledBefore killer(one.begun->number, one.begun->count);
    EXPECT_EQ(world_.Drive(words_, &killer).signal, SIGKILL);
    words_ = {"start", "--", "recover"};
  }

  // False: nothing has failed.
  bool Run(const Fault& fault, uint64_t at) {
    Faulter faulter(fault, at);
    program_ = world_.Drive(words_, &faulter);
    name_ = faulter.name();
    return faulter.has_failed();
  }

  void Judge() {
    EXPECT_EQ(program_.exit_code, 0) << "signal " << program_.signal;
    const bool is_said =
        program_.output.find("\tquarantined\t") != std::string::npos;
    EXPECT_TRUE(!is_said || HasObject());
    const Settled settled = oracle_.Settle();
    EXPECT_THAT(WrongsOf(settled), IsEmpty());
    EXPECT_TRUE(oracle_.Settle() == settled)
        << "a second recovery changes something";
  }

  const std::string& name() const { return name_; }
  const ProgramEnd& program() const { return program_; }

 private:
  // A restore gives back whatever the file system takes, and says what it did
  // not take.
  std::string WrongsOf(const Settled& settled) const {
    std::string wrongs = oracle_.Wrongs(settled);
    if (!is_restore_) return wrongs;
    for (const std::string_view said :
         {"it has another owner or mode; ", "it has another time; ",
          "it has other attributes; ", "it has other flags; "}) {
      const size_t at = wrongs.find(said);
      if (at != std::string::npos) wrongs.erase(at, said.size());
    }
    return wrongs;
  }
  bool HasObject() const {
    for (const auto& entry :
         fs::recursive_directory_iterator(world_.state() + "/vault")) {
      if (entry.path().extension() == ".q") return true;
    }
    return false;
  }

  CrashWorld& world_;
  CrashOracle oracle_;
  const bool is_restore_;
  std::vector<std::string> words_;
  ProgramEnd program_;
  std::string name_;
};

class FaultPointsTest : public testing::TestWithParam<Case> {};

// No file with two names: which of them is taken when one cannot be looked at
// is not for this test to say.
constexpr std::array kKinds = {FileKind::kAboveChunk, FileKind::kAttributes,
                               FileKind::kSparse, FileKind::kImmutable};

TEST_P(FaultPointsTest, TheFileExistsOnceWhateverFails) {
  const Case& one = GetParam();
  static std::map<bool, std::unique_ptr<CrashWorld>> worlds;
  auto& world = worlds[one.has_two];
  if (world == nullptr) {
    world = std::make_unique<CrashWorld>(
        CrashWorld::Options{"ext4", one.has_two, ""});
  }
  const uint64_t stride = TakesEveryCall() ? 1 : kStride;
  std::mt19937_64 random(CrashSeed());
  uint64_t trials = 0;
  for (const Fault& fault : AllFaults()) {
    bool goes_on = true;
    for (uint64_t call = 1 + random() % stride; goes_on; call += stride) {
      const FileKind kind = kKinds.at(trials++ % kKinds.size());
      Trial trial(*world, kind, one);
      goes_on = trial.Run(fault, call);
      SCOPED_TRACE(testing::PrintToString(fault) + " at " +
                   std::to_string(call) + ", " + trial.name() + ", " +
                   KindName(kind) + ", said " + trial.program().output);
      trial.Judge();
      if (HasFailure()) return;
    }
  }
  std::cout << one.name << ": " << trials << " trials" << std::endl;
}

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const bool has_two : {false, true}) {
    const std::string suffix = has_two ? "Two" : "";
    for (const Operation operation :
         {Operation::kIsolate, Operation::kRestore, Operation::kRemove}) {
      cases.push_back({OperationName(operation) + suffix, has_two, operation});
    }
    for (const Begun& begun : kBegun) {
      cases.push_back({"Recover" + std::string(begun.name) + suffix, has_two,
                       Operation::kIsolate, &begun});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, FaultPointsTest, testing::ValuesIn(AllCases()),
                         [](const auto& one) {
                           return testing::PrintToString(one.param);
                         });

}  // namespace
}  // namespace gatehouse
