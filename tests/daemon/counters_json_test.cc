#include "daemon/counters_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/time.h"
#include "es_adapter/linux/journal.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

class CountersJsonTest : public testing::Test {
 protected:
  CountersJsonTest()
      : shared_(*CreateSharedState()), journal_(esl_journal_create(4)) {}

  Json Counters() { return Json::parse(CountersJson(shared_, journal_)); }

  SharedState& shared_;           // Never freed: see shared_state.h.
  esl_journal_t* const journal_;  // Never freed: see es_linux.h.
};

void ExpectAllZero(const Json& value, const std::string& name) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      ExpectAllZero(member, std::string(name).append("/").append(key));
    }
  } else {
    EXPECT_TRUE(value == 0 || value == false) << name << ": " << value;
  }
}

TEST_F(CountersJsonTest, BeginsWithNothingCounted) {
  Json counters = Counters();
  EXPECT_EQ(counters.erase("takenAtMonotonicNs"), 1U);
  ExpectAllZero(counters, "");
}

TEST_F(CountersJsonTest, SaysWhenItWasTaken) {
  const auto now = [] {
    return MonotonicClock::now().time_since_epoch().count();
  };
  const int64_t before = now();
  const auto taken = Counters().at("takenAtMonotonicNs").get<int64_t>();
  EXPECT_LE(before, taken);
  EXPECT_LE(taken, now());
}

TEST_F(CountersJsonTest, HasEveryGroup) {
  const Json counters = Counters();
  for (const char* group :
       {"supervisor", "eventSource", "adapter", "auth", "realtimeWorkers",
        "backgroundWorkers", "sink", "rescans"}) {
    EXPECT_TRUE(counters.at(group).is_object()) << group;
    EXPECT_FALSE(counters.at(group).empty()) << group;
  }
}

TEST_F(CountersJsonTest, TellsWhatEachPartCounts) {
  shared_.previous_run_unclean.store(1);
  shared_.supervisor.worker_deaths.store(1);
  shared_.adapter.auth_messages.store(2);
  shared_.auth.denied_infected.store(3);
  shared_.realtime.workers_stuck.store(4);
  shared_.background.scans_finished.store(5);
  shared_.rescans.lost.store(6);
  shared_.crashed.count.store(7);
  journal_->counters.allowed_no_worker.store(8);
  const Json counters = Counters();
  EXPECT_EQ(counters.at("previousRunUnclean"), true);
  EXPECT_EQ(counters.at("supervisor").at("workerDeaths"), 1);
  EXPECT_EQ(counters.at("adapter").at("authMessages"), 2);
  EXPECT_EQ(counters.at("auth").at("deniedInfected"), 3);
  EXPECT_EQ(counters.at("realtimeWorkers").at("stuck"), 4);
  EXPECT_EQ(counters.at("backgroundWorkers").at("scansFinished"), 5);
  EXPECT_EQ(counters.at("rescans").at("lost"), 6);
  EXPECT_EQ(counters.at("crashedContents"), 7);
  EXPECT_EQ(counters.at("eventSource").at("allowedNoWorker"), 8);
}

TEST_F(CountersJsonTest, TellsWhyOpensWereAllowedWithoutAVerdict) {
  for (size_t i = 1; i < kNotScannedReasonCount; ++i) {
    shared_.auth.allowed_by_reason.at(i).store(100 + i);
  }
  const Json reasons = Counters().at("auth").at("allowedNotScanned");
  EXPECT_EQ(reasons.size(), kNotScannedReasonCount - 1);
  for (size_t i = 1; i < kNotScannedReasonCount; ++i) {
    const auto word = ReasonWord(static_cast<NotScannedReason>(i));
    EXPECT_EQ(reasons.at(std::string(word)), 100 + i) << word;
  }
}

TEST_F(CountersJsonTest, CountsThePendingEventsOfBothTables) {
  (void)journal_->permission.AcquireRun(2);
  (void)journal_->notification.AcquireRun(1);
  EXPECT_EQ(Counters().at("eventSource").at("pending"), 3);
}

TEST_F(CountersJsonTest, KeepsNumbersThatNeed64Bits) {
  shared_.realtime.bytes_scanned.store(UINT64_MAX);
  EXPECT_EQ(Counters().at("realtimeWorkers").at("bytesScanned"), UINT64_MAX);
}

TEST_F(CountersJsonTest, EndsWithANewline) {
  EXPECT_EQ(CountersJson(shared_, journal_).back(), '\n');
}

}  // namespace
}  // namespace gatehouse
