#include "daemon/threat_requests.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "base/mutex.h"
#include "base/time.h"
#include "base/utc_time.h"
#include "daemon/running_program.h"
#include "daemon/threat_file.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

// Of other files in quarantine that had the same path: a frame has a limit.
constexpr size_t kOtherIdsMax = 64;
// When a rule goes.
constexpr size_t kJudgedAgainMax = 1000;

// Those of that path, the newest first.
std::vector<std::string> IdsOfPath(const std::vector<Threat>& quarantined,
                                   const std::string& path) {
  std::vector<const Threat*> found;
  // The last one first: also of those that share a millisecond.
  for (auto threat = quarantined.rbegin(); threat != quarantined.rend();
       ++threat) {
    if (threat->path == path) found.push_back(&*threat);
  }
  std::stable_sort(
      found.begin(), found.end(), [](const Threat* one, const Threat* other) {
        return one->history.back().time_ms > other->history.back().time_ms;
      });
  std::vector<std::string> ids;
  for (const Threat* const threat : found) ids.push_back(threat->id);
  return ids;
}

// What one isolation came to, told by a thread of the remediator.
class Outcome {
 public:
  void Set(const Threat& threat) {
    const MutexLock lock(mutex_);
    threat_ = threat;
    changed_.NotifyAll();
  }
  Threat Wait() {
    const MutexLock lock(mutex_);
    while (!threat_) changed_.Wait(mutex_);
    return *threat_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::optional<Threat> threat_ GATEHOUSE_GUARDED_BY(mutex_);
};

AllowedThreat AllowedOf(const IpcRequest& request) {
  AllowedThreat threat;
  threat.name = request.name;
  threat.sha256 = request.sha256;
  threat.comment = request.comment;
  threat.expires_ms = request.expires_ms.value_or(ThreatRules::kNeverExpires);
  (void)CheckAllowedThreat(threat);  // For its form; the store checks it again.
  return threat;
}

// The program is the one that has this number now: for the record, as the
// number itself.
ChangeOrigin OriginOf(const Session& session) {
  ChangeOrigin origin;
  origin.time_ms = WallClockMilliseconds();
  origin.uid = session.peer().uid;
  origin.pid = session.peer().pid;
  const Result<std::optional<RunningProgram>> program =
      FindProgram(session.peer().pid);
  if (program && *program) {
    origin.program = CutText(DisplayText((*program)->path), kProgramBytesMax);
  }
  return origin;
}

std::string ExpiryText(const AllowedThreat& threat) {
  return threat.expires_ms == ThreatRules::kNeverExpires
             ? "never"
             : UtcTimeText(threat.expires_ms);
}

void PutAllowed(Json& frame, const AllowedThreat& threat) {
  if (threat.sha256.empty()) {
    frame["name"] = threat.name;
  } else {
    frame["sha256"] = threat.sha256;
  }
  if (threat.expires_ms != ThreatRules::kNeverExpires) {
    PutTime(frame, "expires", threat.expires_ms);
  }
  if (!threat.comment.empty()) frame["comment"] = threat.comment;
}

void PutOrigin(Json& frame, const char* key, const ChangeOrigin& origin) {
  Json by = Json::object();
  PutTime(by, "time", origin.time_ms);
  by["uid"] = origin.uid;
  by["pid"] = origin.pid;
  by["program"] = origin.program;
  frame[key] = std::move(by);
}

}  // namespace

Result<Quarantine*> ThreatRequests::OpenQuarantine() {
  if (parts_.quarantine != nullptr) return parts_.quarantine;
  return Fail(ErrorCode::kOperational,
              "quarantine is not available: " + parts_.quarantine_error);
}

void ThreatRequests::LogChange(const Session& session, const char* what,
                               const std::string& object) {
  parts_.log.Log(Severity::kInfo, what,
                 {{"object", object},
                  {"uid", std::to_string(session.peer().uid)},
                  {"pid", std::to_string(session.peer().pid)}});
}

