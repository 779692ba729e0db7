#include "daemon/client_requests.h"

#include <unistd.h>

#include <array>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "daemon/activity_requests.h"
#include "daemon/scan_session.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

// A daemon that does not run as root serves its own user as root.
bool IsAdministrator(const PeerCredentials& peer) {
  return peer.uid == 0 || peer.uid == ::geteuid();
}

std::optional<uint32_t> OwnerFilter(const PeerCredentials& peer) {
  if (IsAdministrator(peer)) return std::nullopt;
  return peer.uid;
}

Result<bool> RequireAdministrator(const Session& session, const char* what) {
  if (IsAdministrator(session.peer())) return true;
  return Fail(ErrorCode::kNotPermitted, std::string("only root may ") + what);
}

// What only an administrator may ask about threats.
struct ThreatRequest {
  IpcCommand command = IpcCommand::kHealth;
  const char* what = "";
  Result<bool> (ThreatRequests::*serve)(Session& session,
                                        const IpcRequest& request) = nullptr;
};
constexpr std::array<ThreatRequest, 8> kThreatRequests = {{
    {IpcCommand::kQuarantineAdd, "put a file into quarantine",
     &ThreatRequests::Add},
    {IpcCommand::kQuarantineRestore, "restore from quarantine",
     &ThreatRequests::Restore},
    {IpcCommand::kQuarantineRemove, "remove from quarantine",
     &ThreatRequests::Remove},
    {IpcCommand::kQuarantineRemoveAll, "remove from quarantine",
     &ThreatRequests::RemoveAll},
    {IpcCommand::kThreatAllowedAdd, "allow threats", &ThreatRequests::Allow},
    {IpcCommand::kThreatAllowedRemove, "allow threats",
     &ThreatRequests::Disallow},
    {IpcCommand::kThreatAllowedList, "see what is allowed",
     &ThreatRequests::SendAllowed},
    {IpcCommand::kThreatPolicySet, "change the threat policy",
     &ThreatRequests::SetPolicy},
}};

// To others than its owner, a threat does not exist.
Error NoThreat(const std::string& id) {
  return {ErrorCode::kNotFound, "no threat with the id '" + id + "'"};
}

IpcScan ScanOf(const ScanRecord& record) {
  IpcScan scan;
  scan.scan_id = record.id;
  scan.type = record.type;
  scan.start_time_ms = record.start_ms;
  scan.end_time_ms = record.end_ms;
  scan.files_scanned = record.files_scanned;
  scan.state = record.state;
  return scan;
}

// Whose scan it was is nobody's business but his and root's: a threat of a
// user that root's scan found comes without the scan.
std::vector<ScanRecord> ScansOf(const std::vector<Threat>& threats,
                                std::vector<ScanRecord> scans) {
  std::set<std::string> wanted;
  for (const Threat& threat : threats) wanted.insert(threat.scan_id);
  std::erase_if(scans, [&wanted](const ScanRecord& scan) {
    return !wanted.contains(scan.id);
  });
  return scans;
}

}  // namespace

void ClientRequests::Handle(Session& session) {
  const Result<IpcRequest> request =
      ParseRequest(session.request(), session.descriptor_count());
  const Result<bool> done = request ? Dispatch(session, *request)
                                    : Result<bool>(Unexpected(request.error()));
  // The client may be gone; it is the only one who would want to know.
  if (!done) (void)session.SendError(done.error());
}

