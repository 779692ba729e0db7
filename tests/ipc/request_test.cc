#include "ipc/request.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

constexpr const char* kId = "11111111-2222-3333-4444-555555555555";

TEST(RequestTest, EveryCommandIsUnderstood) {
  for (const char* word :
       {"health", "version", "threat_list", "quarantine_list", "exclusion_list",
        "real_time_protection_statistics", "event_provider_statistics",
        "record_end", "scan_end", "quarantine_remove_all",
        "threat_allowed_list", "threat_policy_list"}) {
    EXPECT_TRUE(ParseRequest({{"command", word}}, 0)) << word;
  }
  for (const char* word : {"threat_get", "quarantine_restore",
                           "quarantine_remove", "quarantine_add"}) {
    const Result<IpcRequest> request =
        ParseRequest({{"command", word}, {"id", kId}}, 0);
    ASSERT_TRUE(request) << word;
    EXPECT_EQ(request->id, kId);
    EXPECT_FALSE(ParseRequest({{"command", word}, {"id", "x"}}, 0)) << word;
    EXPECT_FALSE(ParseRequest({{"command", word}}, 0)) << word;
  }
  const Result<IpcRequest> config =
      ParseRequest({{"command", "config_set"},
                    {"name", "real-time-protection"},
                    {"value", "enabled"}},
                   0);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->name, "real-time-protection");
  EXPECT_EQ(config->value, "enabled");
  const Result<IpcRequest> sources =
      ParseRequest({{"command", "hot_event_sources"}, {"value", "files"}}, 0);
  ASSERT_TRUE(sources);
  EXPECT_EQ(sources->value, "files");
  EXPECT_FALSE(ParseRequest({{"command", "hot_event_sources"}}, 0));
  const Result<IpcRequest> scan = ParseRequest(
      {{"command", "scan_begin"}, {"quarantine", true}, {"path", "/x"}}, 0);
  ASSERT_TRUE(scan);
  EXPECT_TRUE(scan->quarantine);
  EXPECT_FALSE(scan->ignore_exclusions);
  EXPECT_EQ(scan->path, "/x");
  EXPECT_TRUE(ParseRequest({{"command", "scan_begin"},
                            {"quarantine", true},
                            {"path", "/x"},
                            {"ignore_exclusions", true}},
                           0)
                  ->ignore_exclusions);
  const Result<IpcRequest> extension =
      ParseRequest({{"command", "system_extension"}, {"value", "status"}}, 0);
  ASSERT_TRUE(extension);
  EXPECT_EQ(extension->value, "status");
  for (const char* word : {"exclusion_add", "exclusion_remove"}) {
    const Result<IpcRequest> exclusion = ParseRequest({{"command", word},
                                                       {"kind", "folder"},
                                                       {"text", "/a"},
                                                       {"scope", "epp"}},
                                                      0);
    ASSERT_TRUE(exclusion) << word;
    EXPECT_EQ(exclusion->name, "folder");
    EXPECT_EQ(exclusion->value, "/a");
    EXPECT_EQ(exclusion->scope, "epp");
  }
}

TEST(RequestTest, WhatIsToBeRestoredIsNamedByIdOrByPath) {
  const Result<IpcRequest> by_path =
      ParseRequest({{"command", "quarantine_restore"}, {"path", "/a b"}}, 0);
  ASSERT_TRUE(by_path);
  EXPECT_EQ(by_path->path, "/a b");
  EXPECT_TRUE(by_path->id.empty());
  EXPECT_FALSE(by_path->preserve_privileges);
  const Result<IpcRequest> bytes =
      ParseRequest({{"command", "quarantine_restore"},
                    {"path", "/\\xff"},
                    {"path_base64", "L/8="},
                    {"preserve_privileges", true}},
                   1);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->path, "/\xff");
  EXPECT_TRUE(bytes->preserve_privileges);
  EXPECT_FALSE(
      ParseRequest({{"command", "quarantine_restore"}, {"path", ""}}, 0));
  EXPECT_FALSE(ParseRequest({{"command", "quarantine_restore"},
                             {"id", kId},
                             {"preserve_privileges", 1}},
                            0));
}

