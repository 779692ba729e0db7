#include "quarantine/object_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/quarantine/object_fixture.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr size_t kFixedBytes = 40;

// The CBOR part, changed by `change`, with the fixed part in front again.
template <class Change>
Result<ObjectHeader> DecodeChanged(Change change) {
  const Result<std::string> payload = EncodeObjectHeader(HeaderFor(10));
  EXPECT_TRUE(payload.has_value());
  Json map = Json::from_cbor(payload->substr(kFixedBytes));
  change(map);
  std::string changed = payload->substr(0, kFixedBytes);
  Json::to_cbor(map, changed);
  return DecodeObjectHeader(AsBytes(changed));
}

TEST(ObjectHeaderTest, ComesBackAsItWas) {
  ObjectHeader header = HeaderFor(10);
  header.sha256.fill(0xab);
  header.data_bytes = 9;
  const auto payload = EncodeObjectHeader(header);
  ASSERT_TRUE(payload.has_value());
  const auto decoded = DecodeObjectHeader(AsBytes(*payload));
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(*decoded, header);
}

TEST(ObjectHeaderTest, DefaultsComeBackToo) {
  const auto payload = EncodeObjectHeader(ObjectHeader());
  ASSERT_TRUE(payload.has_value());
  const auto decoded = DecodeObjectHeader(AsBytes(*payload));
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(*decoded, ObjectHeader());
}

TEST(ObjectHeaderTest, TheLengthDoesNotDependOnTheContent) {
  ObjectHeader header = HeaderFor(kFileSizeMax);
  const auto before = EncodeObjectHeader(header);
  header.sha256.fill(0xff);
  header.data_bytes = kFileSizeMax;
  const auto after = EncodeObjectHeader(header);
  ASSERT_TRUE(before.has_value() && after.has_value());
  EXPECT_EQ(before->size(), after->size());
}

TEST(ObjectHeaderTest, BytesThatAreNotUtf8Survive) {
  ObjectHeader header = HeaderFor(10);
  header.threat_name = "\xff\xc0";
  header.path = "\x80/\xfe";
  const auto payload = EncodeObjectHeader(header);
  ASSERT_TRUE(payload.has_value());
  const auto decoded = DecodeObjectHeader(AsBytes(*payload));
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(decoded->threat_name, header.threat_name);
  EXPECT_EQ(decoded->path, header.path);
}

TEST(ObjectHeaderTest, EveryFieldMustBeThereAndOfItsType) {
  const auto payload = EncodeObjectHeader(HeaderFor(10));
  ASSERT_TRUE(payload.has_value());
  const Json map = Json::from_cbor(payload->substr(kFixedBytes));
  for (const auto& [key, value] : map.items()) {
    const auto wrong =
        DecodeChanged([&key = key](Json& json) { json[key] = 1.5; });
    ASSERT_FALSE(wrong.has_value()) << key;
    EXPECT_THAT(wrong.error().message, HasSubstr("'" + key + "'"));
    const auto missing =
        DecodeChanged([&key = key](Json& json) { json.erase(key); });
    EXPECT_EQ(missing.has_value(), key == "isolated_in_time") << key;
  }
  for (const auto& [key, value] : map["file"].items()) {
    const auto wrong =
        DecodeChanged([&key = key](Json& json) { json["file"][key] = true; });
    ASSERT_FALSE(wrong.has_value()) << key;
    EXPECT_THAT(wrong.error().message, HasSubstr("'file." + key + "'"));
  }
}

// It came later: what has none is encoded as before.
TEST(ObjectHeaderTest, ProjectMayBeMissing) {
  const auto without = EncodeObjectHeader(HeaderFor(10));
  ASSERT_TRUE(without.has_value());
  EXPECT_THAT(*without, testing::Not(HasSubstr("project_id")));
  ObjectHeader header = HeaderFor(10);
  header.file.project_id = UINT32_MAX;
  const auto with = EncodeObjectHeader(header);
  ASSERT_TRUE(with.has_value());
  const auto decoded = DecodeObjectHeader(AsBytes(*with));
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(*decoded, header);
  EXPECT_FALSE(DecodeChanged([](Json& json) {
                 json["file"]["project_id"] = uint64_t{1} << 32;
               }).has_value());
}

TEST(ObjectHeaderTest, NumbersAreInRange) {
  const auto refused = [](const char* key, const Json& value) {
    return !DecodeChanged([&](Json& json) {
              json["file"][key] = value;
            }).has_value();
  };
  EXPECT_TRUE(refused("uid", -1));
  EXPECT_TRUE(refused("uid", uint64_t{1} << 32));
  EXPECT_TRUE(refused("size", uint64_t{1} << 63));
  EXPECT_TRUE(refused("handle_type", int64_t{1} << 31));
  EXPECT_TRUE(refused("mtime", Json::array({0, 1'000'000'000})));
  EXPECT_TRUE(refused("mtime", Json::array({0, -1})));
  EXPECT_TRUE(refused("mtime", Json::array({0})));
  EXPECT_TRUE(refused("xattrs", Json::array({Json::array({1, 2})})));
}

TEST(ObjectHeaderTest, UnknownFieldsAreForLaterVersions) {
  const auto decoded = DecodeChanged([](Json& json) { json["later"] = 1; });
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(*decoded, HeaderFor(10));
}

TEST(ObjectHeaderTest, NothingFollowsTheMap) {
  auto payload = EncodeObjectHeader(HeaderFor(10));
  ASSERT_TRUE(payload.has_value());
  EXPECT_FALSE(DecodeObjectHeader(AsBytes(*payload + '\0')).has_value());
  payload->pop_back();
  EXPECT_FALSE(DecodeObjectHeader(AsBytes(*payload)).has_value());
}

TEST(ObjectHeaderTest, DeepNestingDoesNotEndTheStack) {
  const std::string deep(kObjectHeaderBytesMax, '\x81');
  EXPECT_FALSE(DecodeObjectHeader(AsBytes(deep)).has_value());
}

TEST(ObjectHeaderTest, MoreDataThanTheFileHasIsWrong) {
  auto payload = EncodeObjectHeader(HeaderFor(10));
  ASSERT_TRUE(payload.has_value());
  payload->at(32) = 11;
  EXPECT_FALSE(DecodeObjectHeader(AsBytes(*payload)).has_value());
}

}  // namespace
}  // namespace gatehouse