Result<bool> ClientRequests::Dispatch(Session& session,
                                      const IpcRequest& request) {
  switch (request.command) {
    case IpcCommand::kHealth:
      return session.Send(Json(parts_.health(IsAdministrator(session.peer()))));
    case IpcCommand::kVersion:
      return session.Send(
          {{"$type", kVersionType}, {"appVersion", GATEHOUSE_VERSION}});
    case IpcCommand::kThreatList:
    case IpcCommand::kThreatGet:
    case IpcCommand::kQuarantineList:
      return SendThreats(session, request);
    case IpcCommand::kQuarantineAdd:
    case IpcCommand::kQuarantineRestore:
    case IpcCommand::kQuarantineRemove:
    case IpcCommand::kQuarantineRemoveAll:
    case IpcCommand::kThreatAllowedAdd:
    case IpcCommand::kThreatAllowedRemove:
    case IpcCommand::kThreatAllowedList:
    case IpcCommand::kThreatPolicySet:
    case IpcCommand::kThreatPolicyList:
      return ServeThreats(session, request);
    case IpcCommand::kConfigSet:
      return Configure(session, request);
    case IpcCommand::kSystemExtension:
      return ServeExtension(session, request);
    case IpcCommand::kExclusionAdd:
    case IpcCommand::kExclusionRemove:
      return ChangeExclusion(session, request);
    case IpcCommand::kExclusionList:
      return SendExclusions(session);
    case IpcCommand::kRealTimeStatistics:
    case IpcCommand::kHotEventSources:
    case IpcCommand::kEventProviderStatistics:
      return Diagnose(session, request);
    case IpcCommand::kRecordBegin:
    case IpcCommand::kRecordEnd:
      return Record(session, request);
    case IpcCommand::kDefinitionsUpdate:
      return UpdateDefinitions(session);
    case IpcCommand::kDefinitionsStatus:
      return SendDefinitions(session);
    case IpcCommand::kScanBegin:
      return Scan(session, request);
    case IpcCommand::kScanFiles:
    case IpcCommand::kScanEnd:
      break;
  }
  return Fail(ErrorCode::kInvalidInput, "there is no scan that goes on");
}

// --- Threats ----------------------------------------------------------------

Result<bool> ClientRequests::SendThreats(Session& session,
                                         const IpcRequest& request) {
  const Result<Quarantine*> quarantine = threats_.OpenQuarantine();
  if (!quarantine) return Unexpected(quarantine.error());
  const ThreatStore& store = (*quarantine)->store();
  const std::optional<uint32_t> owner = OwnerFilter(session.peer());
  Result<std::vector<Threat>> threats = store.List(owner);
  if (!threats) return Unexpected(threats.error());
  if (request.command == IpcCommand::kThreatGet) {
    std::erase_if(*threats, [&request](const Threat& threat) {
      return threat.id != request.id;
    });
    if (threats->empty()) return Unexpected(NoThreat(request.id));
  } else if (request.command == IpcCommand::kQuarantineList) {
    std::erase_if(*threats, [](const Threat& threat) {
      return threat.status() != ThreatStatus::kQuarantined;
    });
  }
  Result<std::vector<ScanRecord>> scans = store.Scans(owner);
  if (!scans) return Unexpected(scans.error());
  for (const ScanRecord& scan : ScansOf(*threats, std::move(*scans))) {
    Result<bool> sent = session.Send(ScanFrame(ScanOf(scan)));
    if (!sent) return sent;
  }
  for (const Threat& threat : *threats) {
    Result<bool> sent = session.Send(ThreatFrame(threat));
    if (!sent) return sent;
  }
  return session.Send(EndFrame(threats->size()));
}

// Whoever may not ask does not learn whether there is such a threat.
Result<bool> ClientRequests::ServeThreats(Session& session,
                                          const IpcRequest& request) {
  for (const ThreatRequest& known : kThreatRequests) {
    if (known.command != request.command) continue;
    Result<bool> may = RequireAdministrator(session, known.what);
    if (!may) return may;
    return (threats_.*known.serve)(session, request);
  }
  return threats_.SendPolicies(session);
}

// --- Diagnostics ------------------------------------------------------------

// What others open is root's to know.
Result<bool> ClientRequests::Diagnose(Session& session,
                                      const IpcRequest& request) {
  Result<bool> may = RequireAdministrator(session, "see what others open");
  if (!may) return may;
  if (request.command == IpcCommand::kRealTimeStatistics) {
    return SendProcesses(session, parts_.activity);
  }
  if (request.command == IpcCommand::kHotEventSources) {
    return SendSources(session, parts_.activity, request.value);
  }
  return session.Send(
      EventProviderFrame(parts_.shared, parts_.journal, parts_.activity));
}

Result<bool> ClientRequests::Record(Session& session,
                                    const IpcRequest& request) {
  Result<bool> may = RequireAdministrator(session, "record what others open");
  if (!may) return may;
  return request.command == IpcCommand::kRecordBegin
             ? parts_.recording.Lead(session)
             : parts_.recording.End(session);
}

// --- Settings ---------------------------------------------------------------

