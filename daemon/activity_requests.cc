#include "daemon/activity_requests.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "daemon/counters_json.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

Result<bool> RequireEnabled(const EventActivity& activity) {
  if (activity.is_enabled()) return true;
  return Fail(ErrorCode::kOperational,
              "real-time protection statistics are disabled: see mdatp config "
              "real-time-protection-statistics");
}

Json WindowFrame(const EventActivity& activity, const ActivityWindow& window) {
  const std::chrono::nanoseconds elapsed = MonotonicClock::now() - window.begin;
  return {{"$type", kActivityWindowType},
          {"beginTimeUs", window.begin_us},
          {"elapsedNs", elapsed.count()},
          {"totalEvents", window.total_events},
          {"unattributedEvents", activity.unattributed()}};
}

Json ProcessFrame(const ProcessActivity& process) {
  Json frame = {{"$type", kProcessActivityType}, {"pid", process.pid}};
  PutBytes(frame, "name", process.name);
  PutBytes(frame, "path", process.executable);
  frame["startTicks"] = process.start_ticks;
  frame["filesScanned"] = process.files_scanned;
  frame["scanNs"] = process.scan_ns;
  frame["authCount"] = process.auth_count;
  frame["notifyCount"] = process.notify_count;
  frame["missedAtMost"] = process.missed_max;
  frame["isActive"] = process.is_active;
  return frame;
}

Json SourceFrame(const SourceActivity& source) {
  Json frame = {{"$type", kSourceActivityType}};
  PutBytes(frame, "path", source.path);
  frame["authCount"] = source.auth_count;
  frame["notifyCount"] = source.notify_count;
  frame["pidCount"] = source.pid_count;
  frame["missedAtMost"] = source.missed_max;
  return frame;
}

constexpr std::array<const char*, kFileEventKindCount> kKindNames = {
    "authExec", "authOpen", "notifyClose", "rescan", ""};
constexpr std::array<const char*, kCostPhaseCount> kPhaseNames = {
    "queueWait", "scan", "answer", "total"};

// One entry per power of two that has any.
Json HistogramJson(const CostHistogram& histogram) {
  Json steps = Json::array();
  uint64_t sum = 0;
  for (size_t i = 0; i < CostHistogram::kBuckets; ++i) {
    sum += histogram.count(i);
    if (!std::has_single_bit(CostHistogram::EndNs(i))) continue;
    if (sum == 0) continue;
    steps.push_back({{"belowNs", CostHistogram::EndNs(i)}, {"count", sum}});
    sum = 0;
  }
  return steps;
}

Json CostsJson(const EventCosts& costs) {
  Json kinds = Json::object();
  for (size_t kind = 0; kind < kFileEventKindCount; ++kind) {
    Json phases = Json::object();
    for (size_t phase = 0; phase < kCostPhaseCount; ++phase) {
      const CostHistogram& histogram = costs.by_kind.at(kind).at(phase);
      const uint64_t total = histogram.total();
      if (total == 0) continue;
      phases[kPhaseNames.at(phase)] = {{"count", total},
                                       {"medianNs", histogram.QuantileNs(500)},
                                       {"p99Ns", histogram.QuantileNs(990)},
                                       {"p999Ns", histogram.QuantileNs(999)},
                                       {"histogram", HistogramJson(histogram)}};
    }
    if (!phases.empty()) kinds[kKindNames.at(kind)] = std::move(phases);
  }
  return kinds;
}

// Counted per message before its type, so that the sum may be ahead for a
// moment, but never behind.
Json EventsJson(const AdapterStatistics& adapter) {
  const uint64_t exec = adapter.exec_messages.load();
  const uint64_t auth = adapter.auth_messages.load();
  const uint64_t close = adapter.close_messages.load();
  const uint64_t start = adapter.start_messages.load();
  return {{"authEvents", auth},         {"authOpenEvents", auth - exec},
          {"authExecEvents", exec},     {"notifyEvents", close + start},
          {"notifyCloseEvents", close}, {"notifyStartEvents", start}};
}

}  // namespace

Result<bool> SendProcesses(Session& session, EventActivity& activity) {
  Result<bool> done = RequireEnabled(activity);
  if (!done) return done;
  const std::vector<ProcessActivity> processes = activity.Processes();
  for (const ProcessActivity& process : processes) {
    done = session.Send(ProcessFrame(process));
    if (!done) return done;
  }
  return session.Send(EndFrame(processes.size()));
}

Result<bool> SendSources(Session& session, EventActivity& activity,
                         const std::string& what) {
  Result<bool> done = RequireEnabled(activity);
  if (!done) return done;
  if (what == "restart") {
    return session.Send(WindowFrame(activity, activity.Restart()));
  }
  if (what != "files" && what != "executables") {
    return Fail(ErrorCode::kInvalidInput,
                "'" + what + "' is none of restart, files, executables");
  }
  const ActivityWindow window = activity.window();
  std::vector<SourceActivity> sources =
      what == "files" ? activity.Files() : activity.Programs();
  std::stable_sort(sources.begin(), sources.end(),
                   [](const SourceActivity& a, const SourceActivity& b) {
                     return a.auth_count + a.notify_count >
                            b.auth_count + b.notify_count;
                   });
  done = session.Send(WindowFrame(activity, window));
  for (const SourceActivity& source : sources) {
    if (!done) return done;
    done = session.Send(SourceFrame(source));
  }
  if (!done) return done;
  return session.Send(EndFrame(sources.size()));
}

Json EventProviderFrame(const SharedState& shared, const esl_journal_t* journal,
                        const EventActivity& activity) {
  return {{"$type", kEventProviderType},
          {"events", EventsJson(shared.adapter)},
          {"unattributedEvents", activity.unattributed()},
          {"costs", CostsJson(shared.costs)},
          {"counters", CountersObject(shared, journal)}};
}

}  // namespace gatehouse
