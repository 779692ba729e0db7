#include "daemon/threat_rule_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/threat_config.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// In seconds, as files have it.
constexpr int64_t kNow = 1'800'000'000'000;
const std::string kDigest(64, 'd');

class ThreatRuleStoreTest : public testing::Test {
 protected:
  Result<bool> Load() { return store_.Load(config_, directory_.path()); }

  // What is done about a file with that name alone.
  static NotScannedReason ReasonFor(const ThreatRules& rules,
                                    const std::string& name) {
    Verdict verdict = Verdict::Infected(name);
    verdict.knows_all_names = true;
    return rules.Apply(verdict).reason;
  }
  NotScannedReason ReasonFor(const std::string& name) const {
    return ReasonFor(rules_, name);
  }
  NotScannedReason ReasonForContent(const std::string& sha256) const {
    Verdict verdict = Verdict::Infected("Some.Threat");
    verdict.sha256 = sha256;
    return rules_.Apply(verdict).reason;
  }
  static AllowedThreat Named(const std::string& name) {
    AllowedThreat threat;
    threat.name = name;
    return threat;
  }
  static AllowedThreat Digested(const std::string& sha256) {
    AllowedThreat threat;
    threat.sha256 = sha256;
    return threat;
  }
  static AllowedThreat Until(int64_t expires_ms, AllowedThreat threat) {
    threat.expires_ms = expires_ms;
    return threat;
  }
  static ChangeOrigin Root() { return {1000, 0, 7, "/usr/bin/mdatp"}; }
  Result<bool> Allow(const std::string& name) {
    return store_.Allow(Named(name), Root());
  }
  Result<bool> Disallow(const std::string& name) {
    return store_.Disallow(Named(name), Root());
  }
  std::vector<std::string> Allowed() const {
    std::vector<std::string> names;
    for (const AllowedThreat& threat : store_.allowed()) {
      names.push_back(threat.name + threat.sha256 +
                      (threat.is_managed ? " managed" : "") +
                      (threat.is_expired ? " expired" : ""));
    }
    return names;
  }
  std::vector<std::string> Changes() const {
    std::vector<std::string> changes;
    for (const AllowedChange& change : store_.changes()) {
      changes.push_back(std::string(kAllowedChangeWords.at(
                            static_cast<size_t>(change.kind))) +
                        " " + change.threat.name + change.threat.sha256 + " " +
                        std::to_string(change.origin.uid) + " " +
                        std::to_string(change.origin.pid) + " " +
                        change.origin.program);
    }
    return changes;
  }
  std::string Policy(size_t type) const {
    const ThreatTypePolicy policy = store_.policies().at(type);
    std::string text(ThreatTypeActionWord(policy.action));
    return policy.is_managed ? text + " managed" : text;
  }

  TempDir directory_;
  DaemonConfig config_;
  int64_t now_ms_ = kNow;
  ThreatRules rules_{[this] { return now_ms_; }};
  ThreatRuleStore store_{rules_, [this] { return now_ms_; }};
};

TEST_F(ThreatRuleStoreTest, KeepsWhatWasAllowed) {
  ASSERT_TRUE(Load().has_value());
  EXPECT_THAT(Allowed(), IsEmpty());
  ASSERT_TRUE(Allow("Tool \"X\" \u00e9").has_value());
  EXPECT_EQ(ReasonFor("Tool \"X\" \u00e9"), NotScannedReason::kAllowedThreat);
  ThreatRules others;
  ThreatRuleStore again(others);
  ASSERT_TRUE(again.Load(config_, directory_.path()).has_value());
  EXPECT_EQ(ReasonFor(others, "Tool \"X\" \u00e9"),
            NotScannedReason::kAllowedThreat);
  ASSERT_TRUE(again.Disallow(Named("Tool \"X\" \u00e9"), Root()).has_value());
  EXPECT_EQ(ReasonFor(others, "Tool \"X\" \u00e9"), NotScannedReason::kNone);
}

