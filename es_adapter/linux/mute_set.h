// MuteSet: which events a client does not want to see, by process, by path of
// the acting executable, and by the paths acted on; each of them invertible.
//
// The rules are Apple's (see ESClient.h). What is unknown about an event is
// neither muted nor, when inverted, left out: a user who can hide a path must
// not thereby hide the event.
//
// Thread-safe. Suppresses() allocates nothing.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace gatehouse {

using EventSet = std::bitset<ES_EVENT_TYPE_LAST>;

// What MuteSet compares with. Empty or 0: unknown.
struct MuteSubject {
  es_event_type_t type = ES_EVENT_TYPE_LAST;
  audit_token_t process = {};
  std::string_view executable;
  std::array<std::string_view, 2> targets;
  size_t target_count = 0;
};

class MuteSet {
 public:
  struct MutedProcess {
    audit_token_t process = {};
    EventSet events;
  };
  struct MutedPath {
    es_mute_path_type_t type = ES_MUTE_PATH_TYPE_PREFIX;
    std::string path;
    EventSet events;
  };

  // Adding what is there and taking what is not there change nothing.
  void Mute(const audit_token_t& process, const EventSet& events);
  void Unmute(const audit_token_t& process, const EventSet& events);
  void Mute(es_mute_path_type_t type, std::string_view path,
            const EventSet& events);
  void Unmute(es_mute_path_type_t type, std::string_view path,
              const EventSet& events);
  // Executables' paths, or paths acted on.
  void UnmuteAllPaths();
  void UnmuteAllTargetPaths();
  void Invert(es_mute_inversion_type_t kind);

  [[nodiscard]] bool is_inverted(es_mute_inversion_type_t kind) const;
  [[nodiscard]] std::vector<MutedProcess> processes() const;
  [[nodiscard]] std::vector<MutedPath> paths() const;

  // What must be known of an event to judge it. A look at atomics.
  [[nodiscard]] bool needs_process() const;
  [[nodiscard]] bool needs_executable() const;
  [[nodiscard]] bool needs_targets() const;

  [[nodiscard]] bool Suppresses(const MuteSubject& subject) const;

 private:
  bool SuppressesProcess(const MuteSubject& subject) const
      GATEHOUSE_REQUIRES(mutex_);
  bool SuppressesExecutable(const MuteSubject& subject) const
      GATEHOUSE_REQUIRES(mutex_);
  bool SuppressesTargets(const MuteSubject& subject) const
      GATEHOUSE_REQUIRES(mutex_);
  bool IsMuted(es_event_type_t type, std::string_view path,
               es_mute_path_type_t prefix, es_mute_path_type_t literal) const
      GATEHOUSE_REQUIRES(mutex_);
  void UpdateNeeds() GATEHOUSE_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::vector<MutedProcess> processes_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<MutedPath> paths_ GATEHOUSE_GUARDED_BY(mutex_);
  std::array<bool, ES_MUTE_INVERSION_TYPE_LAST> inverted_
      GATEHOUSE_GUARDED_BY(mutex_) = {};
  // By es_mute_inversion_type_t.
  std::array<std::atomic<bool>, ES_MUTE_INVERSION_TYPE_LAST> needs_ = {};
};

}  // namespace gatehouse
