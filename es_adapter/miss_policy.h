// MissPolicy: what whoever is held is told when there is no verdict.
//
// By default he is allowed: a scanner that fails must not stop the machine. In
// the strict profile a program start is refused if users could have put the
// program there. docs/deadlines.md tells who answers when.
//
// Thread-safe: pure functions, and a class that only reads what others set. No
// part allocates, opens or waits: somebody is held.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/file_custody.h"
#include "base/lock_probe.h"
#include "engine/file_event.h"
#include "engine/verdict.h"

namespace gatehouse {

enum class MissProfile : uint8_t { kDefault, kStrict };

// "default", "strict".
[[nodiscard]] std::string_view MissProfileWord(MissProfile profile);

// Who is held, and over what.
struct HeldSubject {
  FileEventKind kind = FileEventKind::kOpen;
  int32_t pid = 0;  // 0: of another pid namespace, unknown.
  FileCustody custody;
};

struct MissCircumstances {
  MissProfile profile = MissProfile::kDefault;
  bool package_manager_runs = false;
  bool is_degraded = false;  // The circuit breaker is open.
};

// Could somebody other than root have put this file where it is, or changed it?
[[nodiscard]] bool IsUserWritable(const FileCustody& custody);

// Is the subject refused if there is no verdict?
[[nodiscard]] bool FailsClosed(const HeldSubject& subject,
                               const MissCircumstances& circumstances);

// True if `verdict` leaves the answer to the policy: nobody has looked at all
// of the file. Not so if an administrator excluded or restored it, or if the
// daemon ends.
[[nodiscard]] bool IsMiss(const Verdict& verdict);

// What others set; may live in shared memory, for it must outlive workers.
struct MissSettings {
  std::atomic<MissProfile> profile{MissProfile::kDefault};
  std::atomic<bool> is_degraded{false};
};

// The parts must outlive it.
class MissPolicy {
 public:
  MissPolicy(const MissSettings& settings, const LockProbe& package_locks,
             const SystemLibraries& libraries)
      : settings_(settings),
        package_locks_(package_locks),
        libraries_(libraries) {}

  // Could a program start ever be refused? Else custody need not be asked for.
  [[nodiscard]] bool is_strict() const {
    return settings_.profile.load() == MissProfile::kStrict;
  }

  // For as long as the subject is held. Looks at the file behind `fd`.
  [[nodiscard]] bool MayFailClosed(FileEventKind kind, int32_t pid,
                                   int fd) const;
  // At the moment of the answer.
  [[nodiscard]] bool MustFailOpen() const;

 private:
  const MissSettings& settings_;
  const LockProbe& package_locks_;
  const SystemLibraries& libraries_;
};

}  // namespace gatehouse
