// gatehouse_test_daemon RUN_DIRECTORY BEHAVIOUR
//
// Serves the protocol with canned answers, so that mdatp can be tested without
// a daemon. Says "ready" on standard output, and ends with standard input.
//
// BEHAVIOUR: "normal"; "empty" (no threats); "deaf" (closes without a word);
// "denying", "missing", "busy" (always that error); "babbling" (frames that
// make no sense); "hostile" (text that would change a terminal); "interrupted"
// (an observation that is not the one that was begun); "full", "vanishing" (a
// recording that ends by itself, or without a word); "closed" (a threat in a
// file that was closed).
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/message.h"
#include "ipc/request.h"
#include "ipc/server.h"
#include "ipc/socket.h"

namespace gatehouse {
namespace {

constexpr const char* kVirusId = "11111111-2222-3333-4444-555555555555";
constexpr const char* kScanId = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
constexpr const char* kOtherId = "99999999-2222-3333-4444-555555555555";
constexpr const char* kEicarName = "Virus:DOS/EICAR_Test_File";
constexpr int64_t kDetectedMs = 1672350517000;

Json Setting(Json value, bool is_managed, bool is_shown = true) {
  return {{"displayValue", is_shown},
          {"isManaged", is_managed},
          {"value", std::move(value)}};
}

Json Health(std::string_view behaviour) {
  return {{"$type", kHealthType},
          {"appVersion", behaviour == "hostile" ? "\x1b[31m\u202e" : "0.2.0"},
          {"zebraCount", 3},
          {"healthy", true},
          {"healthIssues", {"a", "b"}},
          {"orgId", nullptr},
          {"behaviorMonitoring", Setting("disabled", false)},
          {"realTimeProtectionEnabled", Setting(true, true)},
          {"proxy", Setting("None", false, false)},
          {"definitionsStatus", {{"$type", "upToDate"}}},
          {"definitionsUpdated", std::to_string(kDetectedMs)},
          {"definitionsUpdatedMinutesAgo", 20},
          {"answerTimes", {{"p99", 7}}}};
}

Threat Found(const char* id, const std::string& path, const char* scan_id) {
  Threat threat;
  threat.id = id;
  threat.name = kEicarName;
  threat.type = "virus";
  threat.path = path;
  threat.owner_uid = 1000;
  threat.file_bytes = 68;
  threat.sha256 = std::string(64, 'a');
  threat.scan_id = scan_id;
  threat.isolated_in_time = true;
  threat.history = {{kDetectedMs, ThreatStatus::kDetected, ""},
                    {kDetectedMs, ThreatStatus::kQuarantined, "by policy"}};
  return threat;
}

void SendThreats(Session& session, std::string_view behaviour) {
  if (behaviour == "empty") {
    (void)session.Send(EndFrame(0));
    return;
  }
  IpcScan scan = {kScanId,         "custom", kDetectedMs,
                  kDetectedMs + 5, 9,        "Succeeded"};
  Threat in_scan = Found(kOtherId, "/data/\xff\n", kScanId);
  if (behaviour == "hostile") in_scan.name = "\x1b[2J\nName: clean";
  (void)session.Send(ThreatFrame(Found(kVirusId, "/data/eicar.com", "")));
  (void)session.Send(ScanFrame(scan));
  (void)session.Send(ThreatFrame(in_scan));
  (void)session.Send(EndFrame(2));
}

void SendThreat(Session& session, std::string_view behaviour) {
  Threat threat = Found(kVirusId, "/data/eicar.com", "");
  if (behaviour == "closed") {
    threat.isolated_in_time.reset();
    threat.isolated_after_ms = 3;
  }
  (void)session.Send(ThreatFrame(threat));
  (void)session.Send(EndFrame(1));
}

// True for what begins like EICAR; looks at the file behind an O_PATH
// descriptor as the daemon does, by opening it anew.
Json ResultFor(size_t index, const UniqueFd& fd, bool quarantine) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd.UnsafeFd());
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    return {{"index", index}, {"verdict", "error"}, {"error_number", 13}};
  }
  const int first = std::fgetc(file);
  (void)std::fclose(file);
  if (first == 'L') {
    return {
        {"index", index}, {"verdict", "not_scanned"}, {"reason", "size_limit"}};
  }
  if (first != 'X') return nullptr;
  return {{"index", index},
          {"verdict", "infected"},
          {"threat_name", kEicarName},
          {"status", quarantine ? "quarantined" : "detected"},
          {"id", kVirusId}};
}

