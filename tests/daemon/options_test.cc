#include "daemon/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <vector>

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ParsedOptions Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "wdavdaemon");
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return ParseCommandLine(static_cast<int>(words.size()), arguments.data());
}

// Null takes the variable away.
void SetEnvironment(const char* name, const char* value) {
  // This program has one thread.
  // NOLINTBEGIN(concurrency-mt-unsafe)
  const int result =
      value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  // NOLINTEND(concurrency-mt-unsafe)
  EXPECT_EQ(result, 0);
}

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() {
    SetEnvironment("NOTIFY_SOCKET", nullptr);
    SetEnvironment("WATCHDOG_USEC", nullptr);
  }
};

TEST_F(OptionsTest, HaveTheDefaultsOfTheHeader) {
  const ParsedOptions parsed = Parse({});
  EXPECT_FALSE(parsed.exit_now);
  EXPECT_THAT(parsed.options.protect, IsEmpty());
  EXPECT_EQ(parsed.options.definitions_directory, "");
  EXPECT_EQ(parsed.options.state_directory, "/var/lib/gatehouse");
  EXPECT_EQ(parsed.options.run_directory, "/run/gatehouse");
  EXPECT_EQ(parsed.options.config_path, "/etc/gatehouse/mdatp_managed.json");
  EXPECT_TRUE(parsed.options.config_is_default);
  EXPECT_FALSE(parsed.options.allow_root_file_system);
  EXPECT_FALSE(parsed.options.protect_all);
  EXPECT_FALSE(parsed.options.protects());
  EXPECT_EQ(parsed.options.notify_socket, "");
  EXPECT_EQ(parsed.options.watchdog_microseconds, 0U);
}

TEST_F(OptionsTest, TakeEveryOption) {
  const ParsedOptions parsed =
      Parse({"--protect", "/a", "/b", "--protect", "/c", "--definitions", "/d",
             "--state-dir", "/s", "--run-dir", "/r", "--config", "/e",
             "--allow-root-file-system"});
  EXPECT_FALSE(parsed.exit_now);
  EXPECT_THAT(parsed.options.protect, ElementsAre("/a", "/b", "/c"));
  EXPECT_EQ(parsed.options.definitions_directory, "/d");
  EXPECT_EQ(parsed.options.state_directory, "/s");
  EXPECT_EQ(parsed.options.run_directory, "/r");
  EXPECT_EQ(parsed.options.config_path, "/e");
  EXPECT_FALSE(parsed.options.config_is_default);
  EXPECT_TRUE(parsed.options.allow_root_file_system);
  EXPECT_TRUE(parsed.options.protects());
}

TEST_F(OptionsTest, ProtectAllGoesWithoutPathsAndWithoutTheRootFileSystem) {
  const ParsedOptions all = Parse({"--protect-all"});
  EXPECT_FALSE(all.exit_now);
  EXPECT_TRUE(all.options.protect_all);
  EXPECT_TRUE(all.options.protects());
  EXPECT_FALSE(all.options.allow_root_file_system);
  EXPECT_EQ(Parse({"--protect-all", "--protect", "/a"}).exit_code, 2);
}

TEST_F(OptionsTest, TheDefaultConfigurationFileByNameMustExist) {
  const ParsedOptions parsed =
      Parse({"--config", "/etc/gatehouse/mdatp_managed.json"});
  EXPECT_FALSE(parsed.options.config_is_default);
}

TEST_F(OptionsTest, EndAtOnceWithHelpAndVersion) {
  for (const char* option : {"--help", "-h", "--version"}) {
    const ParsedOptions parsed = Parse({option});
    EXPECT_TRUE(parsed.exit_now) << option;
    EXPECT_EQ(parsed.exit_code, 0) << option;
  }
}

TEST_F(OptionsTest, EndWithTwoWhenTheyAreWrong) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--no-such-option"}, {"--protect"}, {"--state-dir"}, {"a-word"}};
  for (const std::vector<std::string>& words : wrong) {
    const ParsedOptions parsed = Parse(words);
    EXPECT_TRUE(parsed.exit_now) << words.front();
    EXPECT_EQ(parsed.exit_code, 2) << words.front();
  }
}

TEST_F(OptionsTest, TakeTheServiceManagerFromTheEnvironment) {
  SetEnvironment("NOTIFY_SOCKET", "@manager");
  SetEnvironment("WATCHDOG_USEC", "30000000");
  const ParsedOptions parsed = Parse({});
  EXPECT_EQ(parsed.options.notify_socket, "@manager");
  EXPECT_EQ(parsed.options.watchdog_microseconds, 30'000'000U);
}

TEST_F(OptionsTest, TakeNoWatchdogThatIsNoNumber) {
  for (const char* text : {"", "x", "-1", "1 ", "1x"}) {
    SetEnvironment("WATCHDOG_USEC", text);
    EXPECT_EQ(Parse({}).options.watchdog_microseconds, 0U) << text;
  }
}

}  // namespace
}  // namespace gatehouse
