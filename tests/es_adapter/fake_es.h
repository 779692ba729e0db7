// The few EndpointSecurity functions that the ledger calls, counting: link
// fake_es.cc instead of gatehouse::es_linux.
//
// Thread-safe. A FakeMessage outlives every call that names it.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace gatehouse {

struct FakeMessage {
  FakeMessage() { es.event_type = ES_EVENT_TYPE_AUTH_OPEN; }

  es_message_t es = {};  // First: it is how the functions find the rest.
  std::atomic<uint32_t> retains{0};
  std::atomic<uint32_t> releases{0};
  std::atomic<uint32_t> allows{0};
  std::atomic<uint32_t> denies{0};
  std::atomic<uint32_t> auth_results{0};  // Of both, by es_respond_auth_result.
  std::atomic<uint32_t> cached{0};        // Of both, with the cache flag.
  std::atomic<uint32_t> expected_opens{0};
  std::atomic<uint32_t> unretained_uses{0};
  // What the functions answer.
  std::atomic<es_respond_result_t> result{ES_RESPOND_RESULT_SUCCESS};
  // An answer stops in the middle, after it was counted, while this is true.
  std::atomic<bool> hold{false};

  uint32_t answers() const { return allows.load() + denies.load(); }
};

}  // namespace gatehouse