// --- Rules ------------------------------------------------------------------

void ThreatRequests::LogAllowed(const AllowedChange& change) {
  const AllowedThreat& threat = change.threat;
  const bool is_added = change.kind == AllowedChangeKind::kAdded;
  parts_.log.Log(
      Severity::kInfo,
      is_added ? "threat allowed" : "threat not allowed any more",
      {{"object", threat.sha256.empty() ? threat.name : threat.sha256},
       {"expires", ExpiryText(threat)},
       {"comment", threat.comment},
       {"uid", std::to_string(change.origin.uid)},
       {"pid", std::to_string(change.origin.pid)},
       {"program", change.origin.program}});
}

Result<bool> ThreatRequests::Allow(Session& session,
                                   const IpcRequest& request) {
  const AllowedThreat threat = AllowedOf(request);
  const ChangeOrigin origin = OriginOf(session);
  const Result<bool> allowed = parts_.rules.Allow(threat, origin);
  if (!allowed) return allowed;
  LogAllowed({AllowedChangeKind::kAdded, threat, origin});
  return session.Send({{"$type", kConfiguredType}});
}

Result<bool> ThreatRequests::Disallow(Session& session,
                                      const IpcRequest& request) {
  const AllowedThreat threat = AllowedOf(request);
  const ChangeOrigin origin = OriginOf(session);
  const Result<bool> disallowed = parts_.rules.Disallow(threat, origin);
  if (!disallowed) return disallowed;
  LogAllowed({AllowedChangeKind::kRemoved, threat, origin});
  Result<bool> sent = session.Send({{"$type", kConfiguredType}});
  JudgeAllowedAgain(threat, true);
  return sent;
}

void ThreatRequests::ExpireAllowed() {
  for (const AllowedThreat& threat : parts_.rules.TakeExpired()) {
    parts_.log.Log(
        Severity::kWarning, "threat not allowed any more: it has expired",
        {{"object", threat.sha256.empty() ? threat.name : threat.sha256},
         {"expired", ExpiryText(threat)},
         {"comment", threat.comment},
         {"managed", threat.is_managed ? "true" : "false"}});
    JudgeAllowedAgain(threat, false);
  }
}

Result<bool> ThreatRequests::SendAllowed(Session& session,
                                         const IpcRequest& request) {
  const std::vector<AllowedThreat> allowed = parts_.rules.allowed();
  for (const AllowedThreat& threat : allowed) {
    Json frame{{"$type", kAllowedThreatType}};
    PutAllowed(frame, threat);
    frame["isManaged"] = threat.is_managed;
    if (threat.expires_ms != ThreatRules::kNeverExpires) {
      frame["isExpired"] = threat.is_expired;
    }
    if (threat.added) PutOrigin(frame, "added", *threat.added);
    Result<bool> sent = session.Send(frame);
    if (!sent) return sent;
  }
  if (request.history) {
    for (const AllowedChange& change : parts_.rules.changes()) {
      Json frame{
          {"$type", kAllowedChangeType},
          {"change", kAllowedChangeWords.at(static_cast<size_t>(change.kind))}};
      PutAllowed(frame, change.threat);
      PutOrigin(frame, "by", change.origin);
      Result<bool> sent = session.Send(frame);
      if (!sent) return sent;
    }
  }
  return session.Send(EndFrame(allowed.size()));
}

Result<bool> ThreatRequests::SetPolicy(Session& session,
                                       const IpcRequest& request) {
  const Result<bool> set = parts_.rules.SetAction(request.name, request.value);
  if (!set) return set;
  LogChange(session, "threat policy set", request.name + " " + request.value);
  Result<bool> sent = session.Send({{"$type", kConfiguredType}});
  if (request.value == ThreatTypeActionWord(ThreatTypeAction::kBlock)) {
    // Not what a user chose to leave.
    JudgeAgain(
        ThreatStatus::kDetected,
        [&request](const Threat& threat) {
          return threat.type == request.name &&
                 threat.history.back().detail == kWhyAudited;
        },
        true);
  }
  return sent;
}

