#include "ipc/message.h"

#include <gtest/gtest.h>

#include <string>

#include "ipc/frame.h"

namespace gatehouse {
namespace {

constexpr const char* kId = "11111111-2222-3333-4444-555555555555";

Threat SomeThreat() {
  Threat threat;
  threat.id = kId;
  threat.name = "Virus:DOS/EICAR_Test_File";
  threat.type = "virus";
  threat.path = "/data/\xff";
  threat.owner_uid = 1000;
  threat.file_bytes = 68;
  threat.sha256 = std::string(64, 'a');
  threat.isolated_in_time = true;
  threat.history = {{1000, ThreatStatus::kDetected, ""},
                    {2000, ThreatStatus::kQuarantined, "by policy"}};
  return threat;
}

TEST(MessageTest, EveryCommandHasItsWord) {
  for (const std::string_view word : kIpcCommandWords) {
    const auto command = IpcCommandOf(word);
    ASSERT_TRUE(command) << word;
    EXPECT_EQ(IpcCommandWord(*command), word);
  }
  EXPECT_FALSE(IpcCommandOf("health "));
  EXPECT_FALSE(IpcCommandOf(""));
}

TEST(MessageTest, ErrorsComeBackAsTheyWere) {
  for (const ErrorCode code :
       {ErrorCode::kOperational, ErrorCode::kInvalidInput, ErrorCode::kNotFound,
        ErrorCode::kNotPermitted, ErrorCode::kNotSupported,
        ErrorCode::kLimitExceeded, ErrorCode::kBusy}) {
    const Error error = ErrorOf(ErrorFrame(code, "why"));
    EXPECT_EQ(error.code, code);
    EXPECT_EQ(error.message, "why");
  }
}

// mdatp takes kUnreachable for its own connection.
TEST(MessageTest, NobodyBehindTheDaemonIsAnOrdinaryError) {
  EXPECT_EQ(ErrorOf(ErrorFrame(ErrorCode::kUnreachable, "x")).code,
            ErrorCode::kOperational);
}

TEST(MessageTest, WrongErrorFrameIsStillAnError) {
  EXPECT_EQ(ErrorOf({{"$type", "error"}}).code, ErrorCode::kOperational);
  EXPECT_NE(ErrorOf({{"code", 1}, {"message", 2}}).message, "");
}

TEST(MessageTest, LongErrorIsCutBetweenCharacters) {
  std::string message(kErrorMessageBytesMax - 1, 'a');
  message += "\xc3\xa4";
  EXPECT_EQ(ErrorOf(ErrorFrame(ErrorCode::kBusy, message)).message.size(),
            kErrorMessageBytesMax - 1);
}

TEST(MessageTest, ThreatsComeBackAsTheyWere) {
  const Threat threat = SomeThreat();
  const Result<Json> frame = ParseObject(JsonText(ThreatFrame(threat)));
  ASSERT_TRUE(frame);
  const Result<Threat> read = ThreatOf(*frame);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->id, threat.id);
  EXPECT_EQ(read->name, threat.name);
  EXPECT_EQ(read->path, threat.path);
  EXPECT_EQ(read->owner_uid, threat.owner_uid);
  EXPECT_EQ(read->file_bytes, threat.file_bytes);
  EXPECT_EQ(read->sha256, threat.sha256);
  EXPECT_EQ(read->isolated_in_time, threat.isolated_in_time);
  ASSERT_EQ(read->history.size(), 2U);
  EXPECT_EQ(read->status(), ThreatStatus::kQuarantined);
  EXPECT_EQ(read->history[1].time_ms, 2000);
  EXPECT_EQ(read->history[1].detail, "by policy");
}

TEST(MessageTest, WorstThreatFitsIntoAFrame) {
  Threat threat = SomeThreat();
  threat.path = std::string(4096, '\xff');
  threat.name = std::string(5000, '\xff');
  threat.history.resize(1000,
                        {3000, ThreatStatus::kBlocked, std::string(5000, 'd')});
  const Json frame = ThreatFrame(threat);
  EXPECT_LE(JsonText(frame).size(), kFramePayloadBytesMax);
  const Result<Threat> read = ThreatOf(frame);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->history.size(), kThreatFrameHistoryMax);
  EXPECT_EQ(read->history.front().status, ThreatStatus::kDetected);
}

