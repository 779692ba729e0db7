#include "daemon/exclusion_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/exclusion_json.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Json = nlohmann::json;

Exclusion Folder(std::string path) {
  return {ExclusionKind::kFolder, std::move(path), ExclusionScope::kEpp, false};
}

class ExclusionStoreTest : public testing::Test {
 protected:
  Result<bool> Load() { return store_.Load(config_, directory_.path()); }

  TempDir directory_;
  DaemonConfig config_;
  Exclusions exclusions_;
  ExclusionStore store_{exclusions_};
};

TEST_F(ExclusionStoreTest, KeepsWhatWasAdded) {
  ASSERT_TRUE(Load().has_value());
  EXPECT_THAT(store_.list(), IsEmpty());
  ASSERT_TRUE(store_.Add(Folder("/data/")).has_value());
  EXPECT_TRUE(exclusions_.ExcludesPath("/data/file"));
  Exclusions others;
  ExclusionStore again(others);
  ASSERT_TRUE(again.Load(config_, directory_.path()).has_value());
  EXPECT_TRUE(others.ExcludesPath("/data/file"));
  ASSERT_TRUE(again.Remove(Folder("/data")).has_value());
  EXPECT_FALSE(others.ExcludesPath("/data/file"));
}

TEST_F(ExclusionStoreTest, SaysWhatItRefuses) {
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(store_.Add(Folder("/data")).has_value());
  const Result<bool> twice = store_.Add(Folder("/data/"));
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(twice.error().message, HasSubstr("'/data'"));
  EXPECT_EQ(store_.Remove(Folder("/other")).error().code, ErrorCode::kNotFound);
  Exclusion global = Folder("/data");
  global.scope = ExclusionScope::kGlobal;
  EXPECT_EQ(store_.Remove(global).error().code, ErrorCode::kNotFound)
      << "removal needs the same scope";
  EXPECT_EQ(store_.Add(Folder("/\xff")).error().code, ErrorCode::kInvalidInput);
}

TEST_F(ExclusionStoreTest, HasALimit) {
  ASSERT_TRUE(Load().has_value());
  Json list = Json::array();
  for (size_t i = 0; i < Exclusions::kExclusionsMax; ++i) {
    list.push_back(ExclusionJson(Folder("/data/" + std::to_string(i))));
  }
  (void)directory_.Write("exclusions.json", list.dump());
  ASSERT_TRUE(Load().has_value());
  EXPECT_EQ(store_.Add(Folder("/one/more")).error().code,
            ErrorCode::kLimitExceeded);
  EXPECT_THAT(store_.list(), SizeIs(Exclusions::kExclusionsMax));
}

TEST_F(ExclusionStoreTest, ADamagedFileIsAnErrorThatNamesIt) {
  for (const char* text : {"", "{", "{}", "[7]", R"([{"$type":"other"}])",
                           R"([{"$type":"excludedPath","path":7}])",
                           R"([{"$type":"excludedPath","path":"/a",
                               "isDirectory":1}])",
                           R"([{"$type":"excludedPath","path":"/a",
                               "scopes":[]}])",
                           R"([{"$type":"excludedPath","path":"/a",
                               "scopes":["all"]}])",
                           R"([{"$type":"excludedPath","path":"a"}])"}) {
    (void)directory_.Write("exclusions.json", text);
    const Result<bool> loaded = Load();
    ASSERT_FALSE(loaded.has_value()) << text;
    EXPECT_THAT(loaded.error().message, HasSubstr("exclusions.json"));
  }
}

TEST_F(ExclusionStoreTest, ManagedOnesComeFirstAndCannotBeChanged) {
  config_.exclusions = {Folder("/managed")};
  ASSERT_TRUE(Load().has_value());
  ASSERT_TRUE(store_.Add(Folder("/own")).has_value());
  ASSERT_THAT(store_.list(), SizeIs(2));
  EXPECT_TRUE(store_.list().front().is_managed);
  EXPECT_EQ(store_.Remove(Folder("/managed")).error().code,
            ErrorCode::kNotPermitted);
  config_.managed_exclusions_only = true;
  ASSERT_TRUE(Load().has_value());
  EXPECT_THAT(store_.list(), SizeIs(1));
  EXPECT_EQ(store_.Add(Folder("/another")).error().code,
            ErrorCode::kNotPermitted);
}

TEST(ExclusionJsonTest, EveryKindComesBack) {
  for (const ExclusionKind kind :
       {ExclusionKind::kFile, ExclusionKind::kFolder, ExclusionKind::kExtension,
        ExclusionKind::kProcess}) {
    const Exclusion exclusion{kind,
                              kind == ExclusionKind::kExtension ? ".a" : "/a",
                              ExclusionScope::kEpp, false};
    const Result<Exclusion> back = ExclusionOfJson(
        ExclusionJson(exclusion), "here", ExclusionScope::kGlobal);
    ASSERT_TRUE(back.has_value());
    EXPECT_TRUE(back->IsSameAs(exclusion));
  }
}

TEST(ExclusionJsonTest, WithoutScopesItIsGlobalWhereItCanBe) {
  const auto scope_of = [](const char* text) {
    return ExclusionOfJson(Json::parse(text), "here", ExclusionScope::kGlobal)
        .value()
        .scope;
  };
  EXPECT_EQ(scope_of(R"({"$type":"excludedPath","path":"/a"})"),
            ExclusionScope::kGlobal);
  EXPECT_EQ(scope_of(R"({"$type":"excludedPath","path":"/a/*/b"})"),
            ExclusionScope::kEpp);
  EXPECT_EQ(scope_of(R"({"$type":"excludedFileExtension","extension":"a"})"),
            ExclusionScope::kEpp);
  EXPECT_EQ(scope_of(R"({"$type":"excludedPath","path":"/a",
                         "scopes":["epp","global"]})"),
            ExclusionScope::kEpp);
}

}  // namespace
}  // namespace gatehouse
