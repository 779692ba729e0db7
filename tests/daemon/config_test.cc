#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "daemon/options.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConfigTest : public testing::Test {
 protected:
  Result<DaemonConfig> Read(std::string_view text) {
    DaemonOptions options;
    options.config_path = directory_.Write("config.json", text);
    options.config_is_default = false;
    return ReadConfig(options);
  }
  void ExpectInvalid(std::string_view text, std::string_view part) {
    const Result<DaemonConfig> config = Read(text);
    ASSERT_FALSE(config.has_value()) << text;
    EXPECT_EQ(config.error().code, ErrorCode::kInvalidInput) << text;
    EXPECT_THAT(config.error().message,
                AllOf(HasSubstr("config.json"), HasSubstr(std::string(part))));
  }

  const TempDir directory_;
};

TEST_F(ConfigTest, LeavesRealTimeProtectionOpenUnlessToldOtherwise) {
  const auto config = Read("{}");
  ASSERT_TRUE(config.has_value());
  EXPECT_FALSE(config->real_time_protection.has_value());
  EXPECT_THAT(config->warnings, IsEmpty());
}

TEST_F(ConfigTest, ReadsTheEnforcementLevel) {
  EXPECT_EQ(Read(R"({"antivirusEngine":{"enforcementLevel":"real_time"}})")
                .value()
                .real_time_protection,
            true);
  EXPECT_EQ(Read(R"({"antivirusEngine":{"enforcementLevel":"on_demand"}})")
                .value()
                .real_time_protection,
            false);
}

TEST_F(ConfigTest, ReadsTheReleaseRing) {
  EXPECT_EQ(Read("{}").value().release_ring, "Production");
  EXPECT_EQ(Read(R"({"gatehouse":{"releaseRing":"InsiderFast"}})")
                .value()
                .release_ring,
            "InsiderFast");
  const auto wrong = Read(R"({"gatehouse":{"releaseRing":"beta"}})");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_THAT(wrong.error().message, HasSubstr("gatehouse.releaseRing"));
}

TEST_F(ConfigTest, ReadsWhetherTheExtensionIsApproved) {
  EXPECT_FALSE(Read("{}").value().extension_approved.has_value());
  for (const bool approved : {true, false}) {
    EXPECT_EQ(Read(std::string(R"({"gatehouse":{"systemExtensionApproved":)") +
                   (approved ? "true" : "false") + "}}")
                  .value()
                  .extension_approved,
              approved);
  }
  ExpectInvalid(R"({"gatehouse":{"systemExtensionApproved":"yes"}})",
                "gatehouse.systemExtensionApproved");
}

TEST_F(ConfigTest, ReadsTheMissPolicy) {
  EXPECT_FALSE(Read("{}").value().miss_profile.has_value());
  EXPECT_EQ(
      Read(R"({"gatehouse":{"missPolicy":"strict"}})").value().miss_profile,
      MissProfile::kStrict);
  EXPECT_EQ(
      Read(R"({"gatehouse":{"missPolicy":"default"}})").value().miss_profile,
      MissProfile::kDefault);
  ExpectInvalid(R"({"gatehouse":{"missPolicy":true}})", "gatehouse.missPolicy");
}

TEST_F(ConfigTest, ReadsWhetherHashesOfAnySizeAreWanted) {
  EXPECT_TRUE(Read("{}").value().any_size_hashes);
  EXPECT_FALSE(
      Read(R"({"gatehouse":{"anySizeHashes":false}})").value().any_size_hashes);
  EXPECT_TRUE(
      Read(R"({"gatehouse":{"anySizeHashes":true}})").value().any_size_hashes);
  ExpectInvalid(R"({"gatehouse":{"anySizeHashes":0}})",
                "gatehouse.anySizeHashes");
}

TEST_F(ConfigTest, ReadsExclusionsFromBothOfTheirPlaces) {
  const auto config = Read(R"({
    "antivirusEngine":{"exclusionsMergePolicy":"admin_only","exclusions":[
      {"$type":"excludedPath","isDirectory":true,"path":"/one"}]},
    "exclusionSettings":{"mergePolicy":"merge","exclusions":[
      {"$type":"excludedFileExtension","extension":".b","scopes":["epp"]}]}})");
  ASSERT_TRUE(config.has_value());
  ASSERT_EQ(config->exclusions.size(), 2U);
  EXPECT_EQ(config->exclusions.front().text, "/one");
  EXPECT_EQ(config->exclusions.back().text, ".b");
  EXPECT_TRUE(config->managed_exclusions_only);
  EXPECT_THAT(config->warnings, IsEmpty());
  ExpectInvalid(R"({"antivirusEngine":{"exclusions":{}}})",
                "antivirusEngine.exclusions");
  ExpectInvalid(R"({"exclusionSettings":{"mergePolicy":"all"}})",
                "exclusionSettings.mergePolicy");
}