Result<bool> ClientRequests::Configure(Session& session,
                                       const IpcRequest& request) {
  Result<bool> may = RequireAdministrator(session, "change the configuration");
  if (!may) return may;
  if (request.name != "real-time-protection") {
    return Fail(ErrorCode::kNotSupported, "no setting '" + request.name + "'");
  }
  if (request.value != "enabled" && request.value != "disabled") {
    return Fail(ErrorCode::kInvalidInput,
                "'" + request.value + "' is neither enabled nor disabled");
  }
  const Result<bool> set = parts_.real_time.Set(request.value == "enabled");
  if (!set) return set;
  threats_.LogChange(session, "real-time protection was set", request.value);
  return session.Send({{"$type", kConfiguredType}});
}

Result<bool> ClientRequests::ServeExtension(Session& session,
                                            const IpcRequest& request) {
  if (request.value == "approve" || request.value == "revoke") {
    Result<bool> may =
        RequireAdministrator(session, "change the approval of the extension");
    if (!may) return may;
    const Result<bool> set =
        parts_.extension.Approve(request.value == "approve");
    if (!set) return set;
    threats_.LogChange(session, "system extension", request.value);
  } else if (request.value != "status") {
    return Fail(ErrorCode::kInvalidInput,
                "'" + request.value + "' is none of approve, revoke, status");
  }
  return session.Send(SystemExtensionJson(parts_.extension.state()));
}

Result<bool> ClientRequests::ChangeExclusion(Session& session,
                                             const IpcRequest& request) {
  Result<bool> may = RequireAdministrator(session, "change exclusions");
  if (!may) return may;
  const Result<ExclusionKind> kind = ExclusionKindOf(request.name);
  if (!kind) return Unexpected(kind.error());
  const Result<ExclusionScope> scope = ExclusionScopeOf(request.scope);
  if (!scope) return Unexpected(scope.error());
  Exclusion exclusion{*kind, request.value, *scope, false};
  const bool is_added = request.command == IpcCommand::kExclusionAdd;
  const Result<bool> changed =
      is_added ? parts_.exclusion_store.Add(std::move(exclusion))
               : parts_.exclusion_store.Remove(std::move(exclusion));
  if (!changed) return changed;
  threats_.LogChange(session,
                     is_added ? "exclusion added" : "exclusion removed",
                     request.name + " " + request.value);
  return session.Send({{"$type", kConfiguredType}});
}

Result<bool> ClientRequests::SendExclusions(Session& session) {
  const std::vector<Exclusion> exclusions = parts_.exclusion_store.list();
  for (const Exclusion& exclusion : exclusions) {
    Result<bool> sent =
        session.Send({{"$type", kExclusionType},
                      {"kind", ExclusionKindWord(exclusion.kind)},
                      {"text", exclusion.text},
                      {"scope", ExclusionScopeWord(exclusion.scope)},
                      {"isManaged", exclusion.is_managed}});
    if (!sent) return sent;
  }
  return session.Send(EndFrame(exclusions.size()));
}

// --- Definitions -------------------------------------------------------------

Result<bool> ClientRequests::UpdateDefinitions(Session& session) {
  Result<bool> may = RequireAdministrator(session, "update definitions");
  if (!may) return may;
  parts_.definitions.RequestUpdate();
  threats_.LogChange(session, "definitions", "update");
  return session.Send({{"$type", kConfiguredType}});
}

Result<bool> ClientRequests::SendDefinitions(Session& session) {
  const std::vector<Json> frames =
      DefinitionsFrames(parts_.definitions.Get(), parts_.definitions.place(),
                        parts_.definitions.state());
  for (const Json& frame : frames) {
    Result<bool> sent = session.Send(frame);
    if (!sent) return sent;
  }
  return session.Send(EndFrame(frames.size()));
}

// --- Scans ------------------------------------------------------------------

Result<bool> ClientRequests::Scan(Session& session, const IpcRequest& request) {
  const Result<Quarantine*> quarantine = threats_.OpenQuarantine();
  if (!quarantine) return Unexpected(quarantine.error());
  ScanSession::Parts parts{
      session,           **quarantine,        parts_.crashed,
      parts_.exclusions, parts_.threat_rules, parts_.stop};
  return ScanSession(parts).Run(request, parts_.definitions.active().Get());
}

}  // namespace gatehouse
