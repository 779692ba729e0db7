// Recovery: what a dead process left unfinished, decided from facts: which
// objects are there, and whether their originals still are.
//
// Thread-safe functions; they block for I/O. Run by one thread at a time per
// vault, before or instead of other work on the same ids.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/deny_list.h"
#include "quarantine/isolator.h"
#include "quarantine/threat_store.h"
#include "quarantine/vault.h"

namespace gatehouse {

// A staged object: its original may be in its place, captured, or gone.
struct UnfinishedIsolation {
  ObjectHeader header;
  // The original (O_PATH). kNotFound: it is gone, or its file system is not
  // mounted and whoever mounts it again is judged anew. Other errors: nobody
  // can tell now.
  Result<UniqueFd> file;
  DenyList::Entry denied;
};

struct Unfinished {
  std::vector<UnfinishedIsolation> isolations;
  // Objects whose header cannot be read. They are left alone.
  std::vector<Error> problems;
};

// Finds them all and denies the originals that still exist, so that events can
// be judged while Isolator::Resume goes on. Opens files as O_PATH, which raises
// no event, wherever there are file handles.
Result<Unfinished> FindUnfinished(Vault& vault, DenyList& deny_list);

// How many other objects hold the very file of `header`, with that content, and
// were sealed later: it was isolated again by somebody who could not read this
// one.
size_t OtherObjectsOf(Vault& vault, const ThreatStore& store,
                      const ObjectHeader& header);

struct Reconciliation {
  size_t recorded = 0;   // Objects that no record knew.
  size_t removed = 0;    // Objects of threats that were restored or removed.
  size_t not_found = 0;  // Records whose object is gone.
  std::vector<Error> problems;
};

// Makes the store agree with the vault, which is the truth. New isolations may
// go on meanwhile.
Result<Reconciliation> Reconcile(Vault& vault, ThreatStore& store);

// It was sealed when only those who had it open could still reach it.
[[nodiscard]] bool WasDeleted(const ObjectHeader& header);

// What is remembered of an object.
[[nodiscard]] Threat ThreatOf(const ObjectHeader& header);

}  // namespace gatehouse
