// SignatureKeeper: the signatures that the daemon scans with, and their
// replacement while it runs.
//
// A worker that succeeds a dead one takes the compiled set that was in use, by
// its key, and compiles nothing in another process: whoever would have to judge
// that process's opens is not there yet. From then on the directory is looked
// at now and then; when it has changed and is calm, or somebody asks for it,
// the definitions are compiled and tested by a process of their own, and the
// set is handed to those who scan. What fails changes nothing: the last good
// set stays, state() says why, and it is tried again by and by. A successor
// does not know whether his predecessor had failed: he tries likewise.
//
// Thread-safe. Owns its thread. What Parts refers to must outlive it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/active_definitions.h"
#include "daemon/directory_look.h"
#include "daemon/loaded_signatures.h"
#include "daemon/log.h"
#include "daemon/retry_plan.h"
#include "definitions/signature_source.h"
#include "engine/active_signatures.h"

namespace gatehouse {

class SignatureKeeper {
 public:
  struct Parts {
    DefinitionsPlace place;
    LoadOptions options;
    std::string store_directory;
    ActiveDefinitions& active_key;  // In shared memory.
    LogWriter& log;
    std::chrono::milliseconds look_period{10'000};
    Clock clock = {};  // By which failures are tried again.
  };
  // Hands a new set to those who scan. What it refuses is not used.
  using Use =
      std::function<Result<bool>(const std::shared_ptr<const SignatureSet>&)>;

  struct State {
    bool is_updating = false;
    // Why what is in the directory is not what is in use; empty if it is.
    std::string fail_reason;
    // Why compiled sets are not kept.
    std::string store_problem;
    uint64_t updates = 0;   // Sets that replaced another.
    uint64_t failures = 0;  // Sets that did not.
    // When it is tried again, at the first look from then on: milliseconds
    // since 1970; 0: only when something changes.
    int64_t next_try_ms = 0;
  };

  explicit SignatureKeeper(const Parts& parts) : parts_(parts) {}
  ~SignatureKeeper() { Stop(); }
  SignatureKeeper(const SignatureKeeper&) = delete;
  SignatureKeeper& operator=(const SignatureKeeper&) = delete;

  // To be called once, before anything else. `may_compile`: in a process of its
  // own, which opens files. Errors: there is no usable set at all.
  Result<bool> Load(bool may_compile);
  // From now on sets are replaced.
  void Start(Use use);
  void Stop();

  // REQUIRES: Load has succeeded; for these, too. A copy: it may be replaced.
  [[nodiscard]] LoadedSignatures Get() const;
  [[nodiscard]] const ActiveSignatures& active() const { return *active_; }
  [[nodiscard]] State state() const;
  [[nodiscard]] const DefinitionsPlace& place() const { return parts_.place; }

  // Looks at the directory at once, changed or not. Returns at once:
  // state().is_updating says how long it takes.
  void RequestUpdate();

 private:
  [[nodiscard]] SignatureRequest Request() const;
  Result<LoadedSignatures> LoadAtStart(bool may_compile);
  Result<LoadedSignatures> LoadLastGood(const Sha256Digest& key);
  Result<LoadedSignatures> Obtain();
  void Publish(LoadedSignatures loaded);
  void Run(const std::stop_token& stop);
  void Update();
  void NoteFailure(const Error& error);

  const Parts parts_;
  Use use_;
  DirectoryLook known_;  // When it was last loaded. The thread's, once it runs.
  std::optional<ActiveSignatures> active_;
  mutable Mutex mutex_;
  CondVar changed_;
  LoadedSignatures loaded_ GATEHOUSE_GUARDED_BY(mutex_);
  State state_ GATEHOUSE_GUARDED_BY(mutex_);
  bool is_requested_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  RetryPlan retry_ GATEHOUSE_GUARDED_BY(mutex_);
  std::stop_source stop_;
  std::jthread thread_;  // Last: it uses the members above.
};

}  // namespace gatehouse
