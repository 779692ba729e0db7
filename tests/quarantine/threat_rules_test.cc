#include "quarantine/threat_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace gatehouse {
namespace {

Verdict Found(std::vector<std::string> names) {
  Verdict verdict = Verdict::Infected(names.front());
  verdict.other_names.assign(names.begin() + 1, names.end());
  verdict.knows_all_names = true;
  return verdict;
}

class ThreatRulesTest : public testing::Test {
 protected:
  void Allow(const std::string& name) {
    rules_now_.names[name] = ThreatRules::kNeverExpires;
    rules_.Set(rules_now_);
  }
  void SetAction(size_t type, ThreatTypeAction action) {
    rules_now_.type_actions.at(type) = action;
    rules_.Set(rules_now_);
  }

  int64_t now_ms_ = 1000;
  ThreatRules::Rules rules_now_;
  ThreatRules rules_{[this] { return now_ms_; }};
};

TEST(ThreatTypeTest, IsWhatTheNameSays) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"Virus:DOS/EICAR_Test_File", "virus"},
      {"Behavior:MacOS/MacOSChangeFileTest", "behavior"},
      {"Win.Trojan.Agent-1", "malware"},
      {":odd", "malware"},
      {"", "malware"},
      {"PUA.Win.Tool.Miner-1", "potentially_unwanted_application"},
      {"PUA:Win32/Presenoker", "potentially_unwanted_application"},
      {"pua.win.tool", "potentially_unwanted_application"},
      {"PUA", "potentially_unwanted_application"},
      {"PUABundler:Win32/X", "potentially_unwanted_application"},
      {"PUAro.Trojan", "malware"},
      {"Puaro:Win32/X", "puaro"},
      {"Trojan:PUA/X", "trojan"},
      {"Win.PUA.X", "malware"},
      {"ArchiveBomb:Zip/Overlap", "archive_bomb"},
      {"Archive_Bomb.Zip", "archive_bomb"},
      {"ArchiveBomber:X", "archivebomber"},
  };
  for (const auto& [name, type] : table) {
    EXPECT_EQ(ThreatType(name), type) << name;
  }
}

TEST_F(ThreatRulesTest, WhatIsNoThreatStaysWhatItIs) {
  Verdict clean;
  clean.kind = VerdictKind::kClean;
  EXPECT_EQ(rules_.Apply(clean).kind, VerdictKind::kClean);
  EXPECT_EQ(rules_.Apply(Verdict::FromErrno(5)).error_number, 5);
}

TEST_F(ThreatRulesTest, AThreatIsActedUponUnlessItsNameIsAllowed) {
  EXPECT_EQ(rules_.Apply(Found({"A"})).kind, VerdictKind::kInfected);
  Allow("A");
  const Verdict left = rules_.Apply(Found({"A"}));
  EXPECT_TRUE(IsLeftAlone(left));
  EXPECT_EQ(left.reason, NotScannedReason::kAllowedThreat);
  EXPECT_EQ(left.threat_name, "A");
  EXPECT_EQ(rules_.Apply(Found({"a"})).kind, VerdictKind::kInfected);
}

TEST_F(ThreatRulesTest, ANameIsAllowedWithAndWithoutUnofficial) {
  Allow("A");
  EXPECT_TRUE(IsLeftAlone(rules_.Apply(Found({"A.UNOFFICIAL"}))));
  EXPECT_EQ(rules_.Apply(Found({"A.UNOFFICIAL.B"})).kind,
            VerdictKind::kInfected);
  EXPECT_EQ(CanonicalThreatName("A.UNOFFICIAL"), "A");
  EXPECT_EQ(CanonicalThreatName(".UNOFFICIAL"), ".UNOFFICIAL");
}

TEST_F(ThreatRulesTest, ANameThatHasExpiredIsActedUpon) {
  rules_now_.names["A"] = 2000;
  rules_.Set(rules_now_);
  now_ms_ = 1999;
  EXPECT_TRUE(IsLeftAlone(rules_.Apply(Found({"A"}))));
  now_ms_ = 2000;
  EXPECT_EQ(rules_.Apply(Found({"A"})).kind, VerdictKind::kInfected);
}

