#include "daemon/signature_keeper.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/thread_name.h"

namespace gatehouse {
namespace {

void NoteKey(const Sha256Digest& key, ActiveDefinitions& noted) {
  for (size_t i = 0; i < noted.size(); ++i) {
    uint64_t word = 0;
    std::memcpy(&word, key.data() + i * sizeof(word), sizeof(word));
    noted.at(i).store(word);
  }
}

// Half of one key and half of another is the key of nothing.
Sha256Digest NotedKey(const ActiveDefinitions& noted) {
  Sha256Digest key = {};
  for (size_t i = 0; i < noted.size(); ++i) {
    const uint64_t word = noted.at(i).load();
    std::memcpy(key.data() + i * sizeof(word), &word, sizeof(word));
  }
  return key;
}

}  // namespace

SignatureRequest SignatureKeeper::Request() const {
  SignatureRequest request;
  request.directory = parts_.place.directory;
  request.options = parts_.options;
  request.store_directory = parts_.store_directory;
  request.tests_system_files = true;
  request.stop = stop_.get_token();
  return request;
}

Result<LoadedSignatures> SignatureKeeper::Obtain() {
  Result<ObtainedSignatures> obtained = ObtainSignatures(Request());
  if (!obtained) return Unexpected(obtained.error());
  {
    const MutexLock lock(mutex_);
    state_.store_problem = obtained->store_problem;
  }
  Result<LoadedSignatures> loaded =
      DescribeSignatures(parts_.place, std::move(obtained->set),
                         std::move(obtained->report), parts_.log);
  if (!loaded) return loaded;
  loaded->key = obtained->key;
  parts_.log.Log(Severity::kInfo, "definitions ready",
                 {{"version", loaded->version},
                  {"compiled", obtained->was_compiled ? "true" : "false"},
                  {"store", obtained->store_problem}});
  return loaded;
}

Result<LoadedSignatures> SignatureKeeper::LoadLastGood(
    const Sha256Digest& key) {
  Result<ObtainedSignatures> found =
      FindSignaturesByKey(parts_.store_directory, key);
  if (!found) return Unexpected(found.error());
  Result<LoadedSignatures> loaded =
      DescribeSignatures(parts_.place, std::move(found->set),
                         std::move(found->report), parts_.log);
  if (loaded) loaded->key = key;
  return loaded;
}

Result<LoadedSignatures> SignatureKeeper::LoadAtStart(bool may_compile) {
  if (parts_.place.directory.empty()) {
    return LoadSignatures(parts_.place, parts_.log, parts_.options);
  }
  if (!may_compile) {
    {
      // The predecessor may have failed at what there is by now.
      const MutexLock lock(mutex_);
      retry_.OnFailure(parts_.clock.now());
    }
    Result<LoadedSignatures> same = LoadLastGood(NotedKey(parts_.active_key));
    if (same) return same;
    parts_.log.Log(Severity::kWarning, "compiling definitions once more",
                   {{"error", same.error().message}});
    return LoadSignatures(parts_.place, parts_.log, parts_.options);
  }
  Result<LoadedSignatures> loaded = Obtain();
  if (loaded) return loaded;
  const Error why = loaded.error();
  const Result<Sha256Digest> key = ActiveSet(parts_.store_directory);
  if (!key) return Unexpected(why);
  Result<LoadedSignatures> last_good = LoadLastGood(*key);
  if (!last_good) return Unexpected(why);
  NoteFailure(why);
  return last_good;
}

Result<bool> SignatureKeeper::Load(bool may_compile) {
  // First: what changes while it is loaded is a change, too.
  known_ = DirectoryLook(parts_.place.directory);
  Result<LoadedSignatures> loaded = LoadAtStart(may_compile);
  if (!loaded) return Unexpected(loaded.error());
  Publish(std::move(*loaded));
  return true;
}

void SignatureKeeper::Publish(LoadedSignatures loaded) {
  if (active_) {
    active_->Set(loaded.set);
  } else {
    active_.emplace(loaded.set);
  }
  NoteKey(loaded.key, parts_.active_key);
  if (loaded.key != Sha256Digest()) {
    const Result<bool> noted =
        NoteActiveSet(parts_.store_directory, loaded.key);
    if (!noted) {
      parts_.log.Log(Severity::kWarning, "definitions not noted",
                     {{"error", noted.error().message}});
    }
  }
  const MutexLock lock(mutex_);
  loaded_ = std::move(loaded);
}

void SignatureKeeper::NoteFailure(const Error& error) {
  parts_.log.Log(
      Severity::kError, "definitions not updated",
      {{"directory", parts_.place.directory}, {"error", error.message}});
  const MutexLock lock(mutex_);
  state_.fail_reason = error.message;
  ++state_.failures;
  retry_.OnFailure(parts_.clock.now());
}

void SignatureKeeper::Start(Use use) {
  use_ = std::move(use);
  if (parts_.place.directory.empty()) return;
  thread_ = std::jthread([this] {
    SetThreadName("gh-definitions");
    Run(stop_.get_token());
  });
}

void SignatureKeeper::Stop() {
  {
    const MutexLock lock(mutex_);
    (void)stop_.request_stop();
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void SignatureKeeper::RequestUpdate() {
  {
    const MutexLock lock(mutex_);
    if (!thread_.joinable()) return;  // There is nothing to be updated from.
    is_requested_ = true;
    state_.is_updating = true;
  }
  changed_.NotifyAll();
}

// A change is believed when it looks the same twice: files are not always moved
// into place at once. Nothing is tried again meanwhile.
void SignatureKeeper::Run(const std::stop_token& stop) {
  DirectoryLook last = known_;
  while (!stop.stop_requested()) {
    bool is_requested = false;
    bool is_due = false;
    {
      const MutexLock lock(mutex_);
      if (!is_requested_ && !stop.stop_requested()) {
        changed_.WaitFor(mutex_, parts_.look_period);
      }
      is_requested = std::exchange(is_requested_, false);
      is_due = retry_.IsDue(parts_.clock.now());
    }
    if (stop.stop_requested()) return;
    DirectoryLook now(parts_.place.directory);
    const bool is_calm = now == last;
    last = now;
    const bool is_changed = now != known_;
    const bool is_wanted = is_calm && (is_changed || is_due);
    if (!is_requested && !is_wanted) continue;
    known_ = std::move(now);
    if (is_requested || is_changed) {
      const MutexLock lock(mutex_);
      retry_.Reset();
    }
    Update();
  }
}

void SignatureKeeper::Update() {
  {
    const MutexLock lock(mutex_);
    state_.is_updating = true;
  }
  Result<LoadedSignatures> loaded = Obtain();
  const Sha256Digest present = Get().key;
  const bool is_new = loaded && loaded->key != present;
  Result<bool> used = true;
  if (is_new) used = use_(loaded->set);
  if (!loaded) {
    NoteFailure(loaded.error());
  } else if (!used) {
    NoteFailure(used.error());
  } else {
    // The same signatures may come from files that are newer.
    if (!is_new) loaded->set = active_->Get();
    Publish(std::move(*loaded));
    const MutexLock lock(mutex_);
    state_.fail_reason.clear();
    retry_.Reset();
    state_.updates += is_new ? 1 : 0;
  }
  const MutexLock lock(mutex_);
  state_.is_updating = is_requested_;
}

LoadedSignatures SignatureKeeper::Get() const {
  const MutexLock lock(mutex_);
  return loaded_;
}

SignatureKeeper::State SignatureKeeper::state() const {
  const MutexLock lock(mutex_);
  State state = state_;
  if (state.is_updating || retry_.due_at() == kNever) return state;
  const std::chrono::nanoseconds wait = std::max(
      retry_.due_at() - parts_.clock.now(), MonotonicClock::duration(0));
  state.next_try_ms =
      WallClockMilliseconds() +
      std::chrono::duration_cast<std::chrono::milliseconds>(wait).count();
  return state;
}

}  // namespace gatehouse
