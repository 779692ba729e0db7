// NotifySource: something that tells what has happened, after the fact: names
// of files, processes, mounts. Nobody waits for an answer.
//
// Open and Stop are for one thread at a time; the rest is for the reader
// thread. The descriptor and what was read live in the journal, so that a
// successor goes on with them.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>
#include <poll.h>

#include <atomic>
#include <cstdint>

#include "es_linux.h"

namespace gatehouse {

struct Message;

class NotifySource {
 public:
  NotifySource() = default;
  virtual ~NotifySource() = default;
  NotifySource(const NotifySource&) = delete;
  NotifySource& operator=(const NotifySource&) = delete;

  // Begins to listen, unless it does; to what these `subscriptions` need, where
  // the kernel can tell. Returns 0 or an errno value: EOPNOTSUPP where the
  // kernel has nothing to listen to.
  [[nodiscard]] virtual int Open(uint64_t subscriptions) = 0;
  // What comes from now on is not wanted; what was read is delivered.
  virtual void Stop() = 0;

  // What to wait for; fd is -1 while there is nothing.
  [[nodiscard]] virtual pollfd Awaited() const = 0;
  // Something was read that was not delivered: no need to wait.
  [[nodiscard]] virtual bool HasMore() const = 0;
  // Fills in the next event among the `subscriptions`, but its numbers; reads
  // if nothing is left. False: nothing now. Does not block. Looks at
  // `subscriptions` after it has read: what is told then may be of a moment
  // ago, when somebody had just subscribed.
  [[nodiscard]] virtual bool Next(Message& message,
                                  const std::atomic<uint64_t>& subscriptions,
                                  esl_detail_t detail) = 0;
  // The last event of Next was dealt with.
  virtual void Done() = 0;
  // How often the kernel has lost events since the last call; each time one or
  // many.
  [[nodiscard]] virtual uint32_t TakeLosses() = 0;
};

}  // namespace gatehouse