TEST_F(ThreatRuleStoreTest, SaysWhatItRefuses) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(Allow("A").has_value());
  EXPECT_EQ(Allow("A").error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(Disallow("B").error().code, ErrorCode::kNotFound);
  for (const std::string& name :
       {std::string(), std::string("a\nb"), std::string("\xff"),
        std::string(1025, 'x')}) {
    EXPECT_EQ(Allow(name).error().code, ErrorCode::kInvalidInput);
  }
  EXPECT_EQ(store_.SetAction("virus", "off").error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(store_.SetAction("archive_bomb", "allow").error().code,
            ErrorCode::kInvalidInput);
}

TEST_F(ThreatRuleStoreTest, ManagedNamesStay) {
  config_.allowed_threats = {Named("M")};
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(Allow("M").error().code, ErrorCode::kNotPermitted);
  EXPECT_EQ(Disallow("M").error().code, ErrorCode::kNotPermitted);
  ASSERT_TRUE(Allow("A").has_value());
  EXPECT_THAT(Allowed(), ElementsAre("M managed", "A"));
}

TEST_F(ThreatRuleStoreTest, WhereAllowingIsDisallowedOnlyManagedNamesCount) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(Allow("A").has_value());
  EXPECT_TRUE(store_.CheckMayRestore().has_value());
  config_.may_allow_threats = false;
  config_.may_restore_threats = false;
  config_.allowed_threats = {Named("M")};
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kNone);
  EXPECT_EQ(ReasonFor("M"), NotScannedReason::kAllowedThreat);
  EXPECT_THAT(Allowed(), ElementsAre("M managed"));
  const Result<bool> allowed = Allow("B");
  ASSERT_FALSE(allowed.has_value());
  EXPECT_EQ(allowed.error().code, ErrorCode::kNotPermitted);
  EXPECT_THAT(allowed.error().message, HasSubstr("managed configuration"));
  EXPECT_EQ(store_.CheckMayRestore().error().code, ErrorCode::kNotPermitted);
  // Not to allow any more is always allowed.
  EXPECT_TRUE(Disallow("A").has_value());
}

TEST_F(ThreatRuleStoreTest, AContentIsAllowedUntilItIsNot) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(store_.Allow(Digested(std::string(64, 'D')), Root()).has_value());
  EXPECT_EQ(ReasonForContent(kDigest), NotScannedReason::kAllowedThreat);
  EXPECT_EQ(ReasonForContent(std::string(64, 'e')), NotScannedReason::kNone);
  ASSERT_TRUE(Load().has_value());
  EXPECT_THAT(Allowed(), ElementsAre(kDigest));
  EXPECT_EQ(ReasonForContent(kDigest), NotScannedReason::kAllowedThreat);
  ASSERT_TRUE(store_.Disallow(Digested(kDigest), Root()).has_value());
  EXPECT_EQ(ReasonForContent(kDigest), NotScannedReason::kNone);
  EXPECT_THAT(Allowed(), IsEmpty());
}