TEST_F(ThreatRulesTest, AnAllowedContentIsLeftAloneWhateverMatched) {
  EXPECT_FALSE(rules_.allows_contents().load());
  rules_now_.contents["abc"] = 2000;
  rules_.Set(rules_now_);
  EXPECT_TRUE(rules_.allows_contents().load());
  Verdict verdict = Found({"A", "B"});
  verdict.sha256 = "abc";
  verdict.knows_all_names = false;
  const Verdict left = rules_.Apply(verdict);
  EXPECT_EQ(left.reason, NotScannedReason::kAllowedThreat);
  EXPECT_EQ(left.threat_name, "A");
  EXPECT_EQ(left.allowed_by, "abc");
  EXPECT_EQ(WhyLeftAlone(left), "its content is allowed: abc");
  now_ms_ = 2000;
  EXPECT_EQ(rules_.Apply(verdict).kind, VerdictKind::kInfected);
  rules_.Set({});
  EXPECT_FALSE(rules_.allows_contents().load());
}

TEST_F(ThreatRulesTest, AnotherContentOfThatNameIsActedUpon) {
  rules_now_.contents["abc"] = ThreatRules::kNeverExpires;
  rules_.Set(rules_now_);
  Verdict verdict = Found({"A"});
  verdict.sha256 = "abd";
  EXPECT_EQ(rules_.Apply(verdict).kind, VerdictKind::kInfected);
  verdict.sha256.clear();  // It could not be digested.
  EXPECT_EQ(rules_.Apply(verdict).kind, VerdictKind::kInfected);
}

TEST_F(ThreatRulesTest, NoThreatHidesBehindAnAllowedName) {
  Allow("A");
  Allow("B");
  const Verdict acted = rules_.Apply(Found({"A", "B", "C"}));
  EXPECT_EQ(acted.kind, VerdictKind::kInfected);
  EXPECT_EQ(acted.threat_name, "C");
  EXPECT_TRUE(IsLeftAlone(rules_.Apply(Found({"A", "B"}))));
}

TEST_F(ThreatRulesTest, NoThreatHidesBehindAnUnwantedApplication) {
  EXPECT_TRUE(IsLeftAlone(rules_.Apply(Found({"PUA.Tool"}))));
  const Verdict acted = rules_.Apply(Found({"PUA.Tool", "Win.Trojan.X"}));
  EXPECT_EQ(acted.kind, VerdictKind::kInfected);
  EXPECT_EQ(acted.threat_name, "Win.Trojan.X");
}

TEST_F(ThreatRulesTest, MoreNamesThanCanBeKnownAreActedUpon) {
  Allow("A");
  Verdict verdict = Found({"A"});
  verdict.knows_all_names = false;
  EXPECT_EQ(rules_.Apply(verdict).kind, VerdictKind::kInfected);
}

TEST_F(ThreatRulesTest, AnUnfinishedScanOfAnAllowedThreatIsNoVerdict) {
  Allow("A");
  Verdict verdict = Found({"A"});
  verdict.knows_all_names = false;
  verdict.unfinished = NotScannedReason::kTimeLimit;
  EXPECT_EQ(rules_.Apply(verdict).kind, VerdictKind::kNotScanned);
  EXPECT_EQ(rules_.Apply(verdict).reason, NotScannedReason::kTimeLimit);
  verdict.unfinished = NotScannedReason::kNone;
  verdict.error_number = 5;
  EXPECT_EQ(rules_.Apply(verdict).kind, VerdictKind::kError);
  verdict.other_names = {"B"};  // That was seen, whatever ended the scan.
  EXPECT_EQ(rules_.Apply(verdict).threat_name, "B");
}

TEST_F(ThreatRulesTest, ATypeIsAuditedAtFirstAndThenWhatIsSet) {
  const Verdict unwanted = Found({"PUA.Tool"});
  EXPECT_EQ(rules_.Apply(unwanted).reason, NotScannedReason::kAuditedThreat);
  SetAction(0, ThreatTypeAction::kOff);
  EXPECT_EQ(rules_.Apply(unwanted).reason, NotScannedReason::kThreatTypeOff);
  EXPECT_EQ(rules_.Apply(Found({"ArchiveBomb:Zip"})).reason,
            NotScannedReason::kAuditedThreat);
  SetAction(0, ThreatTypeAction::kBlock);
  EXPECT_EQ(rules_.Apply(unwanted).kind, VerdictKind::kInfected);
}

TEST_F(ThreatRulesTest, TheMostVisibleRuleIsTheReason) {
  Allow("A");
  EXPECT_EQ(rules_.Apply(Found({"A", "PUA.Tool"})).threat_name, "PUA.Tool");
  SetAction(0, ThreatTypeAction::kOff);
  EXPECT_EQ(rules_.Apply(Found({"PUA.Tool", "A"})).threat_name, "A");
}

TEST_F(ThreatRulesTest, EachChangeIsAGeneration) {
  const uint64_t before = rules_.generation();
  Allow("A");
  EXPECT_GT(rules_.generation(), before);
}

}  // namespace
}  // namespace gatehouse
