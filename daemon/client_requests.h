// ClientRequests: answers what clients ask. docs/ipc.md has the protocol; who
// may do what is decided here, by the credentials the kernel gives.
//
// Thread-safe: called by one thread per session. What Parts refers to must
// outlive it.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "daemon/event_recording.h"
#include "daemon/exclusion_store.h"
#include "daemon/health.h"
#include "daemon/log.h"
#include "daemon/real_time_setting.h"
#include "daemon/shared_state.h"
#include "daemon/signature_keeper.h"
#include "daemon/system_extension.h"
#include "daemon/threat_requests.h"
#include "engine/crashed_content.h"
#include "engine/event_activity.h"
#include "es_linux.h"
#include "ipc/request.h"
#include "ipc/session.h"
#include "quarantine/quarantine.h"

namespace gatehouse {

class ClientRequests {
 public:
  struct Parts {
    // Asked for with each "health".
    std::function<nlohmann::json(bool is_administrator)> health;
    RealTimeSetting& real_time;
    SystemExtension& extension;
    ExclusionStore& exclusion_store;
    const Exclusions& exclusions;
    ThreatRuleStore& threat_rule_store;
    const ThreatRules& threat_rules;
    SignatureKeeper& definitions;
    const CrashedContent& crashed;
    EventActivity& activity;
    EventRecording& recording;
    const SharedState& shared;
    const esl_journal_t* journal = nullptr;
    Quarantine* quarantine = nullptr;  // Null: could not be opened.
    const std::string& quarantine_error;
    LogWriter& log;
    std::stop_token stop;  // Ends scans.
  };
  explicit ClientRequests(Parts parts)
      : parts_(std::move(parts)),
        threats_({parts_.threat_rule_store, parts_.quarantine,
                  parts_.quarantine_error, parts_.log}) {}

  // Answers one request, or leads one scan. A SessionHandler.
  void Handle(Session& session);

 private:
  Result<bool> Dispatch(Session& session, const IpcRequest& request);
  Result<bool> SendThreats(Session& session, const IpcRequest& request);
  Result<bool> ServeThreats(Session& session, const IpcRequest& request);
  Result<bool> ChangeExclusion(Session& session, const IpcRequest& request);
  Result<bool> SendExclusions(Session& session);
  Result<bool> ServeExtension(Session& session, const IpcRequest& request);
  Result<bool> Diagnose(Session& session, const IpcRequest& request);
  Result<bool> Record(Session& session, const IpcRequest& request);
  Result<bool> Configure(Session& session, const IpcRequest& request);
  Result<bool> Scan(Session& session, const IpcRequest& request);
  Result<bool> UpdateDefinitions(Session& session);
  Result<bool> SendDefinitions(Session& session);

  const Parts parts_;
  ThreatRequests threats_;
};

}  // namespace gatehouse
