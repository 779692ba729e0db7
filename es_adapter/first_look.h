// FirstLook: what can be told of the file of a message without reading it. Is
// it known to be clean, and can anybody write it?
//
// Sees every message, and so every open for writing, before it is answered:
// that is what the cache rests on (docs/caching.md).
//
// One thread. What Parts refers to must outlive it. Allocates nothing.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/deny_list.h"
#include "engine/file_snapshot.h"
#include "engine/verdict_cache.h"

namespace gatehouse {

class FirstLook {
 public:
  struct Parts {
    VerdictCache& verdicts;
    const DenyList& deny_list;
    VerdictCacheStatistics& statistics;
  };
  explicit FirstLook(const Parts& parts) : parts_(parts) {}

  // REQUIRES: the message is about a file.
  [[nodiscard]] FileSnapshot Take(const es_message_t& message);

  // What is known if the file of `snapshot`, which was taken just now, is known
  // to be clean and needs no scan. Counts a hit.
  [[nodiscard]] std::optional<VerdictCache::Known> FindClean(
      const FileSnapshot& snapshot);

  // The file was closed by somebody who could write it.
  void Written(const es_message_t& message);

 private:
  struct Device {
    uint64_t number = 0;
    uint64_t epoch = 0;  // Of the cache: 0, none.
    bool is_truthful = false;
    bool keeps_pinned_pages = true;
  };

  [[nodiscard]] const Device& DeviceOf(const es_message_t& message,
                                       const FileSnapshot& snapshot);

  const Parts parts_;
  // What there is to ask of a file system is asked once. Void when the cache
  // is cleared, as it is when something is mounted.
  std::array<Device, 32> devices_;
};

}  // namespace gatehouse
