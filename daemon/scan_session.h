// ScanSession: one on-demand scan for one client.
//
// The client finds the files and passes their descriptors (O_PATH); the daemon
// opens what they refer to with the client's rights, and never a path that a
// client names.
//
// One thread. What Parts refers to must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/own_mounts.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "engine/crashed_content.h"
#include "engine/exclusions.h"
#include "engine/scanner.h"
#include "ipc/request.h"
#include "ipc/session.h"
#include "quarantine/quarantine.h"
#include "quarantine/threat_rules.h"
#include "signatures/signature_set.h"

namespace gatehouse {

class ScanSession {
 public:
  struct Parts {
    Session& session;
    Quarantine& quarantine;
    const CrashedContent& crashed;
    const Exclusions& exclusions;
    const ThreatRules& rules;
    std::stop_token stop;
  };
  explicit ScanSession(const Parts& parts) : parts_(parts) {}

  // Leads the scan that `request` (scan_begin) asks for to its end. Errors:
  // what to tell the client; a client that is gone is none.
  Result<bool> Run(const IpcRequest& request,
                   std::shared_ptr<const SignatureSet> signatures);

 private:
  struct Finding {
    size_t index = 0;
    Verdict verdict;
    std::optional<Threat> threat;
    bool is_own = false;  // The client's, or the client is root.
  };
  class Isolations;

  Result<bool> Serve();
  Result<bool> ScanBatch(std::vector<UniqueFd> descriptors);
  Result<bool> SendFindings(const std::vector<Finding>& findings);
  bool IsExcluded(int descriptor);
  Verdict Judge(const UniqueFd& descriptor, UniqueFd& file);
  Result<UniqueFd> OpenForPeer(int descriptor);
  void Treat(UniqueFd file, Isolations& isolations, Finding& finding);
  void LeaveAlone(const Detection& detection, const Verdict& ruled,
                  Finding& finding);
  void RecordInPlace(const Detection& detection, ThreatStatus status,
                     const std::string& why, Finding& finding);
  void Count(const Finding& finding);
  Result<bool> SendResult();

  const Parts parts_;
  std::unique_ptr<Scanner> scanner_;
  ScanRecord record_;
  bool isolates_ = false;
  bool ignores_exclusions_ = false;
  OwnMounts own_mounts_;
  MonotonicTime batch_ends_at_ = kNever;
};

}  // namespace gatehouse