TEST_F(ThreatRuleStoreTest, RefusesWhatIsNoDigestAndWhatIsOver) {
  ASSERT_TRUE(Load().has_value());
  for (const std::string& digest :
       {std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g')}) {
    EXPECT_EQ(store_.Allow(Digested(digest), Root()).error().code,
              ErrorCode::kInvalidInput);
  }
  AllowedThreat both = Digested(kDigest);
  both.name = "A";
  EXPECT_EQ(store_.Allow(both, Root()).error().code, ErrorCode::kInvalidInput);
  const Result<bool> late = store_.Allow(Until(kNow, Named("A")), Root());
  ASSERT_FALSE(late.has_value());
  EXPECT_THAT(late.error().message, HasSubstr("in the past"));
  AllowedThreat talkative = Named("A");
  talkative.comment = std::string(257, 'x');
  EXPECT_FALSE(store_.Allow(talkative, Root()).has_value());
}

TEST_F(ThreatRuleStoreTest, WhatHasExpiredDoesNotCountAndIsToldOnce) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(store_.Allow(Until(kNow + 5000, Named("A")), Root()).has_value());
  ASSERT_TRUE(
      store_.Allow(Until(kNow + 9000, Digested(kDigest)), Root()).has_value());
  EXPECT_THAT(store_.TakeExpired(), IsEmpty());
  now_ms_ = kNow + 5000;
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kNone);
  EXPECT_THAT(Allowed(), ElementsAre("A expired", kDigest));
  EXPECT_EQ(store_.counts().in_force, 1U);
  EXPECT_EQ(store_.counts().expired, 1U);
  EXPECT_THAT(store_.TakeExpired(),
              ElementsAre(testing::Field(&AllowedThreat::name, "A")));
  EXPECT_THAT(store_.TakeExpired(), IsEmpty());
  EXPECT_EQ(ReasonForContent(kDigest), NotScannedReason::kAllowedThreat);
  // Neither another start nor another time brings it back.
  now_ms_ = kNow;
  ASSERT_TRUE(Load().has_value());
  EXPECT_THAT(store_.TakeExpired(), IsEmpty());
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kNone);
  EXPECT_THAT(Allowed(), ElementsAre("A expired", kDigest));
}

TEST_F(ThreatRuleStoreTest, WhatExpiredWhileNobodyLookedIsToldAfterTheStart) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(store_.Allow(Until(kNow + 5000, Named("A")), Root()).has_value());
  now_ms_ = kNow + 6000;
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kNone);
  EXPECT_THAT(store_.TakeExpired(), testing::SizeIs(1));
}

TEST_F(ThreatRuleStoreTest, WhatHasExpiredCanBeAllowedAgainAndProlonged) {
  ASSERT_TRUE(Load().has_value());
  const AllowedThreat once = Until(kNow + 5000, Named("A"));
  ASSERT_TRUE(store_.Allow(once, Root()).has_value());
  EXPECT_EQ(store_.Allow(once, Root()).error().code, ErrorCode::kInvalidInput);
  ASSERT_TRUE(store_.Allow(Until(kNow + 7000, once), Root()).has_value());
  EXPECT_THAT(Allowed(), ElementsAre("A"));
  now_ms_ = kNow + 8000;
  EXPECT_THAT(store_.TakeExpired(), testing::SizeIs(1));
  ASSERT_TRUE(Allow("A").has_value());
  EXPECT_THAT(Allowed(), ElementsAre("A"));
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kAllowedThreat);
}

TEST_F(ThreatRuleStoreTest, NamesAreOneWithAndWithoutUnofficial) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(Allow("A.UNOFFICIAL").has_value());
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kAllowedThreat);
  EXPECT_EQ(ReasonFor("A.UNOFFICIAL"), NotScannedReason::kAllowedThreat);
  EXPECT_EQ(Allow("A").error().code, ErrorCode::kInvalidInput);
  EXPECT_TRUE(Disallow("A").has_value());
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kNone);
}

TEST_F(ThreatRuleStoreTest, WhoChangedWhatIsKept) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(Allow("A").has_value());
  ASSERT_TRUE(store_
                  .Allow(Until(kNow + 1000, Digested(kDigest)),
                         {2000, 0, 8, "/usr/bin/other"})
                  .has_value());
  ASSERT_TRUE(Disallow("A").has_value());
  now_ms_ = kNow + 1000;
  EXPECT_THAT(store_.TakeExpired(), testing::SizeIs(1));
  ASSERT_TRUE(Load().has_value());
  EXPECT_THAT(Changes(), ElementsAre("added A 0 7 /usr/bin/mdatp",
                                     "added " + kDigest + " 0 8 /usr/bin/other",
                                     "removed A 0 7 /usr/bin/mdatp",
                                     "expired " + kDigest + " 0 0 "));
  const std::optional<ChangeOrigin> added = store_.allowed().front().added;
  ASSERT_TRUE(added.has_value());
  EXPECT_EQ(added->time_ms, 2000);
  EXPECT_EQ(added->program, "/usr/bin/other");
}

