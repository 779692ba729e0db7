#include "quarantine/recovery.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/time.h"
#include "engine/verdict.h"
#include "quarantine/content_digest.h"
#include "quarantine/file_place.h"

namespace gatehouse {
namespace {

// The original, wherever its name is. Not valid: it is gone, or its file system
// is not mounted and whoever mounts it again is judged anew.
UniqueFd FindOriginal(FileOperations& files, const ObjectHeader& header) {
  Result<UniqueFd> parent = files.OpenDirectory(header.parent_path);
  int hint = -1;
  if (parent) {
    const Result<FileFacts> facts = files.Identity(parent->UnsafeFd());
    if (facts && facts->handle == header.parent_handle) {
      hint = parent->UnsafeFd();
    }
  }
  Result<UniqueFd> file = files.OpenByHandle(header.file, hint);
  if (!file && file.error().code == ErrorCode::kNotSupported && hint >= 0) {
    file = files.OpenFileIn(hint, BaseName(header.path));
  }
  if (!file) return {};
  const Result<FileFacts> facts = files.Identity(file->UnsafeFd());
  if (!facts || facts->nlink == 0 ||
      !IsSameFileAfterReboot(*facts, header.file)) {
    return {};
  }
  return std::move(*file);
}

}  // namespace

bool WasDeleted(const ObjectHeader& header) { return header.file.nlink == 0; }

Threat ThreatOf(const ObjectHeader& header) {
  Threat threat;
  threat.id = header.id;
  threat.name = header.threat_name;
  threat.type = ThreatType(header.threat_name);
  threat.path = header.path;
  threat.owner_uid = header.file.uid;
  threat.file_bytes = header.file.size;
  const bool is_sealed = std::any_of(header.sha256.begin(), header.sha256.end(),
                                     [](uint8_t byte) { return byte != 0; });
  // Of a longer file it is another kind of digest: see content_digest.h.
  const bool is_whole = header.file.size <= kWholeDigestBytesMax;
  if (is_sealed && is_whole) threat.sha256 = HexText(header.sha256);
  threat.scan_id = header.scan_id;
  return threat;
}

Result<Unfinished> FindUnfinished(Vault& vault, DenyList& deny_list) {
  Result<std::vector<std::string>> ids = vault.StagedIds();
  if (!ids) return Unexpected(ids.error());
  Unfinished unfinished;
  const Result<bool> dropped = vault.DropHalfStaged();
  if (!dropped) unfinished.problems.push_back(dropped.error());
  for (const std::string& id : *ids) {
    Result<ObjectHeader> header = vault.Header(id);
    if (!header) {
      unfinished.problems.push_back(header.error());
      continue;
    }
    UnfinishedIsolation isolation;
    isolation.file = FindOriginal(vault.files(), *header);
    isolation.header = std::move(*header);
    if (isolation.file.valid()) {
      isolation.denied = deny_list.Add(isolation.file.UnsafeFd(),
                                       isolation.header.threat_name);
    }
    unfinished.isolations.push_back(std::move(isolation));
  }
  return unfinished;
}

Result<Reconciliation> Reconcile(Vault& vault, ThreatStore& store) {
  Result<std::vector<std::string>> published = vault.PublishedIds();
  if (!published) return Unexpected(published.error());
  Result<std::vector<Threat>> threats = store.List();
  if (!threats) return Unexpected(threats.error());
  std::map<std::string, ThreatStatus> status_of;
  for (const Threat& threat : *threats) status_of[threat.id] = threat.status();
  Reconciliation result;
  const auto keep = [&result](const auto& done, size_t& counter) {
    if (done) {
      ++counter;
    } else {
      result.problems.push_back(done.error());
    }
  };
  for (const std::string& id : *published) {
    const auto known = status_of.find(id);
    if (known == status_of.end()) {
      const Result<ObjectHeader> header = vault.Header(id);
      if (!header) {
        result.problems.push_back(header.error());
        continue;
      }
      Threat threat = ThreatOf(*header);
      threat.isolated_in_time = false;  // Nobody was there to see it.
      threat.history.push_back({header->time_ms,
                                WasDeleted(*header)
                                    ? ThreatStatus::kRemoved
                                    : ThreatStatus::kQuarantined,
                                "recorded from the vault"});
      keep(store.Record(threat, FileKey(header->file)), result.recorded);
    } else if (known->second == ThreatStatus::kRestored ||
               known->second == ThreatStatus::kRemoved) {
      // Of what was found deleted, the copy is kept: nobody removed that.
      const Result<ObjectHeader> header = vault.Header(id);
      const bool is_kept = known->second == ThreatStatus::kRemoved && header &&
                           WasDeleted(*header);
      if (!is_kept) keep(vault.Remove(id), result.removed);
    } else if (known->second != ThreatStatus::kQuarantined) {
      keep(store.AddStatus(id, ThreatStatus::kQuarantined,
                           WallClockMilliseconds(), "found in the vault"),
           result.recorded);
    }
  }
  const std::set<std::string> objects(published->begin(), published->end());
  for (const auto& [id, status] : status_of) {
    // Asked again: an isolation may have ended since the list was made.
    if (status != ThreatStatus::kQuarantined || objects.contains(id) ||
        vault.Contains(id)) {
      continue;
    }
    keep(store.AddStatus(id, ThreatStatus::kNotFound, WallClockMilliseconds(),
                         "its object is not in the vault any more"),
         result.not_found);
  }
  return result;
}

}  // namespace gatehouse
