#include "daemon/loaded_signatures.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "definitions/definitions_place.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr time_t kSecond = 1600000000;  // 2020-09-13 12:26:40 UTC.
constexpr const char* kOne = "Test.One:0:*:6f6e6520\n";
constexpr const char* kTwo = "Test.Two:0:*:74776f20\n";

class LoadedSignaturesTest : public testing::Test {
 protected:
  LoadedSignaturesTest()
      : log_fd_(::open(log_directory_.Write("log", "").c_str(),
                       O_WRONLY | O_APPEND | O_CLOEXEC)),
        log_(log_fd_.UnsafeFd()) {}

  void Write(const char* name, const std::string& text, time_t written_at) {
    const std::string path = directory_.Write(name, text);
    const std::array<timespec, 2> times = {timespec{written_at, 0},
                                           timespec{written_at, 5'000'000}};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
  }
  Result<LoadedSignatures> Load() {
    return LoadSignatures({directory_.path(), false}, log_);
  }
  std::string Log() {
    log_.Flush();
    std::ifstream file(log_directory_.Path("log"));
    return {std::istreambuf_iterator<char>(file),
            std::istreambuf_iterator<char>()};
  }

  const TempDir directory_;
  const TempDir log_directory_;
  UniqueFd log_fd_;
  LogWriter log_;
};

TEST_F(LoadedSignaturesTest, BuiltInRuleIsAsOldAsTheProgram) {
  const Result<LoadedSignatures> loaded = LoadSignatures({}, log_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  struct stat program = {};
  ASSERT_EQ(::stat("/proc/self/exe", &program), 0);
  EXPECT_EQ(loaded->updated_ms / 1000, program.st_mtim.tv_sec);
  EXPECT_EQ(loaded->set->body_count(), 0U);
  EXPECT_THAT(loaded->version, MatchesRegex(".*-1-[0-9a-f]*"));
}

TEST_F(LoadedSignaturesTest, NewestFileSaysHowOldTheyAre) {
  Write("a.ndb", kOne, kSecond);
  Write("b.ndb", kTwo, kSecond - 100);
  const Result<LoadedSignatures> loaded = Load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->updated_ms, int64_t{kSecond} * 1000 + 5);
  EXPECT_EQ(loaded->set->body_count(), 2U);
  // The built-in rule is the third.
  EXPECT_THAT(loaded->version, MatchesRegex("2020.09.13.1226-3-........"));
}

TEST_F(LoadedSignaturesTest, OtherContentIsAnotherVersion) {
  Write("a.ndb", kOne, kSecond);
  const std::string first = Load()->version;
  EXPECT_EQ(Load()->version, first);
  Write("a.ndb", kTwo, kSecond + 1);
  const std::string second = Load()->version;
  EXPECT_NE(second, first);
  Write("b.ndb", kOne, kSecond);
  EXPECT_NE(Load()->version, second);
}

TEST_F(LoadedSignaturesTest, WhatCannotBeUsedIsLoggedAndLeavesTheRest) {
  Write("a.ndb", std::string(kOne) + "nonsense\n", kSecond);
  const Result<LoadedSignatures> loaded = Load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->set->body_count(), 1U);
  EXPECT_THAT(Log(), AllOf(HasSubstr("definition not loaded file=\"a.ndb\" "
                                     "line=\"2\""),
                           HasSubstr("loaded=\"1\"")));
}

// A daemon that starts with nothing would call everything clean.
TEST_F(LoadedSignaturesTest, NothingUsableIsAnErrorThatNamesTheFiles) {
  const Result<LoadedSignatures> empty = Load();
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(empty.error().message, HasSubstr(directory_.path()));
  Write("a.ndb", "nonsense\n", kSecond);
  const Result<LoadedSignatures> unusable = Load();
  ASSERT_FALSE(unusable);
  EXPECT_EQ(unusable.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(unusable.error().message, HasSubstr("'a.ndb'"));
}

TEST_F(LoadedSignaturesTest, MissingDirectoryIsAnError) {
  EXPECT_FALSE(LoadSignatures({directory_.Path("none"), false}, log_));
}

TEST_F(LoadedSignaturesTest, APlaceNobodyAskedForMayBeUseless) {
  Write("main.cvd", "a container", kSecond);
  const Result<LoadedSignatures> loaded =
      LoadSignatures({directory_.path(), true}, log_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->set->body_count(), 0U);
  EXPECT_EQ(loaded->report.files.at(0).file, "main.cvd");
  // The control.
  EXPECT_FALSE(Load());
}

TEST_F(LoadedSignaturesTest, TheDefaultPlaceCountsWhenItHoldsDefinitions) {
  const std::string path = directory_.path();
  EXPECT_EQ(FindDefinitions("", path.c_str()).directory, "");
  Write("notes.txt", "no definitions", kSecond);
  EXPECT_EQ(FindDefinitions("", path.c_str()).directory, "");
  Write("one.ndb", kOne, kSecond);
  EXPECT_EQ(FindDefinitions("", path.c_str()).directory, path);
  EXPECT_TRUE(FindDefinitions("", path.c_str()).is_default);
  EXPECT_EQ(FindDefinitions("none", path.c_str()).directory, "");
  EXPECT_EQ(FindDefinitions("/a", path.c_str()).directory, "/a");
  EXPECT_FALSE(FindDefinitions("/a", path.c_str()).is_default);
  EXPECT_EQ(FindDefinitions("", "/nowhere at all").directory, "");
}

}  // namespace
}  // namespace gatehouse