void Scan(Session& session, const IpcRequest& begin) {
  (void)session.Send({{"$type", kScanReadyType}, {"scan_id", kScanId}});
  for (;;) {
    const Result<IpcMessage> message =
        session.Receive(std::chrono::milliseconds{60000});
    if (!message) return;
    const Result<IpcRequest> request =
        ParseRequest(message->body, message->descriptors.size());
    if (!request) return (void)session.SendError(request.error());
    if (request->command == IpcCommand::kScanEnd) break;
    Json results = Json::array();
    for (size_t i = 0; i < message->descriptors.size(); ++i) {
      Json result = ResultFor(i, message->descriptors[i], begin.quarantine);
      if (!result.is_null()) results.push_back(std::move(result));
    }
    (void)session.Send({{"$type", kScannedType}, {"results", results}});
  }
  (void)session.Send({{"$type", kScanResultType}, {"scan_id", kScanId}});
}

// The name of the directory behind `fd`, in which the client asked to restore.
std::string NameOf(const UniqueFd& fd) {
  std::array<char, 4096> target = {};
  const std::string link = "/proc/self/fd/" + std::to_string(fd.UnsafeFd());
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return {target.data(), length < 0 ? 0 : static_cast<size_t>(length)};
}

// Of a path, there is another file; with privileges, the name says so.
void Restore(Session& session, const IpcRequest& request) {
  const std::vector<UniqueFd> descriptors = session.TakeDescriptors();
  if (!request.path.empty() && request.path != "/data/eicar.com") {
    return (void)session.SendError(
        {ErrorCode::kNotFound, "nothing in quarantine was there"});
  }
  Json answer = {{"$type", kRestoredType}, {"id", kVirusId}};
  PutBytes(answer, "path",
           (descriptors.empty() ? "/data" : NameOf(descriptors.front())) +
               (request.preserve_privileges ? "/privileged" : "/eicar.com"));
  answer["other_ids"] = Json::array();
  if (request.id.empty()) {
    answer["other_ids"].push_back(kOtherId);
    answer["not_given_back"] = {"owner"};
  }
  (void)session.Send(answer);
}

void RemoveAll(Session& session, std::string_view behaviour) {
  if (behaviour != "empty") {
    (void)session.Send({{"$type", kRemovedType}, {"id", kVirusId}});
    Json other = {{"$type", kRemovedType}, {"id", kOtherId}};
    if (behaviour == "hostile") other["error"] = "still open\x1b[2J";
    (void)session.Send(other);
  }
  (void)session.Send(EndFrame(0));
}

// In a list with its history: what has all there is.
void SendAllowedWithHistory(Session& session, std::string_view behaviour) {
  const char* const comment = behaviour == "hostile" ? "\x1b[2J" : "ticket 7";
  const Json by = {{"time", "1798675200000"},
                   {"uid", 0},
                   {"pid", 12},
                   {"program", "/usr/bin/mdatp"}};
  (void)session.Send({{"$type", kAllowedThreatType},
                      {"sha256", std::string(64, 'a')},
                      {"expires", "1798761599000"},
                      {"comment", comment},
                      {"isManaged", false},
                      {"isExpired", true},
                      {"added", by}});
  for (const char* const change : {"added", "expired"}) {
    (void)session.Send({{"$type", kAllowedChangeType},
                        {"change", change},
                        {"name", "B"},
                        {"comment", comment},
                        {"by", by}});
  }
  (void)session.Send(EndFrame(1));
}

void SendAllowed(Session& session, std::string_view behaviour) {
  if (behaviour != "empty") {
    (void)session.Send({{"$type", kAllowedThreatType},
                        {"name", "EICAR-Test-File (not a virus)"},
                        {"isManaged", true}});
    (void)session.Send({{"$type", kAllowedThreatType},
                        {"name", behaviour == "hostile" ? "\x1b[2J\n" : "B"},
                        {"isManaged", false}});
  }
  (void)session.Send(EndFrame(0));
}

void SendPolicies(Session& session) {
  (void)session.Send({{"$type", kThreatPolicyType},
                      {"type", "potentially_unwanted_application"},
                      {"action", "audit"},
                      {"isManaged", false}});
  (void)session.Send({{"$type", kThreatPolicyType},
                      {"type", "archive_bomb"},
                      {"action", "block"},
                      {"isManaged", true}});
  (void)session.Send(EndFrame(2));
}

