#include "tests/es_adapter/fake_es.h"

#include <thread>

#include "es_adapter/event_file.h"

namespace {

using gatehouse::FakeMessage;

FakeMessage& Of(const es_message_t* message) {
  // Standard layout, first member: the addresses are the same. The fake counts
  // in what the interface calls const.
  return *reinterpret_cast<FakeMessage*>(const_cast<es_message_t*>(message));
}

es_respond_result_t Answer(const es_message_t* message, bool allow,
                           bool cache) {
  FakeMessage& fake = Of(message);
  if (fake.retains.load() <= fake.releases.load()) {
    fake.unretained_uses.fetch_add(1);
  }
  (allow ? fake.allows : fake.denies).fetch_add(1);
  if (cache) fake.cached.fetch_add(1);
  std::this_thread::yield();  // An answer takes its time: let others race.
  fake.hold.wait(true);
  return fake.result.load();
}

}  // namespace

namespace gatehouse {

void ExpectOpen(const es_message_t& message) {
  Of(&message).expected_opens.fetch_add(1);
}

}  // namespace gatehouse

extern "C" {

void es_retain_message(const es_message_t* message) {
  Of(message).retains.fetch_add(1);
}

void es_release_message(const es_message_t* message) {
  Of(message).releases.fetch_add(1);
}

es_respond_result_t es_respond_flags_result(es_client_t* /*client*/,
                                            const es_message_t* message,
                                            uint32_t authorized_flags,
                                            bool cache) {
  return Answer(message, authorized_flags == UINT32_MAX, cache);
}

es_respond_result_t es_respond_auth_result(es_client_t* /*client*/,
                                           const es_message_t* message,
                                           es_auth_result_t result,
                                           bool cache) {
  Of(message).auth_results.fetch_add(1);
  return Answer(message, result == ES_AUTH_RESULT_ALLOW, cache);
}

}  // extern "C"
