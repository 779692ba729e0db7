#include "quarantine/quarantine.h"

#include <utility>
#include <vector>

#include "base/time.h"

namespace gatehouse {

Result<std::unique_ptr<Quarantine>> Quarantine::Open(
    const Parts& parts, const ActiveSignatures& signatures) {
  auto quarantine = std::unique_ptr<Quarantine>(new Quarantine());
  Result<std::unique_ptr<Vault>> vault =
      Vault::Open(parts.state_directory, quarantine->files_);
  if (!vault) return Unexpected(vault.error());
  quarantine->vault_ = std::move(*vault);
  for (const std::string& problem : quarantine->vault_->KeyProblems()) {
    parts.failed({ErrorCode::kOperational, problem});
  }
  quarantine->reserve_ = std::make_unique<SpaceReserve>(
      quarantine->files_, quarantine->vault_->UnsafeStateFd());
  const Result<bool> filled = quarantine->reserve_->Fill();
  if (!filled) parts.failed(filled.error());
  ThreatStoreOptions options;
  options.items_max = parts.history_items_max;
  options.make_room = [reserve = quarantine->reserve_.get()] {
    return reserve->Release();
  };
  Result<std::unique_ptr<ThreatStore>> store =
      ThreatStore::Open(parts.state_directory, options);
  if (!store) return Unexpected(store.error());
  quarantine->store_ = std::move(*store);
  const std::string& notice = quarantine->store_->notice();
  if (!notice.empty()) parts.failed({ErrorCode::kOperational, notice});
  const Result<uint64_t> ended =
      quarantine->store_->EndOpenScans(WallClockMilliseconds(), "Cancelled");
  if (!ended) return Unexpected(ended.error());
  quarantine->restorer_ = std::make_unique<Restorer>(Restorer::Parts{
      *quarantine->vault_, *quarantine->store_, quarantine->exemptions_});
  for (const Error& problem : quarantine->restorer_->Recover()) {
    parts.failed(problem);
  }
  const Result<std::vector<Exemption>> exemptions =
      quarantine->store_->Exemptions();
  if (!exemptions) return Unexpected(exemptions.error());
  for (const Exemption& exemption : *exemptions) {
    quarantine->exemptions_.Add(exemption.file_key, exemption.sha256);
  }
  std::function<bool()> when_idle;
  if (parts.history != nullptr) {
    quarantine->keeper_ = std::make_unique<HistoryKeeper>(HistoryKeeper::Parts{
        *quarantine->vault_, *quarantine->store_, *quarantine->restorer_,
        quarantine->recorded_files_, *parts.history, parts.failed,
        parts.retention_days});
    when_idle = [keeper = quarantine->keeper_.get()] {
      return keeper->Step(MonotonicClock::now(), WallClockMilliseconds());
    };
  }
  Result<Unfinished> unfinished =
      FindUnfinished(*quarantine->vault_, parts.deny_list);
  if (!unfinished) return Unexpected(unfinished.error());
  for (const Error& problem : unfinished->problems) parts.failed(problem);
  Result<std::unique_ptr<Remediator>> remediator = Remediator::Start(
      {*quarantine->vault_, *quarantine->store_, parts.deny_list,
       parts.statistics, parts.recorded, parts.failed, parts.isolates,
       parts.pending_max, parts.rules, when_idle},
      signatures, std::move(unfinished->isolations));
  if (!remediator) return Unexpected(remediator.error());
  quarantine->remediator_ = std::move(*remediator);
  return quarantine;
}

std::vector<std::string> Quarantine::Problems() {
  std::vector<std::string> problems = vault_->KeyProblems();
  if (reserve_->was_released()) {
    problems.emplace_back(
        "the disk of the state directory is full: the space that was kept for "
        "records is in use");
  }
  return problems;
}

}  // namespace gatehouse