TEST_F(ThreatRuleStoreTest, OfTheChangesTheNewestAreKept) {
  ASSERT_TRUE(Load().has_value());
  std::string changes;
  for (size_t i = 0; i < ThreatRuleStore::kChangesMax; ++i) {
    changes += (i == 0 ? "" : ",") +
               std::string(R"({"name":"Old","change":"added","by":{}})");
  }
  directory_.Write("threat-rules.json",
                   R"({"allowedThreatChanges":[)" + changes + "]}");
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(Allow("A").has_value());
  ASSERT_EQ(store_.changes().size(), ThreatRuleStore::kChangesMax);
  EXPECT_EQ(store_.changes().back().threat.name, "A");
}

TEST_F(ThreatRuleStoreTest, AFileOfAnOlderVersionIsRead) {
  directory_.Write("threat-rules.json", R"({"allowedThreats":["A"]})");
  ASSERT_TRUE(Load().has_value());
  EXPECT_THAT(Allowed(), ElementsAre("A"));
  EXPECT_FALSE(store_.allowed().front().added.has_value());
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kAllowedThreat);
}

TEST_F(ThreatRuleStoreTest, AManagedEndIsTheEnd) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(Allow("M").has_value());
  config_.allowed_threats = {Until(kNow + 1000, Named("M"))};
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(ReasonFor("M"), NotScannedReason::kAllowedThreat);
  now_ms_ = kNow + 1000;
  EXPECT_EQ(ReasonFor("M"), NotScannedReason::kNone);
  EXPECT_THAT(store_.TakeExpired(), testing::SizeIs(1));
  EXPECT_EQ(ReasonFor("M"), NotScannedReason::kNone);
  EXPECT_THAT(Allowed(), ElementsAre("M managed expired"));
}

TEST_F(ThreatRuleStoreTest, TypesAreAuditedUntilSomethingElseIsSet) {
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(Policy(0), "audit");
  EXPECT_EQ(Policy(1), "audit");
  ASSERT_TRUE(store_.SetAction("archive_bomb", "block").has_value());
  EXPECT_EQ(ReasonFor("ArchiveBomb:Zip"), NotScannedReason::kNone);
  EXPECT_EQ(ReasonFor("PUA.Tool"), NotScannedReason::kAuditedThreat);
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(Policy(1), "block");
}

TEST_F(ThreatRuleStoreTest, TheManagedConfigurationHasTheLastWordOnTypes) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(
      store_.SetAction("potentially_unwanted_application", "off").has_value());
  ASSERT_TRUE(store_.SetAction("archive_bomb", "off").has_value());
  config_.threat_type_actions.at(1) = ThreatTypeAction::kBlock;
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(Policy(0), "off");
  EXPECT_EQ(Policy(1), "block managed");
  EXPECT_EQ(store_.SetAction("archive_bomb", "off").error().code,
            ErrorCode::kNotPermitted);
  config_.managed_threat_types_only = true;
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(Policy(0), "audit managed");
}

TEST_F(ThreatRuleStoreTest, RefusesAFileThatItDidNotWrite) {
  for (const std::string text :
       {"[]", "{", R"({"allowedThreats":7})",
        R"({"threatTypeSettings":[{"key":"x"}]})",
        R"({"allowedThreatChanges":{}})", R"({"allowedThreatChanges":["A"]})",
        R"({"allowedThreatChanges":[{"name":"A"}]})",
        R"({"allowedThreats":[{"name":"A",
                                     "added":7}]})"}) {
    directory_.Write("threat-rules.json", text);
    const Result<bool> loaded = Load();
    ASSERT_FALSE(loaded.has_value()) << text;
    EXPECT_THAT(loaded.error().message, HasSubstr("threat-rules.json"));
  }
}

TEST_F(ThreatRuleStoreTest, WhatCannotBeKeptIsNotInForce) {
  ASSERT_TRUE(Load().has_value());
  directory_.MakeDirectory("threat-rules.json");
  EXPECT_FALSE(Allow("A").has_value());
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kNone);
}

}  // namespace
}  // namespace gatehouse
