#include "quarantine/recovery.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/time.h"
#include "engine/verdict.h"
#include "quarantine/capture_area.h"
#include "quarantine/content_digest.h"
#include "quarantine/file_place.h"

namespace gatehouse {
namespace {

// The original, wherever its name is.
Result<UniqueFd> FindOriginal(FileOperations& files,
                              const ObjectHeader& header) {
  const Result<UniqueFd> parent = FindParent(files, header, -1);
  const int hint = parent ? parent->UnsafeFd() : -1;
  Result<UniqueFd> file = files.OpenByHandle(header.file, hint);
  if (!file && file.error().code == ErrorCode::kNotSupported && hint >= 0) {
    file = OpenSameFile(files, hint, BaseName(header.path), header.file);
  }
  if (!file) {
    if (file.error().code != ErrorCode::kNotSupported) return file;
    return Fail(ErrorCode::kNotFound, "its file system is not there");
  }
  const Result<FileFacts> facts = files.Identity(file->UnsafeFd());
  if (!facts) return Unexpected(facts.error());
  if (facts->nlink == 0 || !IsSameFileAfterReboot(*facts, header.file)) {
    return Fail(ErrorCode::kNotFound, "it has no name any more");
  }
  return file;
}

}  // namespace

bool WasDeleted(const ObjectHeader& header) { return header.file.nlink == 0; }

namespace {

ThreatStatus StatusOf(const ObjectHeader& header) {
  if (WasDeleted(header)) return ThreatStatus::kRemoved;
  return header.is_copy ? ThreatStatus::kQuarantineFailed
                        : ThreatStatus::kQuarantined;
}

bool IsCopy(Vault& vault, const std::string& id) {
  const Result<ObjectHeader> header = vault.Header(id);
  return header && header->is_copy;
}

}  // namespace

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
  for (Error& problem : CaptureArea(vault).RemoveLeftDirectories()) {
    unfinished.problems.push_back(std::move(problem));
  }
  for (const std::string& id : *ids) {
    Result<ObjectHeader> header = vault.Header(id);
    if (!header) {
      unfinished.problems.push_back(header.error());
      continue;
    }
    Result<UniqueFd> file = FindOriginal(vault.files(), *header);
    DenyList::Entry denied;
    if (file) denied = deny_list.Add(file->UnsafeFd(), header->threat_name);
    UnfinishedIsolation isolation{std::move(*header), std::move(file),
                                  std::move(denied)};
    unfinished.isolations.push_back(std::move(isolation));
  }
  return unfinished;
}

size_t OtherObjectsOf(Vault& vault, const ThreatStore& store,
                      const ObjectHeader& header) {
  const auto ids = store.IdsOf(FileKey(header.file));
  if (!ids) return 0;
  const auto is_other = [&](const std::string& id) {
    if (id == header.id || vault.IsStaged(id)) return false;
    const Result<ObjectHeader> object = vault.Header(id);
    // The names of those that were sealed before were gone by then.
    return object && !object->is_copy && object->sha256 == header.sha256 &&
           object->time_ms >= header.time_ms &&
           object->file.nlink <= header.file.nlink;
  };
  return static_cast<size_t>(std::count_if(ids->begin(), ids->end(), is_other));
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
      threat.history.push_back(
          {header->time_ms, StatusOf(*header), "recorded from the vault"});
      keep(store.Record(threat, FileKey(header->file)), result.recorded);
    } else if (known->second == ThreatStatus::kRestored ||
               known->second == ThreatStatus::kRemoved) {
      // Of what was found deleted, the copy is kept: nobody removed that.
      const Result<ObjectHeader> header = vault.Header(id);
      const bool is_kept = known->second == ThreatStatus::kRemoved && header &&
                           WasDeleted(*header);
      if (!is_kept) keep(vault.Remove(id), result.removed);
    } else if (known->second != ThreatStatus::kQuarantined &&
               !IsCopy(vault, id)) {
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
