#include "daemon/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Json = nlohmann::json;

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kDayMs = 24 * 60 * kMinuteMs;

class HealthJsonTest : public testing::Test {
 protected:
  HealthJsonTest()
      : facts_{{},   {}, 0,  false,       false, {},
               {},   0,  {}, statistics_, {},    MissProfile::kDefault,
               false} {
    facts_.protection.is_available = true;
    facts_.protection.subsystem = "fanotify";
    facts_.extension.state = ApprovalState::kActive;
    facts_.extension.is_approved = true;
    facts_.real_time_protection_enabled = true;
    facts_.release_ring = "Production";
    facts_.definitions.version = "1";
    facts_.definitions.updated_ms = 100 * kDayMs;
    facts_.now_ms = 100 * kDayMs + 59'999;
  }

  // The one issue that the change makes.
  std::string IssueOf(const std::function<void()>& change) {
    EXPECT_EQ(HealthJson(facts_)["healthy"], true);
    change();
    const Json told = HealthJson(facts_);
    EXPECT_EQ(told["healthy"], false);
    EXPECT_EQ(told["healthIssues"].size(), 1U);
    return told["healthIssues"].at(0);
  }

  RemediatorStatistics statistics_;
  HealthFacts facts_;
};

TEST_F(HealthJsonTest, TellsUsersNothingOfTheThreatsOfOthers) {
  facts_.is_for_administrator = false;
  const std::string before = HealthJson(facts_).dump();
  statistics_.isolated_in_time = 1;
  statistics_.isolated_late = 2;
  statistics_.isolated_after_close = 3;
  statistics_.not_isolated = 4;
  statistics_.pending = 5;
  statistics_.record_errors = 6;
  facts_.recording.events = 7;
  facts_.left_out = {"/home/other"};
  EXPECT_EQ(HealthJson(facts_).dump(), before);
  facts_.is_for_administrator = true;
  EXPECT_NE(HealthJson(facts_).dump(), before);
  EXPECT_EQ(HealthJson(facts_)["threatsIsolatedAfterClose"], 3);
  EXPECT_EQ(HealthJson(facts_)["healthy"], false);
}

TEST_F(HealthJsonTest, TellsForHowLongThreatsAreRemembered) {
  const Json told = HealthJson(facts_)["antivirus"]["value"];
  EXPECT_EQ(told["scanResultsRetentionDays"]["value"], 90);
  EXPECT_EQ(told["scanResultsRetentionDays"]["isManaged"], false);
  EXPECT_EQ(told["scanHistoryMaximumItems"]["value"], 10000);
  EXPECT_EQ(told["scanHistoryCleanupIntervalHours"], 7);
  EXPECT_EQ(told["enforcementLevel"]["value"], "real_time");
  facts_.history = {30, true, 5000, true};
  const Json managed = HealthJson(facts_)["antivirus"]["value"];
  EXPECT_EQ(managed["scanResultsRetentionDays"]["value"], 30);
  EXPECT_EQ(managed["scanHistoryMaximumItems"]["isManaged"], true);
}

TEST_F(HealthJsonTest, SaysHowOftenSomethingWasLost) {
  facts_.losses = {0, 3, 1, 2, 5};
  const Json told = HealthJson(facts_);
  // What is made up for, or is nobody's concern, is no issue.
  EXPECT_EQ(told["healthy"], true);
  EXPECT_EQ(told["eventLosses"]["value"], (Json{{"notificationsLost", 0},
                                                {"processesLost", 3},
                                                {"namesLost", 1},
                                                {"treeChangesLost", 2},
                                                {"rescansLost", 5}}));
  EXPECT_THAT(IssueOf([&] { facts_.losses.notifications = 2; }),
              HasSubstr("lost notifications of written files, 2 times"));
}

