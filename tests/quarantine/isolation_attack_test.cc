// Attackers that run freely on another processor, against isolations with the
// file operations of production: what is not malicious is never lost.
//
// GATEHOUSE_TEST_TRIALS says how many isolations each; see docs/long-runs.md.
#include "tests/quarantine/isolation_attack.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>

namespace gatehouse {
namespace {

constexpr uint64_t kTrialsOnOneMount = 4000;
constexpr uint64_t kTrialsOnTwoMounts = 1000;
constexpr uint64_t kControlTrialsMax = 20'000;

uint64_t Trials(IsolationWorld::Mounts mounts) {
  const char* const text = std::getenv("GATEHOUSE_TEST_TRIALS");
  if (text != nullptr) return std::strtoull(text, nullptr, 10);
  return mounts == IsolationWorld::Mounts::kOne ? kTrialsOnOneMount
                                                : kTrialsOnTwoMounts;
}

using Case = std::tuple<AttackKind, IsolationWorld::Mounts>;

std::string NameOf(const Case& tested) {
  static const std::map<AttackKind, std::string> kNames = {
      {AttackKind::kLeafSwap, "LeafSwap"},
      {AttackKind::kDirectorySwap, "DirectorySwap"},
      {AttackKind::kHardLinkSwap, "HardLinkSwap"},
      {AttackKind::kReCreation, "ReCreation"}};
  const bool is_one = std::get<1>(tested) == IsolationWorld::Mounts::kOne;
  return kNames.at(std::get<0>(tested)) +
         (is_one ? "OnTheVaultsMount" : "OnAnotherMount");
}

class IsolationAttackTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!PrivateMount::IsPossible()) {
      GTEST_SKIP() << "needs root to give rights up";
    }
    attack_.emplace(std::get<0>(GetParam()), std::get<1>(GetParam()));
  }
  void Tell(const AttackTally& tally) const {
    std::printf("%s: %s\n", NameOf(GetParam()).c_str(), tally.Text().c_str());
  }

  std::optional<IsolationAttack> attack_;
};

TEST_P(IsolationAttackTest, LosesNothing) {
  const uint64_t trials = Trials(std::get<1>(GetParam()));
  const AttackTally tally = attack_->Run(trials);
  Tell(tally);
  EXPECT_EQ(tally.trials, trials);
  EXPECT_EQ(tally.isolated + tally.left_in_place, trials);
  EXPECT_EQ(tally.innocent_lost, 0U);
  EXPECT_EQ(tally.innocent_altered, 0U);
  EXPECT_EQ(tally.malicious_lost, 0U);
  EXPECT_EQ(tally.left_over, 0U);
  EXPECT_GT(tally.isolated, 0U);
  // Else it would prove nothing. Others hit that window less often, and a
  // directory is open before its file is looked at: its swap leads nowhere.
  if (GetParam() == Case(AttackKind::kLeafSwap, IsolationWorld::Mounts::kOne)) {
    EXPECT_GT(tally.wrong_captures, 0U);
  }
}

// The control: the same without the verification of what was captured.
TEST_P(IsolationAttackTest, WithoutVerificationInnocentFilesAreLost) {
  const AttackTally tally = attack_->RunTrustingUntilALoss(kControlTrialsMax);
  Tell(tally);
  EXPECT_GT(tally.innocent_lost, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    , IsolationAttackTest,
    testing::Combine(testing::Values(AttackKind::kLeafSwap,
                                     AttackKind::kDirectorySwap,
                                     AttackKind::kHardLinkSwap,
                                     AttackKind::kReCreation),
                     testing::Values(IsolationWorld::Mounts::kOne,
                                     IsolationWorld::Mounts::kTwo)),
    [](const auto& tested) { return NameOf(tested.param); });

}  // namespace
}  // namespace gatehouse
