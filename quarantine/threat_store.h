// ThreatStore: the threats that were found, what became of them, what an
// administrator allowed, and the scans that were asked for. On disk.
//
// Thread-safe; one connection behind one lock. Owns the database. It is an
// index, not the truth: what is in the vault says so itself, and Record of each
// vault header rebuilds what was lost.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "quarantine/purged.h"
#include "quarantine/threat.h"

namespace gatehouse {

// More threats and scans than this are not remembered, if nobody says another
// number; those in the vault do not count.
inline constexpr size_t kHistoryItemsDefault = 10000;
// More changes of one threat are not: its first one stays, and the newest.
inline constexpr size_t kThreatHistoryMax = 1000;
inline constexpr size_t kExemptionsMax = 10000;
inline constexpr size_t kScansMax = 1000;  // Of each user.

// The database's name in the state directory.
inline constexpr char kThreatStoreName[] = "threats.db";

// A file, with this content, that is left alone although it is malicious.
struct Exemption {
  std::string file_key;  // Bytes, as given to Record.
  std::array<uint8_t, 32> sha256 = {};
  uint32_t uid = 0;     // Who allowed it.
  int64_t time_ms = 0;  // When; wall clock.

  bool operator==(const Exemption&) const = default;
};

// One on-demand scan. `type` and `state` are words that the caller chooses;
// they are on disk.
struct ScanRecord {
  std::string id;
  uint32_t uid = 0;  // Who asked for it.
  std::string type;
  std::string path;  // Bytes; empty when the type says what is scanned.
  int64_t start_ms = 0;
  int64_t end_ms = 0;  // 0: not ended.
  uint64_t files_scanned = 0;
  uint64_t threats = 0;
  uint64_t not_scanned = 0;
  uint64_t errors = 0;
  std::string state;

  bool operator==(const ScanRecord&) const = default;
};

struct ThreatStoreOptions {
  size_t items_max = kHistoryItemsDefault;
  // The disk is full: called, on any thread; if it made room, true, what was to
  // be changed is tried once more. May be empty.
  std::function<bool()> make_room = {};
};

// Every function that changes something is one transaction, durable when it
// returns, and blocks for one fsync. On any error nothing has changed and the
// store can still be used; a full disk is kLimitExceeded.
class ThreatStore {
 public:
  // Opens `state_directory`/threats.db, or makes it; mode 0600.
  //
  // A database that is damaged is moved aside, to threats.db.corrupt-TIME,
  // and a new one is begun; notice() says so, and the caller records each vault
  // header anew. Errors: kNotSupported when it was written by a newer version;
  // else of the system. Errors leave the file where it is.
  static Result<std::unique_ptr<ThreatStore>> Open(
      const std::string& state_directory,
      const ThreatStoreOptions& options = {});
  ~ThreatStore();
  ThreatStore(const ThreatStore&) = delete;
  ThreatStore& operator=(const ThreatStore&) = delete;

  // What Open had to do that somebody should know; empty: nothing.
  const std::string& notice() const { return notice_; }

  // Remembers a threat, and returns the id that it is remembered by.
  //
  // One threat per file: if `threat.id` is known already, or else, unless
  // `threat` is quarantined, if UnfinishedOf(file_key) is, that one gets the
  // newest status of `threat`, if it differs from its own, and its id is
  // returned. Name and type of `threat`, a digest that was not known, and how
  // fast it was isolated are taken over too. An empty `file_key` is no key.
  // Above items_max others are forgotten: HistoryPurge::Above. Errors:
  // kInvalidInput without id or history.
  Result<std::string> Record(const Threat& threat, std::string_view file_key);

  // Adds to the history; true if the status differs from the one before, else
  // nothing is added. Errors: kNotFound.
  Result<bool> AddStatus(std::string_view id, ThreatStatus status,
                         int64_t time_ms, std::string_view detail);

  // In the order they were first recorded, the newest last. With an owner, only
  // the threats of files that belonged to that user.
  Result<std::vector<Threat>> List(
      std::optional<uint32_t> owner_uid = std::nullopt) const;
  Result<std::vector<Threat>> WithStatus(ThreatStatus status) const;
  // Errors: kNotFound.
  Result<Threat> Get(std::string_view id) const;

  // The id of the threat of that file that is not finished: its status is
  // detected, blocked, quarantine_failed or allowed. Empty: there is none.
  // Whoever isolates the file does so by that id: the vault knows no other.
  Result<std::string> UnfinishedOf(std::string_view file_key) const;
  // The key that the threat was first recorded with. Errors: kNotFound.
  Result<std::string> FileKeyOf(std::string_view id) const;
  // The threats that were recorded with this key, whatever became of them.
  Result<std::vector<std::string>> IdsOf(std::string_view file_key) const;

  // Adding replaces an exemption of the same file and content. Errors:
  // kInvalidInput without a key, kLimitExceeded above kExemptionsMax.
  Result<bool> AddExemption(const Exemption& exemption);
  // True if there was one.
  Result<bool> RemoveExemption(std::string_view file_key,
                               const std::array<uint8_t, 32>& sha256);
  Result<std::vector<Exemption>> Exemptions() const;  // The oldest first.

  // Errors: kInvalidInput if there is a scan of that id. The oldest scans of
  // that user above kScansMax are forgotten, unless they go on or a threat
  // refers to them.
  Result<bool> BeginScan(const ScanRecord& scan);
  // Updates end, counts and state of the scan with that id. Errors: kNotFound.
  Result<bool> EndScan(const ScanRecord& scan);
  // Ends every scan that has no end, with this time and state: whoever led it
  // is dead. Returns how many.
  Result<uint64_t> EndOpenScans(int64_t time_ms, std::string_view state);
  // In the order they began, the newest last; with a uid, only that user's.
  Result<std::vector<ScanRecord>> Scans(
      std::optional<uint32_t> uid = std::nullopt) const;

  // Forgets what HistoryPurge::Before says, which is returned, and what is
  // above items_max.
  Result<Purged> Purge(int64_t before_ms);
  // Ids of what has been in quarantine since before then, and of what could not
  // be taken, of which there may be a copy.
  Result<std::vector<std::string>> InVaultBefore(int64_t time_ms) const;

  // Threats and scans forgotten by items_max since Open.
  uint64_t items_purged() const { return items_purged_.load(); }

 private:
  struct State;
  ThreatStore(std::unique_ptr<State> state, std::string notice,
              const ThreatStoreOptions& options);

  const std::string notice_;
  const size_t items_max_;
  std::atomic<uint64_t> items_purged_{0};
  mutable Mutex mutex_;
  const std::unique_ptr<State> state_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