// What a rule left alone is owed a verdict when the rule goes: its files are
// scanned again, those that can be found where they were. All others are at
// their next open.
void ThreatRequests::JudgeAgain(ThreatStatus status, const IsMeant& is_meant,
                                bool may_wait) {
  if (parts_.quarantine == nullptr) return;
  Quarantine& quarantine = *parts_.quarantine;
  const Result<std::vector<Threat>> threats =
      quarantine.store().WithStatus(status);
  if (!threats) return;
  size_t count = 0;
  for (const Threat& threat : *threats) {
    if (!is_meant(threat)) continue;
    if (++count > kJudgedAgainMax) return;
    Result<UniqueFd> file =
        OpenThreatFile(quarantine.files(), quarantine.store(), threat);
    if (!file) continue;
    Detection detection;
    detection.event.file = ScanFile(std::move(*file));
    detection.threat_name = threat.name;
    detection.scan_id = threat.scan_id;
    detection.isolate_by =
        MonotonicTime::min();  // Whatever it was, it is over.
    (void)quarantine.remediator().Submit(std::move(detection), may_wait);
  }
}

void ThreatRequests::JudgeAllowedAgain(const AllowedThreat& allowed,
                                       bool may_wait) {
  const std::string why = WhyContentIsAllowed(allowed.sha256);
  const auto is_meant = [&](const Threat& threat) {
    if (!allowed.sha256.empty()) return threat.history.back().detail == why;
    return CanonicalThreatName(threat.name) ==
           CanonicalThreatName(allowed.name);
  };
  JudgeAgain(ThreatStatus::kAllowed, is_meant, may_wait);
}

Result<bool> ThreatRequests::SendPolicies(Session& session) {
  const std::vector<ThreatTypePolicy> policies = parts_.rules.policies();
  for (const ThreatTypePolicy& policy : policies) {
    Result<bool> sent =
        session.Send({{"$type", kThreatPolicyType},
                      {"type", policy.type},
                      {"action", ThreatTypeActionWord(policy.action)},
                      {"isManaged", policy.is_managed}});
    if (!sent) return sent;
  }
  return session.Send(EndFrame(policies.size()));
}

// --- Quarantine -------------------------------------------------------------

Result<bool> ThreatRequests::Add(Session& session, const IpcRequest& request) {
  const Result<Quarantine*> quarantine = OpenQuarantine();
  if (!quarantine) return Unexpected(quarantine.error());
  const Result<Threat> threat = (*quarantine)->store().Get(request.id);
  if (!threat) return Unexpected(threat.error());
  const Result<Threat> isolated = Isolate(*threat);
  if (!isolated) return Unexpected(isolated.error());
  LogChange(session, "put into quarantine", isolated->path);
  return session.Send({{"$type", kQuarantinedType}, {"id", isolated->id}});
}

Result<Threat> ThreatRequests::Isolate(const Threat& threat) {
  switch (threat.status()) {
    case ThreatStatus::kDetected:
    case ThreatStatus::kBlocked:
    case ThreatStatus::kQuarantineFailed:
    case ThreatStatus::kAllowed:
      break;
    case ThreatStatus::kQuarantined:
    case ThreatStatus::kRemoved:
    case ThreatStatus::kRestored:
    case ThreatStatus::kNotFound:
      return Fail(ErrorCode::kInvalidInput,
                  "put '" + threat.id + "' into quarantine: it is '" +
                      std::string(ThreatStatusWord(threat.status())) + "'");
  }
  Quarantine& quarantine = *parts_.quarantine;
  Result<UniqueFd> file =
      OpenThreatFile(quarantine.files(), quarantine.store(), threat);
  if (!file) return Unexpected(file.error());
  Outcome outcome;
  Detection detection;
  detection.event.file = ScanFile(std::move(*file));
  detection.threat_name = threat.name;
  detection.scan_id = threat.scan_id;
  detection.closed_at = MonotonicClock::now();
  detection.is_forced = true;
  detection.done = [&outcome](const Threat& told) { outcome.Set(told); };
  (void)quarantine.remediator().Submit(std::move(detection), true);
  Threat isolated = outcome.Wait();
  if (isolated.status() == ThreatStatus::kQuarantined) return isolated;
  const StatusChange& last = isolated.history.back();
  return Fail(
      ErrorCode::kOperational,
      "put '" + threat.id + "' into quarantine: " +
          (last.detail.empty() ? std::string(ThreatStatusWord(last.status))
                               : last.detail));
}

