#include "daemon/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

TEST(SettingsTest, NothingWasChangedUntilSomethingIsSaved) {
  const TempDir state;
  const Result<Settings> settings = LoadSettings(state.path());
  ASSERT_TRUE(settings);
  EXPECT_FALSE(settings->real_time_protection.has_value());
}

TEST(SettingsTest, AreLoadedAsTheyWereSaved) {
  const TempDir state;
  for (const std::optional<bool> value :
       {std::optional<bool>(false), std::optional<bool>(true),
        std::optional<bool>()}) {
    ASSERT_TRUE(SaveSettings(state.path(), {value}));
    const Result<Settings> settings = LoadSettings(state.path());
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings->real_time_protection, value);
  }
}

TEST(SettingsTest, SaveThatWasCutOffLeavesTheOldOnes) {
  const TempDir state;
  ASSERT_TRUE(SaveSettings(state.path(), {false}));
  state.Write("settings.json.new", R"({"realTimeProt)");
  EXPECT_EQ(LoadSettings(state.path())->real_time_protection, false);
  ASSERT_TRUE(SaveSettings(state.path(), {true}));
  EXPECT_EQ(LoadSettings(state.path())->real_time_protection, true);
}

// Guessing could switch protection off.
TEST(SettingsTest, DamagedFileIsAnErrorThatNamesIt) {
  const TempDir state;
  for (const char* text :
       {"", "{", "[]", "null", "\xff", R"({"realTimeProtection":true})",
        R"({"realTimeProtection":"on"})", R"({"realTimeProtection":null})"}) {
    state.Write("settings.json", text);
    const Result<Settings> settings = LoadSettings(state.path());
    ASSERT_FALSE(settings) << text;
    EXPECT_EQ(settings.error().code, ErrorCode::kInvalidInput) << text;
    EXPECT_THAT(settings.error().message,
                HasSubstr(state.Path("settings.json")));
  }
}

TEST(SettingsTest, WhatIsNoFileIsNotReadAsNoSettings) {
  const TempDir state;
  state.MakeDirectory("settings.json");
  EXPECT_FALSE(LoadSettings(state.path()));
}

TEST(SettingsTest, KeysOfLaterVersionsAreLeftAside) {
  const TempDir state;
  state.Write("settings.json",
              R"({"later":[1],"realTimeProtection":"disabled"})");
  EXPECT_EQ(LoadSettings(state.path())->real_time_protection, false);
}

TEST(SettingsTest, SaysWhereItCannotSave) {
  const TempDir state;
  const Result<bool> saved = SaveSettings(state.Path("none"), {true});
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message, HasSubstr("none/settings.json"));
}

}  // namespace
}  // namespace gatehouse
