// How long a verdict may take when somebody is held until a deadline.
//
// Thread-safe: pure functions.
#pragma once

#include <chrono>

namespace gatehouse {

// Of the time `left` until the deadline, the part a scan may use before the
// policy answers instead: all but a head-room of a fifth, which is at least
// one second (at most half of what is left) and at most five. 0 when 20 ms or
// less are left: then the policy answers at once.
//
// Always computed from the deadline in the message, never from the time of
// arrival: the event may have waited before it reached us.
[[nodiscard]] std::chrono::nanoseconds AnswerBudget(
    std::chrono::nanoseconds left);

}  // namespace gatehouse