TEST(MessageTest, EveryMemberOfAThreatIsChecked) {
  const Json good = ThreatFrame(SomeThreat());
  for (const char* name : {"id", "name", "type", "path_base64", "sha256",
                           "scan_id", "owner_uid", "file_bytes", "history"}) {
    for (const Json& wrong : {Json(), Json(-1), Json(true), Json("\n"),
                              Json::array({1}), Json::array()}) {
      Json frame = good;
      frame[name] = wrong;
      if (std::string_view(name) == "name" ||
          std::string_view(name) == "type" ||
          std::string_view(name) == "sha256") {
        if (wrong.is_string()) continue;  // Any text may be these.
      }
      EXPECT_FALSE(ThreatOf(frame)) << name << wrong;
    }
  }
  for (const Json& entry :
       {Json{{"time", 1}}, Json{{"time", "1"}, {"status", "gone"}},
        Json{{"time", "-1"}, {"status", "blocked"}, {"detail", ""}},
        Json{{"time", "1"}, {"status", "blocked"}}}) {
    Json frame = good;
    frame["history"] = Json::array({entry});
    EXPECT_FALSE(ThreatOf(frame)) << entry;
  }
}

TEST(MessageTest, ScansComeBackAsTheyWere) {
  const Result<IpcScan> read =
      IpcScanOf(ScanFrame({kId, "custom", 5, 9, 12, "Succeeded"}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->scan_id, kId);
  EXPECT_EQ(read->start_time_ms, 5);
  EXPECT_EQ(read->end_time_ms, 9);
  EXPECT_EQ(read->files_scanned, 12U);
  EXPECT_EQ(read->state, "Succeeded");
  EXPECT_FALSE(IpcScanOf({{"$type", "scan"}}));
}

TEST(MessageTest, TimesAreDigits) {
  for (const char* text :
       {"", "-1", "1 ", "0x1", "1e3", "99999999999999999999"}) {
    EXPECT_FALSE(TimeMember({{"t", text}}, "t")) << text;
  }
  EXPECT_EQ(*TimeMember({{"t", "1683092938089"}}, "t"), 1683092938089);
}

TEST(MessageTest, UuidsAreLowerCaseWithDashes) {
  EXPECT_TRUE(IsUuid(kId));
  EXPECT_FALSE(IsUuid("11111111-2222-3333-4444-55555555555"));
  EXPECT_FALSE(IsUuid("11111111-2222-3333-4444-55555555555A"));
  EXPECT_FALSE(IsUuid("11111111x2222-3333-4444-555555555555"));
  EXPECT_FALSE(IsUuid("../../../../../../../../../etc/passwd"));
}

// docs/ipc.md: what other versions rely on.
TEST(MessageTest, GoldenFrames) {
  const auto encoded = [](const Json& body) {
    const std::string payload = JsonText(body);
    return std::string(AsText(
               EncodeFrameHeader({0, static_cast<uint32_t>(payload.size())}))) +
           payload;
  };
  EXPECT_EQ(encoded({{"command", IpcCommandWord(IpcCommand::kHealth)}}),
            std::string("GH\x01\0\x14\0\0\0", 8) + R"({"command":"health"})");
  EXPECT_EQ(encoded(ErrorFrame(ErrorCode::kNotPermitted, "only root may")),
            std::string("GH\x01\0\x42\0\0\0", 8) +
                R"({"$type":"error","code":"not_permitted",)"
                R"("message":"only root may"})");
  EXPECT_EQ(encoded(EndFrame(2)), std::string("GH\x01\0\x19\0\0\0", 8) +
                                      R"({"$type":"end","count":2})");
  Threat threat = SomeThreat();
  threat.history.pop_back();
  EXPECT_EQ(JsonText(ThreatFrame(threat)),
            std::string(R"({"$type":"threat",)"
                        R"("id":"11111111-2222-3333-4444-555555555555",)"
                        R"("name":"Virus:DOS/EICAR_Test_File",)"
                        R"("type":"virus","path":"/data/\\xff",)"
                        R"("path_base64":"L2RhdGEv/w==","owner_uid":1000,)"
                        R"("file_bytes":68,"sha256":")") +
                std::string(64, 'a') +
                R"(","scan_id":"","isolated_in_time":true,)"
                R"("isolated_after_ms":null,)"
                R"("history":[{"time":"1000","status":"detected",)"
                R"("detail":""}]})");
}

}  // namespace
}  // namespace gatehouse
