#include "daemon/threat_rule_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/threat_config.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

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
  std::vector<std::string> Allowed() const {
    std::vector<std::string> names;
    for (const AllowedThreat& threat : store_.allowed()) {
      names.push_back(threat.name + (threat.is_managed ? " managed" : ""));
    }
    return names;
  }
  std::string Policy(size_t type) const {
    const ThreatTypePolicy policy = store_.policies().at(type);
    std::string text(ThreatTypeActionWord(policy.action));
    return policy.is_managed ? text + " managed" : text;
  }

  TempDir directory_;
  DaemonConfig config_;
  ThreatRules rules_;
  ThreatRuleStore store_{rules_};
};

TEST_F(ThreatRuleStoreTest, KeepsWhatWasAllowed) {
  ASSERT_TRUE(Load().has_value());
  EXPECT_THAT(Allowed(), IsEmpty());
  ASSERT_TRUE(store_.Allow("Tool \"X\" \u00e9").has_value());
  EXPECT_EQ(ReasonFor("Tool \"X\" \u00e9"), NotScannedReason::kAllowedThreat);
  ThreatRules others;
  ThreatRuleStore again(others);
  ASSERT_TRUE(again.Load(config_, directory_.path()).has_value());
  EXPECT_EQ(ReasonFor(others, "Tool \"X\" \u00e9"),
            NotScannedReason::kAllowedThreat);
  ASSERT_TRUE(again.Disallow("Tool \"X\" \u00e9").has_value());
  EXPECT_EQ(ReasonFor(others, "Tool \"X\" \u00e9"), NotScannedReason::kNone);
}

TEST_F(ThreatRuleStoreTest, SaysWhatItRefuses) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(store_.Allow("A").has_value());
  EXPECT_EQ(store_.Allow("A").error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(store_.Disallow("B").error().code, ErrorCode::kNotFound);
  for (const std::string& name :
       {std::string(), std::string("a\nb"), std::string("\xff"),
        std::string(1025, 'x')}) {
    EXPECT_EQ(store_.Allow(name).error().code, ErrorCode::kInvalidInput);
  }
  EXPECT_EQ(store_.SetAction("virus", "off").error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(store_.SetAction("archive_bomb", "allow").error().code,
            ErrorCode::kInvalidInput);
}

TEST_F(ThreatRuleStoreTest, ManagedNamesStay) {
  config_.allowed_threats = {"M"};
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(store_.Allow("M").error().code, ErrorCode::kNotPermitted);
  EXPECT_EQ(store_.Disallow("M").error().code, ErrorCode::kNotPermitted);
  ASSERT_TRUE(store_.Allow("A").has_value());
  EXPECT_THAT(Allowed(), testing::ElementsAre("M managed", "A"));
}

TEST_F(ThreatRuleStoreTest, WhereAllowingIsDisallowedOnlyManagedNamesCount) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(store_.Allow("A").has_value());
  EXPECT_TRUE(store_.CheckMayRestore().has_value());
  config_.may_allow_threats = false;
  config_.may_restore_threats = false;
  config_.allowed_threats = {"M"};
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kNone);
  EXPECT_EQ(ReasonFor("M"), NotScannedReason::kAllowedThreat);
  EXPECT_THAT(Allowed(), testing::ElementsAre("M managed"));
  const Result<bool> allowed = store_.Allow("B");
  ASSERT_FALSE(allowed.has_value());
  EXPECT_EQ(allowed.error().code, ErrorCode::kNotPermitted);
  EXPECT_THAT(allowed.error().message, HasSubstr("managed configuration"));
  EXPECT_EQ(store_.CheckMayRestore().error().code, ErrorCode::kNotPermitted);
  // Not to allow any more is always allowed.
  EXPECT_TRUE(store_.Disallow("A").has_value());
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
  for (const std::string text : {"[]", "{", R"({"allowedThreats":7})",
                                 R"({"threatTypeSettings":[{"key":"x"}]})"}) {
    directory_.Write("threat-rules.json", text);
    const Result<bool> loaded = Load();
    ASSERT_FALSE(loaded.has_value()) << text;
    EXPECT_THAT(loaded.error().message, HasSubstr("threat-rules.json"));
  }
}

TEST_F(ThreatRuleStoreTest, WhatCannotBeKeptIsNotInForce) {
  ASSERT_TRUE(Load().has_value());
  directory_.MakeDirectory("threat-rules.json");
  EXPECT_FALSE(store_.Allow("A").has_value());
  EXPECT_EQ(ReasonFor("A"), NotScannedReason::kNone);
}

}  // namespace
}  // namespace gatehouse