Result<bool> ThreatRequests::Restore(Session& session,
                                     const IpcRequest& request) {
  const Result<bool> may = parts_.rules.CheckMayRestore();
  if (!may) return may;
  const Result<Quarantine*> quarantine = OpenQuarantine();
  if (!quarantine) return Unexpected(quarantine.error());
  std::vector<std::string> ids = {request.id};
  if (request.id.empty()) {
    const Result<std::vector<Threat>> quarantined =
        (*quarantine)->store().WithStatus(ThreatStatus::kQuarantined);
    if (!quarantined) return Unexpected(quarantined.error());
    ids = IdsOfPath(*quarantined, request.path);
    if (ids.empty()) {
      return Fail(ErrorCode::kNotFound, "nothing in quarantine was '" +
                                            DisplayText(request.path) + "'");
    }
  }
  std::vector<UniqueFd> descriptors = session.TakeDescriptors();
  UniqueFd destination;
  if (!descriptors.empty()) destination = std::move(descriptors.front());
  const Result<RestoredFile> restored =
      (*quarantine)
          ->restorer()
          .Restore(ids.front(), std::move(destination),
                   {.uid = session.peer().uid,
                    .preserve_privileges = request.preserve_privileges});
  if (!restored) return Unexpected(restored.error());
  LogChange(session, "restored from quarantine", restored->path);
  Json answer{{"$type", kRestoredType},
              {"id", ids.front()},
              {"not_given_back", restored->not_given_back}};
  PutBytes(answer, "path", restored->path);
  ids.erase(ids.begin());
  if (ids.size() > kOtherIdsMax) ids.resize(kOtherIdsMax);
  answer["other_ids"] = std::move(ids);
  return session.Send(answer);
}

Result<bool> ThreatRequests::Remove(Session& session,
                                    const IpcRequest& request) {
  const Result<Quarantine*> quarantine = OpenQuarantine();
  if (!quarantine) return Unexpected(quarantine.error());
  const Result<bool> removed = (*quarantine)->restorer().Remove(request.id);
  if (!removed) return removed;
  LogChange(session, "removed from quarantine", request.id);
  return session.Send({{"$type", kRemovedType}, {"id", request.id}});
}

// Tells of each one: together they may take longer than a client waits.
Result<bool> ThreatRequests::RemoveAll(Session& session,
                                       const IpcRequest& /*request*/) {
  const Result<Quarantine*> quarantine = OpenQuarantine();
  if (!quarantine) return Unexpected(quarantine.error());
  const Result<std::vector<Threat>> quarantined =
      (*quarantine)->store().WithStatus(ThreatStatus::kQuarantined);
  if (!quarantined) return Unexpected(quarantined.error());
  uint64_t count = 0;
  for (const Threat& threat : *quarantined) {
    const Result<bool> removed = (*quarantine)->restorer().Remove(threat.id);
    Json told{{"$type", kRemovedType}, {"id", threat.id}};
    if (removed) {
      ++count;
      LogChange(session, "removed from quarantine", threat.id);
    } else {
      told["error"] = removed.error().message;
    }
    Result<bool> sent = session.Send(told);
    if (!sent) return sent;
  }
  return session.Send(EndFrame(count));
}

}  // namespace gatehouse
