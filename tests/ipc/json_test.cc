#include "ipc/json.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

std::string Repeated(std::string_view text, size_t count) {
  std::string repeated;
  for (size_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

TEST(IpcJsonTest, OnlyObjectsAreRead) {
  EXPECT_TRUE(ParseObject("{\"a\":[1,null]}"));
  for (const char* text : {"", "1", "[]", "null", "{", "{}x", "{\"a\":}",
                           "{\"a\":\"\xff\"}", "{a:1}", "\"{}\""}) {
    EXPECT_FALSE(ParseObject(text)) << text;
  }
}

TEST(IpcJsonTest, DepthIsLimited) {
  const auto nested = [](size_t depth) {
    return ParseObject("{\"a\":" + Repeated("[", depth - 1) +
                       Repeated("]", depth - 1) + "}");
  };
  EXPECT_TRUE(nested(kJsonNestingMax));
  ASSERT_FALSE(nested(kJsonNestingMax + 1));
  EXPECT_EQ(nested(30000).error().code, ErrorCode::kLimitExceeded);
}

TEST(IpcJsonTest, BracketsInStringsAreNoDepth) {
  EXPECT_TRUE(ParseObject("{\"a\":\"" + Repeated("[\\\"", 100) + "\"}"));
}

TEST(IpcJsonTest, NumberOfMembersIsLimited) {
  const auto members = [](size_t count) {
    return ParseObject("{\"m\":1" + Repeated(",\"m\":1", count - 1) + "}");
  };
  EXPECT_TRUE(members(kJsonMembersMax));
  EXPECT_FALSE(members(kJsonMembersMax + 2));
}

TEST(IpcJsonTest, MembersHaveTheirType) {
  const Json object = *ParseObject(
      R"({"text":"x","number":7,"bool":true,"minus":-1,"real":1.5,"null":null})");
  EXPECT_EQ(*TextMember(object, "text", 1), "x");
  EXPECT_EQ(*NumberMember(object, "number", 7), 7U);
  EXPECT_TRUE(*BoolMember(object, "bool"));
  for (const char* name : {"number", "bool", "null", "none"}) {
    EXPECT_FALSE(TextMember(object, name, 100)) << name;
  }
  for (const char* name : {"text", "bool", "minus", "real", "null", "none"}) {
    EXPECT_FALSE(NumberMember(object, name, 100)) << name;
  }
  for (const char* name : {"text", "number", "null", "none"}) {
    EXPECT_FALSE(BoolMember(object, name)) << name;
  }
  EXPECT_EQ(TextMember(object, "text", 0).error().code,
            ErrorCode::kLimitExceeded);
  EXPECT_EQ(NumberMember(object, "number", 6).error().code,
            ErrorCode::kLimitExceeded);
}

TEST(IpcJsonTest, TypeOfSomethingElseIsEmpty) {
  EXPECT_EQ(TypeOf({{"$type", "scan"}}), "scan");
  EXPECT_EQ(TypeOf({{"$type", 1}}), "");
  EXPECT_EQ(TypeOf(Json::array()), "");
  EXPECT_EQ(TypeOf(nullptr), "");
}

TEST(IpcJsonTest, BytesComeBackAsTheyWere) {
  for (const std::string& bytes :
       {std::string("plain"), std::string("t\xc3\xa4xt\n\\"),
        std::string("\xff\0\n", 3), std::string()}) {
    Json object = Json::object();
    PutBytes(object, "path", bytes);
    const Result<Json> read = ParseObject(JsonText(object));
    ASSERT_TRUE(read);
    EXPECT_EQ(*BytesMember(*read, "path", 100), bytes);
  }
}

TEST(IpcJsonTest, BytesThatAreNotUtf8AreAlsoShown) {
  Json object = Json::object();
  PutBytes(object, "path", "a\xff");
  EXPECT_EQ(JsonText(object), R"({"path":"a\\xff","path_base64":"Yf8="})");
}

TEST(IpcJsonTest, WrongBase64IsRefused) {
  EXPECT_FALSE(BytesMember({{"path", "a"}, {"path_base64", "Yf8"}}, "path", 9));
  EXPECT_FALSE(BytesMember({{"path", "a"}, {"path_base64", 1}}, "path", 9));
  EXPECT_FALSE(
      BytesMember({{"path", "a"}, {"path_base64", "Yf8="}}, "path", 1));
}

}  // namespace
}  // namespace gatehouse