TEST(RequestTest, ThreatRulesAreUnderstood) {
  for (const char* word : {"threat_allowed_add", "threat_allowed_remove"}) {
    const Result<IpcRequest> request =
        ParseRequest({{"command", word}, {"name", "a b"}}, 0);
    ASSERT_TRUE(request) << word;
    EXPECT_EQ(request->name, "a b");
    EXPECT_FALSE(ParseRequest({{"command", word}}, 0)) << word;
    EXPECT_FALSE(
        ParseRequest({{"command", word}, {"name", std::string(1025, 'x')}}, 0))
        << word;
  }
  const Result<IpcRequest> content =
      ParseRequest({{"command", "threat_allowed_add"},
                    {"sha256", "abc"},
                    {"expires", "7000"},
                    {"comment", "why"}},
                   0);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->sha256, "abc");
  EXPECT_EQ(content->expires_ms, 7000);
  EXPECT_EQ(content->comment, "why");
  for (const Json& more :
       {Json{{"sha256", "abc"}}, Json{{"expires", "soon"}},
        Json{{"expires", 7}}, Json{{"comment", std::string(1025, 'x')}}}) {
    Json wrong = {{"command", "threat_allowed_add"}, {"name", "A"}};
    wrong.update(more);
    EXPECT_FALSE(ParseRequest(wrong, 0)) << wrong;
  }
  EXPECT_FALSE(ParseRequest({{"command", "threat_allowed_list"}}, 0)->history);
  EXPECT_TRUE(
      ParseRequest({{"command", "threat_allowed_list"}, {"history", true}}, 0)
          ->history);
  const Result<IpcRequest> policy = ParseRequest(
      {{"command", "threat_policy_set"}, {"type", "t"}, {"action", "off"}}, 0);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->name, "t");
  EXPECT_EQ(policy->value, "off");
  EXPECT_FALSE(
      ParseRequest({{"command", "threat_policy_set"}, {"type", "t"}}, 0));
}

TEST(RequestTest, AnUnknownCommandIsNotSupported) {
  const Result<IpcRequest> request =
      ParseRequest({{"command", "format_disk"}}, 0);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, ErrorCode::kNotSupported);
}

TEST(RequestTest, WrongMembersAreRefused) {
  for (const Json& body :
       {Json::object(), Json{{"command", 1}}, Json{{"command", nullptr}},
        Json{{"command", std::string(65, 'x')}},
        Json{{"command", "threat_get"}, {"id", 7}},
        Json{{"command", "config_set"}, {"name", "x"}},
        Json{{"command", "config_set"}, {"name", "x"}, {"value", true}},
        Json{{"command", "scan_begin"}, {"quarantine", 1}, {"path", "/"}},
        Json{{"command", "scan_begin"}, {"quarantine", true}},
        Json{{"command", "scan_begin"},
             {"quarantine", true},
             {"path", "/"},
             {"ignore_exclusions", 1}},
        Json{{"command", "system_extension"}},
        Json{{"command", "exclusion_add"}, {"kind", "file"}, {"text", "/a"}},
        Json{{"command", "scan_files"}, {"count", 65}},
        Json{{"command", "scan_files"}, {"count", -1}},
        Json{{"command", "scan_files"}, {"count", "0"}}}) {
    EXPECT_FALSE(ParseRequest(body, 0)) << body;
  }
}

TEST(RequestTest, DescriptorsBelongToTheirCommand) {
  EXPECT_FALSE(ParseRequest({{"command", "health"}}, 1));
  const Json restore = {{"command", "quarantine_restore"}, {"id", kId}};
  EXPECT_TRUE(ParseRequest(restore, 0));
  EXPECT_TRUE(ParseRequest(restore, 1));
  EXPECT_FALSE(ParseRequest(restore, 2));
  const Json record = {{"command", "record_begin"}};
  EXPECT_FALSE(ParseRequest(record, 0));
  EXPECT_TRUE(ParseRequest(record, 1));
  EXPECT_FALSE(ParseRequest(record, 2));
  const Json files = {{"command", "scan_files"}, {"count", 64}};
  EXPECT_TRUE(ParseRequest(files, 64));
  EXPECT_FALSE(ParseRequest(files, 63));
}

}  // namespace
}  // namespace gatehouse
