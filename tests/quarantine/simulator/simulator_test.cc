// The production code of quarantine on a simulated disk, seed by seed.
//
//   GATEHOUSE_TEST_SEEDS       how many seeds; 10,000 if not set
//   GATEHOUSE_TEST_FIRST_SEED  where to begin; 1 if not set
//   GATEHOUSE_TEST_STORY       set: tells what happens
//
// What a seed found is found again with that seed as the first, and one seed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/quarantine/simulator/simulation.h"

namespace gatehouse {
namespace {

constexpr uint64_t kSeedsUsual = 10'000;
constexpr uint64_t kControlSeedsMax = 2'000;
constexpr int kFailuresShown = 10;

uint64_t NumberFrom(const char* variable, uint64_t usual) {
  const char* text = std::getenv(variable);
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

SimulationResult Simulate(const SimulationOptions& options,
                          SimulatedHistory& history) {
  return Simulation(options, history).Run();
}

TEST(SimulatorTest, NothingIsLostNothingIsTwiceNobodyElseIsTouched) {
  const uint64_t first = NumberFrom("GATEHOUSE_TEST_FIRST_SEED", 1);
  const uint64_t seeds = NumberFrom("GATEHOUSE_TEST_SEEDS", kSeedsUsual);
  const bool tells = std::getenv("GATEHOUSE_TEST_STORY") != nullptr;
  SimulatedHistory history;
  size_t calls = 0;
  size_t deaths = 0;
  size_t power_cuts = 0;
  size_t isolated = 0;
  size_t restored = 0;
  int failures = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const SimulationResult result =
        Simulate({.seed = seed, .tells = tells}, history);
    calls += result.calls;
    deaths += result.deaths;
    power_cuts += result.power_cuts;
    isolated += result.is_isolated ? 1 : 0;
    restored += result.is_restored ? 1 : 0;
    if (result.wrongs.empty()) continue;
    ADD_FAILURE() << "seed " << seed << ": " << result.wrongs;
    if (++failures == kFailuresShown) break;
  }
  std::cout << seeds << " seeds, " << calls << " calls, " << deaths
            << " deaths, " << power_cuts << " power cuts, " << isolated
            << " isolated, " << restored << " restored" << std::endl;
  if (failures != 0 || seeds < kSeedsUsual) return;
  // Else the seeds would say nothing.
  EXPECT_GT(isolated, seeds / 4);
  EXPECT_GT(restored, seeds / 50);
  EXPECT_GT(power_cuts, seeds / 10);
}

TEST(SimulatorTest, ASeedIsOneStory) {
  SimulatedHistory history;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const SimulationResult one = Simulate({.seed = seed}, history);
    history.Lose();  // It knows the files of this seed.
    const SimulationResult other = Simulate({.seed = seed}, history);
    ASSERT_EQ(one.trace, other.trace) << "seed " << seed;
    ASSERT_EQ(one.wrongs, other.wrongs) << "seed " << seed;
    history.Lose();
  }
}

// The controls: what the protection is there for happens without it.
bool Complains(SimulationOptions options, const std::string& about) {
  SimulatedHistory history;
  for (options.seed = 1; options.seed <= kControlSeedsMax; ++options.seed) {
    const SimulationResult result = Simulate(options, history);
    if (result.wrongs.find(about) != std::string::npos) {
      std::cout << "seed " << options.seed << ": " << result.wrongs
                << std::endl;
      return true;
    }
  }
  return false;
}

TEST(SimulatorTest, WithoutFlushesFilesAreLost) {
  EXPECT_TRUE(Complains({.flushes = false}, "the file is lost"));
}

TEST(SimulatorTest, WithoutVerificationInnocentFilesAreLost) {
  EXPECT_TRUE(Complains({.verifies = false}, "an innocent file is lost"));
}

}  // namespace
}  // namespace gatehouse
