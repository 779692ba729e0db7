// Quarantine: the vault, the history of threats, and the threads that isolate,
// as one thing that is there or not.
//
// Thread-safe. Owns its parts and ends them in order.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/active_signatures.h"
#include "engine/deny_list.h"
#include "quarantine/exemptions.h"
#include "quarantine/history_keeper.h"
#include "quarantine/linux_file_operations.h"
#include "quarantine/recorded_files.h"
#include "quarantine/remediator.h"
#include "quarantine/restorer.h"
#include "quarantine/space_reserve.h"
#include "quarantine/threat_store.h"
#include "quarantine/vault.h"

namespace gatehouse {

class Quarantine {
 public:
  struct Parts {
    std::string state_directory;
    DenyList& deny_list;
    RemediatorStatistics& statistics;
    // See Remediator::Parts.
    std::function<void(const Threat&)> recorded;
    std::function<void(const Error&)> failed;
    bool isolates = true;
    size_t pending_max = Remediator::kPendingMax;
    const ThreatRules* rules = nullptr;
    // Null: nothing is forgotten for its age.
    HistoryStatistics* history = nullptr;
    uint32_t retention_days = HistoryKeeper::kRetentionDaysDefault;
    size_t history_items_max = kHistoryItemsDefault;
  };

  // Opens vault and store, denies what a dead process left unfinished, and
  // starts to deal with it. Blocks for I/O, but not for that. Errors: those of
  // Vault::Open, ThreatStore::Open and Scanner::Create.
  static Result<std::unique_ptr<Quarantine>> Open(
      const Parts& parts, const ActiveSignatures& signatures);
  ~Quarantine() = default;
  Quarantine(const Quarantine&) = delete;
  Quarantine& operator=(const Quarantine&) = delete;

  Remediator& remediator() { return *remediator_; }
  Restorer& restorer() { return *restorer_; }
  ThreatStore& store() { return *store_; }
  const Exemptions& exemptions() const { return exemptions_; }
  FileOperations& files() { return files_; }
  // What somebody should look after now: the vault's key, and a full disk.
  std::vector<std::string> Problems();
  RecordedFiles& recorded_files() { return recorded_files_; }

 private:
  Quarantine() : exemptions_(files_) {}

  LinuxFileOperations files_;
  Exemptions exemptions_;
  RecordedFiles recorded_files_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<SpaceReserve> reserve_;
  std::unique_ptr<ThreatStore> store_;
  std::unique_ptr<Restorer> restorer_;
  std::unique_ptr<HistoryKeeper> keeper_;
  std::unique_ptr<Remediator> remediator_;  // Last: its threads use the rest.
};

}  // namespace gatehouse