Json Process(uint64_t pid, std::string_view name, std::string_view path,
             uint64_t files_scanned) {
  Json process = {{"$type", kProcessActivityType}, {"pid", pid}};
  PutBytes(process, "name", name);
  PutBytes(process, "path", path);
  process["filesScanned"] = files_scanned;
  process["scanNs"] = 3070788919U;
  process["authCount"] = files_scanned + 2;
  process["notifyCount"] = 1;
  process["missedAtMost"] = 3;
  process["isActive"] = files_scanned != 0;
  return process;
}

// Of the second, nothing is known.
void SendProcesses(Session& session, std::string_view behaviour) {
  const char* const name =
      behaviour == "hostile" ? "\x1b[2J" : "NetworkManager";
  if (behaviour != "empty") {
    (void)session.Send(Process(560, name, "/usr/sbin/\xff\n", 261));
    (void)session.Send(Process(561, "", "", 0));
    (void)session.Send(Process(562, "cc1", "/usr/lib/cc1", 262));
  }
  (void)session.Send(EndFrame(0));
}

// Of another window than "restart" said when "interrupted".
void SendSources(Session& session, const std::string& what,
                 std::string_view behaviour) {
  const bool is_other = behaviour == "interrupted" && what != "restart";
  (void)session.Send({{"$type", kActivityWindowType},
                      {"beginTimeUs", 1729535104539160 + (is_other ? 1 : 0)},
                      {"elapsedNs", 12000000000},
                      {"totalEvents", 904},
                      {"unattributedEvents", 0}});
  if (what == "restart") return;
  const auto send = [&session](std::string_view path, uint64_t auth_count) {
    Json source = {{"$type", kSourceActivityType}};
    PutBytes(source, "path", path);
    source["authCount"] = auth_count;
    source["notifyCount"] = 2;
    source["pidCount"] = 1;
    source["missedAtMost"] = 0;
    (void)session.Send(source);
  };
  if (behaviour != "empty") {
    send("/data/a b", 830);
    send("/data/\x1b[2J\n", 70);
    send("", 0);
  }
  (void)session.Send(EndFrame(0));
}

void SendEventProvider(Session& session) {
  (void)session.Send(
      {{"$type", kEventProviderType},
       {"events", {{"authEvents", 3}, {"notifyCloseEvents", 0}}},
       {"unattributedEvents", 1},
       {"costs",
        {{"authOpen",
          {{"scan",
            {{"count", 3},
             {"medianNs", 2304},
             {"histogram",
              Json::array({{{"belowNs", 4096}, {"count", 3}}})}}}}}}},
       {"counters",
        {{"auth", {{"allowedClean", 3}}}, {"previousRunUnclean", true}}}});
}