TEST_F(ConfigTest, ReadsWhatIsSaidOfThreats) {
  const auto config = Read(R"({"antivirusEngine":{
      "allowedThreats":["EICAR Test File"],
      "disallowedThreatActions":["allow","restore"],
      "threatTypeSettings":[
        {"key":"potentially_unwanted_application","value":"block"},
        {"key":"archive_bomb","value":"off"}],
      "threatTypeSettingsMergePolicy":"admin_only",
      "scanResultsRetentionDays":180,
      "scanHistoryMaximumItems":5000}})");
  ASSERT_TRUE(config.has_value());
  EXPECT_THAT(
      config->allowed_threats,
      ElementsAre(testing::Field(&AllowedThreat::name, "EICAR Test File")));
  EXPECT_FALSE(config->may_allow_threats);
  EXPECT_FALSE(config->may_restore_threats);
  EXPECT_EQ(config->threat_type_actions.at(0), ThreatTypeAction::kBlock);
  EXPECT_EQ(config->threat_type_actions.at(1), ThreatTypeAction::kOff);
  EXPECT_TRUE(config->managed_threat_types_only);
  EXPECT_EQ(config->retention_days, 180U);
  EXPECT_EQ(config->history_items_max, 5000U);
  EXPECT_THAT(config->warnings, IsEmpty());
}

TEST_F(ConfigTest, ReadsHowLongAContentIsAllowed) {
  const std::string digest(64, 'A');
  const auto config = Read(R"({"antivirusEngine":{"allowedThreats":[
      {"sha256":")" + digest +
                           R"(","expires":"2026-12-31","comment":"Why"}
  ]}})");
  ASSERT_TRUE(config.has_value());
  ASSERT_THAT(config->allowed_threats, testing::SizeIs(1));
  const AllowedThreat& threat = config->allowed_threats.front();
  EXPECT_EQ(threat.sha256, std::string(64, 'a'));
  EXPECT_EQ(threat.expires_ms, 1798675200000);
  EXPECT_EQ(threat.comment, "Why");
}

TEST_F(ConfigTest, RefusesWhatCannotBeSaidOfThreats) {
  for (const std::string_view member :
       {R"("allowedThreats":"A")",
        R"("allowedThreats":[7])",
        R"("allowedThreats":[""])",
        R"("allowedThreats":[{}])",
        R"("allowedThreats":[{"name":7}])",
        R"("allowedThreats":[{"sha256":"abc"}])",
        R"("allowedThreats":[{"name":"A","sha256":"abc"}])",
        R"("allowedThreats":[{"name":"A","expires":"soon"}])",
        R"("allowedThreats":[{"name":"A","comment":"a\nb"}])",
        R"("disallowedThreatActions":["remove"])",
        R"("disallowedThreatActions":"allow")",
        R"("threatTypeSettings":{"archive_bomb":"off"})",
        R"("threatTypeSettings":[{"key":"virus","value":"off"}])",
        R"("threatTypeSettings":[{"key":"archive_bomb","value":"allow"}])",
        R"("threatTypeSettings":[{"key":"archive_bomb"}])",
        R"("threatTypeSettingsMergePolicy":"all")",
        R"("scanResultsRetentionDays":0)",
        R"("scanResultsRetentionDays":181)",
        R"("scanResultsRetentionDays":"90")",
        R"("scanResultsRetentionDays":1.5)",
        R"("scanResultsRetentionDays":-1)",
        R"("scanHistoryMaximumItems":4999)",
        R"("scanHistoryMaximumItems":15001)"}) {
    ExpectInvalid(R"({"antivirusEngine":{)" + std::string(member) + "}}",
                  "antivirusEngine.");
  }
}

TEST_F(ConfigTest, WarnsOfKeysThatItDoesNotKnow) {
  const auto config = Read(R"({"cloudService":{"enabled":true},
      "antivirusEngine":{"threadCount":4,"enforcementLevel":"on_demand"}})");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->real_time_protection, false);
  EXPECT_THAT(config->warnings,
              ElementsAre(HasSubstr("antivirusEngine.threadCount"),
                          HasSubstr("'cloudService'")));
}

TEST_F(ConfigTest, RefusesWrongTypesAndValuesAndNamesTheKey) {
  ExpectInvalid(R"({"antivirusEngine":7})", "'antivirusEngine'");
  ExpectInvalid(R"({"antivirusEngine":{"enforcementLevel":true}})",
                "antivirusEngine.enforcementLevel");
  ExpectInvalid(R"({"antivirusEngine":{"enforcementLevel":"passive"}})",
                "'passive'");
  ExpectInvalid(R"({"antivirusEngine":{"enforcementLevel":""}})", "''");
}

TEST_F(ConfigTest, RefusesWhatIsNoJsonObject) {
  for (const std::string_view text :
       {"", " ", "[]", "null", "7", "{", "{}}", "{\"a\":}", "\xff\xfe"}) {
    ExpectInvalid(text, "not a JSON object");
  }
  ExpectInvalid(std::string(100'000, '['), "not a JSON object");
}

TEST_F(ConfigTest, AMissingFileIsAnErrorUnlessItIsTheDefaultOne) {
  DaemonOptions options;
  options.config_path = directory_.Path("missing.json");
  EXPECT_TRUE(ReadConfig(options).has_value());
  options.config_is_default = false;
  const auto config = ReadConfig(options);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(config.error().message, HasSubstr("missing.json"));
}

TEST_F(ConfigTest, ADirectoryIsNoConfiguration) {
  DaemonOptions options;
  options.config_path = directory_.path();
  EXPECT_FALSE(ReadConfig(options).has_value());
}

}  // namespace
}  // namespace gatehouse
