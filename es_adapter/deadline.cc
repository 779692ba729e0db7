#include "es_adapter/deadline.h"

#include <algorithm>

namespace gatehouse {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr nanoseconds kAnswerAtOnce = milliseconds(20);
constexpr nanoseconds kHeadRoomMin = milliseconds(1000);
constexpr nanoseconds kHeadRoomMax = milliseconds(5000);

}  // namespace

nanoseconds AnswerBudget(nanoseconds left) {
  if (left <= kAnswerAtOnce) return nanoseconds::zero();
  const nanoseconds least = std::min(kHeadRoomMin, left / 2);
  const nanoseconds head_room = std::clamp(left / 5, least, kHeadRoomMax);
  return left - head_room;
}

}  // namespace gatehouse
