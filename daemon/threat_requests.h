// ThreatRequests: what administrators ask for about threats: which are allowed,
// what is done about a type, and what becomes of a file in quarantine.
//
// Thread-safe: called by one thread per session. Whoever calls has made sure
// that the client is an administrator. What Parts refers to must outlive it.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "daemon/log.h"
#include "daemon/threat_rule_store.h"
#include "ipc/request.h"
#include "ipc/session.h"
#include "quarantine/quarantine.h"

namespace gatehouse {

class ThreatRequests {
 public:
  struct Parts {
    ThreatRuleStore& rules;
    Quarantine* quarantine = nullptr;  // Null: could not be opened.
    const std::string& quarantine_error;
    LogWriter& log;
  };
  explicit ThreatRequests(const Parts& parts) : parts_(parts) {}

  Result<bool> Allow(Session& session, const IpcRequest& request);
  Result<bool> Disallow(Session& session, const IpcRequest& request);
  Result<bool> SendAllowed(Session& session, const IpcRequest& request);
  Result<bool> SetPolicy(Session& session, const IpcRequest& request);
  // For everybody.
  Result<bool> SendPolicies(Session& session);

  // Isolates the file of a threat that was left in its place, whatever the
  // rules say. Blocks until that is done.
  Result<bool> Add(Session& session, const IpcRequest& request);
  Result<bool> Restore(Session& session, const IpcRequest& request);
  Result<bool> Remove(Session& session, const IpcRequest& request);
  Result<bool> RemoveAll(Session& session, const IpcRequest& request);

  // Errors: kOperational, why it could not be opened.
  Result<Quarantine*> OpenQuarantine();
  void LogChange(const Session& session, const char* what,
                 const std::string& object);

  // Logs what is not allowed any more because its time has come, and has its
  // files judged again. For a timer; nothing while nothing has expired. Blocks
  // for I/O then, but not for what is being isolated.
  void ExpireAllowed();

 private:
  Result<Threat> Isolate(const Threat& threat);
  using IsMeant = std::function<bool(const Threat& threat)>;
  void JudgeAgain(ThreatStatus status, const IsMeant& is_meant, bool may_wait);
  void JudgeAllowedAgain(const AllowedThreat& threat, bool may_wait);
  void LogAllowed(const AllowedChange& change);

  const Parts parts_;
};

}  // namespace gatehouse