void SendDefinitions(Session& session, std::string_view behaviour) {
  Json head{{"$type", kDefinitionsType},
            {"version", "2022.12.29.2148-2-01234567"},
            {"directory", "/var/lib/clamav"},
            {"isUpdating", false},
            {"failReason", ""},
            {"bodySignatures", 1},
            {"hashes", 0},
            {"anySizeHashes", 0},
            {"problemsLeftOut", 0},
            {"ignoredFilesLeftOut", 0}};
  PutTime(head, "updated", kDetectedMs);
  if (behaviour == "definitions_failed") {
    head["failReason"] = "no scanner to be had";
    PutTime(head, "nextTry", kDetectedMs + 60'000);
  }
  (void)session.Send(head);
  (void)session.Send(EndFrame(0));
}

Json RecordedFrame(std::string_view reason) {
  return {{"$type", kRecordedType}, {"events", 12},
          {"answers", 11},          {"lost", 1},
          {"bytes", 5000},          {"reason", reason}};
}

// Leaves a word in the file that the client opened.
void Record(Session& session, std::string_view behaviour) {
  const std::vector<UniqueFd> descriptors = session.TakeDescriptors();
  (void)session.Send({{"$type", kRecordingType}});
  constexpr std::string_view kWord = "trace";
  (void)!::write(descriptors.front().UnsafeFd(), kWord.data(), kWord.size());
  if (behaviour == "vanishing") return;
  if (behaviour == "full") {
    return (void)session.Send(RecordedFrame("size_limit"));
  }
  const Result<IpcMessage> message =
      session.Receive(std::chrono::milliseconds{60000});
  if (!message) return;
  const Result<IpcRequest> request =
      ParseRequest(message->body, message->descriptors.size());
  if (!request || request->command != IpcCommand::kRecordEnd) return;
  (void)session.Send(RecordedFrame("stopped"));
}

void AnswerNormally(Session& session, std::string_view behaviour) {
  const Result<IpcRequest> request =
      ParseRequest(session.request(), session.descriptor_count());
  if (!request) return (void)session.SendError(request.error());
  switch (request->command) {
    case IpcCommand::kHealth:
      return (void)session.Send(Health(behaviour));
    case IpcCommand::kVersion:
      return (void)session.Send({{"$type", kVersionType}});
    case IpcCommand::kThreatList:
    case IpcCommand::kQuarantineList:
      return SendThreats(session, behaviour);
    case IpcCommand::kThreatGet:
      if (request->id != kVirusId) {
        return (void)session.SendError(
            {ErrorCode::kNotFound, "no threat has this id"});
      }
      return SendThreat(session, behaviour);
    case IpcCommand::kQuarantineRestore:
      return Restore(session, *request);
    case IpcCommand::kQuarantineRemove:
      return (void)session.Send({{"$type", kRemovedType}});
    case IpcCommand::kQuarantineRemoveAll:
      return RemoveAll(session, behaviour);
    case IpcCommand::kQuarantineAdd:
      return (void)session.Send({{"$type", kQuarantinedType}});
    case IpcCommand::kThreatAllowedAdd:
    case IpcCommand::kThreatAllowedRemove:
    case IpcCommand::kThreatPolicySet:
      return (void)session.Send({{"$type", kConfiguredType}});
    case IpcCommand::kThreatAllowedList:
      return request->history ? SendAllowedWithHistory(session, behaviour)
                              : SendAllowed(session, behaviour);
    case IpcCommand::kThreatPolicyList:
      return SendPolicies(session);
    case IpcCommand::kConfigSet:
      return (void)session.Send({{"$type", kConfiguredType}});
    case IpcCommand::kSystemExtension:
      return (void)session.Send(
          {{"$type", kSystemExtensionType},
           {"endpointSecurityExtensionReady", request->value != "revoke"}});
    case IpcCommand::kExclusionAdd:
    case IpcCommand::kExclusionRemove:
      return (void)session.Send({{"$type", kConfiguredType}});
    case IpcCommand::kExclusionList:
      return (void)session.Send(EndFrame(0));
    case IpcCommand::kRealTimeStatistics:
      return SendProcesses(session, behaviour);
    case IpcCommand::kHotEventSources:
      return SendSources(session, request->value, behaviour);
    case IpcCommand::kEventProviderStatistics:
      return SendEventProvider(session);
    case IpcCommand::kDefinitionsUpdate:
      return (void)session.Send({{"$type", kConfiguredType}});
    case IpcCommand::kDefinitionsStatus:
      return SendDefinitions(session, behaviour);
    case IpcCommand::kRecordBegin:
      return Record(session, behaviour);
    case IpcCommand::kRecordEnd:
      return (void)session.Send(RecordedFrame("ended_by_another"));
    case IpcCommand::kScanBegin:
      return Scan(session, *request);
    case IpcCommand::kScanFiles:
    case IpcCommand::kScanEnd:
      return (void)session.SendError(
          {ErrorCode::kInvalidInput, "no scan has begun"});
  }
}

void Answer(Session& session, std::string_view behaviour) {
  if (behaviour == "deaf") return;
  if (behaviour == "denying") {
    return (void)session.SendError({ErrorCode::kNotPermitted, "only root may"});
  }
  if (behaviour == "missing") {
    return (void)session.SendError({ErrorCode::kNotFound, "no such\x1b[2J id"});
  }
  if (behaviour == "busy") {
    return (void)session.SendError({ErrorCode::kBusy, "come again"});
  }
  if (behaviour == "babbling") {
    return (void)session.Send({{"$type", {1, 2}}, {"results", "\x1b"}});
  }
  AnswerNormally(session, behaviour);
}

int Serve(const std::string& run_directory, std::string_view behaviour) {
  const Result<UniqueFd> listener = ListenOn(run_directory);
  if (!listener) {
    (void)std::fprintf(stderr, "%s\n", listener.error().message.c_str());
    return 1;
  }
  ServerStatistics statistics;
  const auto server = IpcServer::Start(
      listener->UnsafeFd(),
      [behaviour](Session& session) { Answer(session, behaviour); }, {},
      statistics);
  if (!server) return 1;
  (void)std::puts("ready");
  (void)std::fflush(stdout);
  while (std::fgetc(stdin) != EOF) {
  }
  return 0;
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  return argc == 3 ? gatehouse::Serve(argv[1], argv[2]) : 2;
}
