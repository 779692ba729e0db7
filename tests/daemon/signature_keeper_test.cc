#include "daemon/signature_keeper.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "daemon/definitions_json.h"
#include "definitions/compile_program.h"
#include "tests/becomes_true.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using std::chrono_literals::operator""ms;
using testing::HasSubstr;

class SignatureKeeperTest : public testing::Test {
 protected:
  SignatureKeeperTest()
      : definitions_(folder_.MakeDirectory("definitions")),
        log_fd_(::open(folder_.Write("log", "").c_str(),
                       O_WRONLY | O_APPEND | O_CLOEXEC)),
        log_(log_fd_.UnsafeFd()) {
    WriteDefinitions('q');
  }

  // Of what is in no file of the system. Moved into place: nobody sees half.
  void WriteDefinitions(char letter) const {
    const std::string wanted(40, letter);
    const std::string draft = folder_.Write(
        "draft", "Body.One:0:*:" + HexText(AsBytes(wanted)) + "\n");
    std::filesystem::rename(draft, definitions_ + "/a.ndb");
  }
  void Load(bool may_compile = true) {
    keeper_.emplace(SignatureKeeper::Parts{{definitions_, false},
                                           {},
                                           folder_.Path("store"),
                                           active_key_,
                                           log_,
                                           1ms,
                                           Clock(time_)});
    const Result<bool> loaded = keeper_->Load(may_compile);
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  void Start(bool may_compile = true) {
    Load(may_compile);
    keeper_->Start(
        [this](const std::shared_ptr<const SignatureSet>&) -> Result<bool> {
          if (!refuses_) return true;
          return Fail(ErrorCode::kOperational, "no scanner to be had");
        });
  }
  bool BecomesIdleAfter(uint64_t updates, uint64_t failures) const {
    return BecomesTrue([&] {
      const SignatureKeeper::State state = keeper_->state();
      return !state.is_updating && state.updates == updates &&
             state.failures == failures;
    });
  }
  // Rounded, for the clock of the wall goes on.
  std::chrono::seconds NextTryIn() const {
    const int64_t ms = keeper_->state().next_try_ms - WallClockMilliseconds();
    return std::chrono::seconds((ms + 500) / 1000);
  }
  void Wait(std::chrono::seconds time) { time_.AdvanceTo(time_.now() + time); }

  const TempDir folder_;
  const std::string definitions_;
  UniqueFd log_fd_;
  LogWriter log_;
  ActiveDefinitions active_key_ = {};
  VirtualTime time_;
  std::atomic<bool> refuses_{false};
  std::optional<SignatureKeeper> keeper_;  // Last: it uses the others.
};

TEST_F(SignatureKeeperTest, ARefusedSetIsTriedAgainByItself) {
  Start();
  EXPECT_EQ(keeper_->state().next_try_ms, 0);
  const Sha256Digest key = keeper_->Get().key;
  refuses_ = true;
  WriteDefinitions('z');
  ASSERT_TRUE(BecomesIdleAfter(0, 1));
  EXPECT_THAT(keeper_->state().fail_reason, HasSubstr("no scanner"));
  EXPECT_EQ(NextTryIn(), RetryPlan::kDelayFirst);
  EXPECT_EQ(keeper_->Get().key, key);
  refuses_ = false;
  Wait(RetryPlan::kDelayFirst);
  ASSERT_TRUE(BecomesIdleAfter(1, 1));
  EXPECT_EQ(keeper_->state().fail_reason, "");
  EXPECT_EQ(keeper_->state().next_try_ms, 0);
  EXPECT_NE(keeper_->Get().key, key);
}

TEST_F(SignatureKeeperTest, TriesEverMoreRarelyUntilSomethingChanges) {
  Start();
  refuses_ = true;
  WriteDefinitions('z');
  uint64_t failures = 0;
  for (const int64_t seconds : {60, 120, 240, 480, 960, 1920, 3600, 3600}) {
    ASSERT_TRUE(BecomesIdleAfter(0, ++failures));
    EXPECT_EQ(NextTryIn().count(), seconds);
    Wait(std::chrono::seconds(seconds));
  }
  ASSERT_TRUE(BecomesIdleAfter(0, ++failures));
  WriteDefinitions('y');
  ASSERT_TRUE(BecomesIdleAfter(0, ++failures));
  EXPECT_EQ(NextTryIn(), RetryPlan::kDelayFirst);
  Wait(RetryPlan::kDelayFirst);
  ASSERT_TRUE(BecomesIdleAfter(0, ++failures));
  EXPECT_EQ(NextTryIn(), 2 * RetryPlan::kDelayFirst);
  keeper_->RequestUpdate();
  ASSERT_TRUE(BecomesIdleAfter(0, ++failures));
  EXPECT_EQ(NextTryIn(), RetryPlan::kDelayFirst);
}

TEST_F(SignatureKeeperTest, WhatFailedAtTheStartIsTriedAgain) {
  Start();
  keeper_.reset();
  (void)folder_.Write("definitions/a.ndb", "nonsense\n");
  Start();
  EXPECT_EQ(keeper_->state().failures, 1U);
  EXPECT_NE(keeper_->state().fail_reason, "");
  EXPECT_EQ(NextTryIn(), RetryPlan::kDelayFirst);
  Wait(RetryPlan::kDelayFirst);
  EXPECT_TRUE(BecomesIdleAfter(0, 2));
}

TEST_F(SignatureKeeperTest, ASuccessorLooksAMinuteLaterWhatThereIs) {
  Start();
  keeper_.reset();
  WriteDefinitions('z');
  Start(false);
  EXPECT_EQ(keeper_->state().fail_reason, "");
  EXPECT_EQ(NextTryIn(), RetryPlan::kDelayFirst);
  Wait(RetryPlan::kDelayFirst);
  EXPECT_TRUE(BecomesIdleAfter(1, 0));
  EXPECT_EQ(keeper_->state().next_try_ms, 0);
}

TEST_F(SignatureKeeperTest, SeesWhatChangedBeforeItsThreadWasThere) {
  Load();
  WriteDefinitions('z');
  keeper_->Start([](const auto&) { return true; });
  EXPECT_TRUE(BecomesIdleAfter(1, 0));
}

TEST_F(SignatureKeeperTest, ClientsAreToldWhenTheNextTryIsDue) {
  Start();
  const auto head = [this] {
    return DefinitionsFrames(keeper_->Get(), keeper_->place(), keeper_->state())
        .front();
  };
  EXPECT_FALSE(head().contains("nextTry"));
  refuses_ = true;
  WriteDefinitions('z');
  ASSERT_TRUE(BecomesIdleAfter(0, 1));
  EXPECT_TRUE(head().contains("nextTry"));
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  if (const auto code = gatehouse::RunIfCompileProgram(argc, argv)) {
    return *code;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