TEST_F(HealthJsonTest, TellsWhatIsLeftOutWithinAFrame) {
  EXPECT_EQ(HealthJson(facts_)["leftOut"]["value"],
            Json::parse(R"({"leftOut": [], "leftOutCount": 0})"));
  for (int i = 0; i < 1000; ++i) {
    facts_.left_out.push_back(std::string(4096, 'x') + "\xff");
  }
  const Json told = HealthJson(facts_);
  EXPECT_EQ(told["healthy"], true);
  EXPECT_EQ(told["leftOut"]["value"]["leftOutCount"], 1000);
  EXPECT_LT(told.dump().size(), 32'768U);
}

TEST_F(HealthJsonTest, EveryIssueMakesItUnhealthy) {
  EXPECT_EQ(IssueOf([&] { facts_.protection.issues.emplace_back("a reason"); }),
            "a reason");
  facts_.protection.issues.clear();
  EXPECT_EQ(IssueOf([&] { facts_.real_time_protection_enabled = false; }),
            "real-time protection is disabled");
  facts_.real_time_protection_enabled = true;
  EXPECT_THAT(IssueOf([&] { facts_.quarantine_error = "no disk"; }),
              HasSubstr("no disk"));
  facts_.quarantine_error.clear();
  EXPECT_EQ(IssueOf([&] {
              facts_.quarantine_problems.emplace_back("key file is missing");
            }),
            "quarantine: key file is missing");
  facts_.quarantine_problems.clear();
  EXPECT_THAT(IssueOf([&] { statistics_.record_errors = 1; }),
              HasSubstr("could not be recorded"));
  statistics_.record_errors = 0;
  EXPECT_THAT(IssueOf([&] {
                facts_.conflicting_applications.emplace_back("other (7)");
              }),
              HasSubstr("other (7)"));
}

TEST_F(HealthJsonTest, SaysThatTheExtensionIsNotApproved) {
  facts_.extension.state = ApprovalState::kAwaiting;
  facts_.extension.is_approved = false;
  facts_.extension.reason = "the reason";
  const Json told = HealthJson(facts_);
  EXPECT_THAT(told["healthIssues"],
              ElementsAre("full disk access has not been granted",
                          "system extension awaiting_approval: the reason"));
  EXPECT_EQ(told["fullDiskAccessEnabled"], false);
  // Approved too late: another reason.
  facts_.extension.state = ApprovalState::kFallback;
  facts_.extension.is_approved = true;
  EXPECT_THAT(HealthJson(facts_)["healthIssues"],
              ElementsAre("system extension fallback: the reason"));
  // Nobody wants it: nobody misses it.
  facts_.real_time_protection_enabled = false;
  EXPECT_THAT(HealthJson(facts_)["healthIssues"],
              ElementsAre("real-time protection is disabled"));
}

TEST_F(HealthJsonTest, ShowsWhatItIsGiven) {
  facts_.protection.subsystem = "fanotify_notify_only";
  facts_.protection.is_available = false;
  facts_.release_ring = "InsiderFast";
  facts_.real_time_protection_managed = true;
  statistics_.isolated_in_time = 3;
  statistics_.isolated_late = 4;
  statistics_.not_isolated = 5;
  statistics_.pending = 6;
  facts_.allowed = {7, 8};
  const Json told = HealthJson(facts_);
  EXPECT_EQ(told["realTimeProtectionSubsystem"], "fanotify_notify_only");
  EXPECT_EQ(told["realTimeProtectionAvailable"], false);
  EXPECT_EQ(told["releaseRing"], "InsiderFast");
  EXPECT_EQ(
      told["realTimeProtectionEnabled"],
      Json({{"displayValue", true}, {"isManaged", true}, {"value", true}}));
  EXPECT_EQ(told["threatsIsolatedWithinDeadline"], 3);
  EXPECT_EQ(told["threatsIsolatedLate"], 4);
  EXPECT_EQ(told["threatsNotIsolated"], 5);
  EXPECT_EQ(told["isolationsPending"], 6);
  EXPECT_EQ(told["allowedThreatsCount"], 7);
  EXPECT_EQ(told["allowedThreatsExpired"], 8);
  facts_.is_for_administrator = false;
  EXPECT_TRUE(HealthJson(facts_)["allowedThreatsCount"].is_null());
}

TEST_F(HealthJsonTest, DefinitionsGrowOld) {
  EXPECT_EQ(HealthJson(facts_)["definitionsUpdatedMinutesAgo"], 0);
  facts_.now_ms = facts_.definitions.updated_ms + 7 * kDayMs;
  EXPECT_EQ(HealthJson(facts_)["definitionsUpdatedMinutesAgo"], 7 * 24 * 60);
  EXPECT_EQ(HealthJson(facts_)["definitionsStatus"]["$type"], "upToDate");
  facts_.now_ms += 1;
  EXPECT_EQ(HealthJson(facts_)["definitionsStatus"]["$type"], "outOfDate");
  EXPECT_EQ(HealthJson(facts_)["definitionsUpdated"],
            std::to_string(100 * kDayMs));
}

TEST_F(HealthJsonTest, ClockThatWasSetBackIsNoAge) {
  facts_.now_ms = facts_.definitions.updated_ms - kDayMs;
  EXPECT_EQ(HealthJson(facts_)["definitionsUpdatedMinutesAgo"], 0);
}

TEST_F(HealthJsonTest, DefinitionsThatAreNotUsedAreAnIssue) {
  EXPECT_THAT(IssueOf([this] {
                facts_.definitions.state.fail_reason =
                    "they find 'X' in /bin/sh";
              }),
              HasSubstr("they find 'X'"));
  const Json details = HealthJson(facts_)["definitions"]["value"];
  EXPECT_EQ(details["definitionsUpdateFailReason"], "they find 'X' in /bin/sh");
}

TEST_F(HealthJsonTest, AnUpdateThatGoesOnIsToldAndNoIssue) {
  facts_.definitions.state.is_updating = true;
  facts_.definitions.counts.loaded = 7;
  const Json told = HealthJson(facts_);
  EXPECT_EQ(told["definitionsStatus"]["$type"], "updating");
  EXPECT_EQ(told["healthy"], true);
  EXPECT_EQ(told["definitions"]["value"]["definitionsLoaded"], 7);
}

}  // namespace
}  // namespace gatehouse
