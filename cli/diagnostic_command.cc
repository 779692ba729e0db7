#include "cli/diagnostic_command.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/health_text.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr std::string_view kFrame = "=====================================";
constexpr std::string_view kUnavailable = "unavailable";
constexpr size_t kSecondsMax = 86400;
constexpr size_t kTopMax = 100000;
constexpr size_t kNameBytesMax = 64;
constexpr uint64_t kCountMax = UINT64_MAX;

// --- real-time-protection-statistics ----------------------------------------

struct ProcessCost {
  uint64_t pid = 0;
  std::string name;  // Both may be empty: unknown.
  std::string path;
  uint64_t files_scanned = 0;
  uint64_t scan_ns = 0;
  uint64_t auth_count = 0;
  uint64_t notify_count = 0;
  uint64_t missed_max = 0;
  bool is_active = false;
};

struct NumberPlace {
  const char* name = "";
  uint64_t& place;
};

Result<bool> ReadNumbers(const Json& frame,
                         std::initializer_list<NumberPlace> places) {
  for (const NumberPlace& number : places) {
    const Result<uint64_t> value = NumberMember(frame, number.name, kCountMax);
    if (!value) return Unexpected(value.error());
    number.place = *value;
  }
  return true;
}

Result<ProcessCost> ProcessCostOf(const Json& frame) {
  ProcessCost cost;
  Result<std::string> name = BytesMember(frame, "name", kNameBytesMax);
  if (!name) return Unexpected(name.error());
  Result<std::string> path = BytesMember(frame, "path", kPathBytesMax);
  if (!path) return Unexpected(path.error());
  const Result<bool> is_active = BoolMember(frame, "isActive");
  if (!is_active) return Unexpected(is_active.error());
  const Result<bool> read =
      ReadNumbers(frame, {{"pid", cost.pid},
                          {"filesScanned", cost.files_scanned},
                          {"scanNs", cost.scan_ns},
                          {"authCount", cost.auth_count},
                          {"notifyCount", cost.notify_count},
                          {"missedAtMost", cost.missed_max}});
  if (!read) return Unexpected(read.error());
  cost.name = std::move(*name);
  cost.path = std::move(*path);
  cost.is_active = *is_active;
  return cost;
}

// A name, or what we know of it: a program that was started and is gone has a
// path, a process of another container has nothing that we can see.
std::string NameOf(const ProcessCost& cost) {
  if (!cost.name.empty()) return cost.name;
  if (!cost.path.empty()) return cost.path.substr(cost.path.rfind('/') + 1);
  return cost.pid == 0 ? "(another pid namespace)" : "(ended)";
}

void PrintProcess(const ProcessCost& cost) {
  PrintLine("Process id: " + std::to_string(cost.pid));
  PrintLine("Name: " + DisplayText(NameOf(cost)));
  PrintLine("Path: " + (cost.path.empty()
                            ? std::string(kUnavailable)
                            : "\"" + DisplayText(cost.path) + "\""));
  PrintLine("Total files scanned: " + std::to_string(cost.files_scanned));
  PrintLine("Scan time (ns): \"" + std::to_string(cost.scan_ns) + "\"");
  PrintLine(cost.is_active ? "Status: Active" : "Status: Inactive");
}

// Numbers are text, as in Defender's output.
Json ProcessJson(const ProcessCost& cost) {
  Json json = {{"id", std::to_string(cost.pid)}};
  PutShownBytes(json, "name", NameOf(cost));
  if (!cost.path.empty()) PutShownBytes(json, "path", cost.path);
  json["totalFilesScanned"] = std::to_string(cost.files_scanned);
  json["totalScanTime"] = std::to_string(cost.scan_ns);
  json["status"] = cost.is_active ? "Active" : "Inactive";
  json["authCount"] = std::to_string(cost.auth_count);
  json["notifyCount"] = std::to_string(cost.notify_count);
  json["missedAtMost"] = std::to_string(cost.missed_max);
  return json;
}

struct ProcessList {
  bool is_sorted = false;
  bool lists_all = false;
  size_t top = 0;
};

Result<std::vector<ProcessCost>> AskProcesses(const std::string& run_directory,
                                              const ProcessList& list) {
  const Result<std::vector<Json>> frames = AskForList(
      run_directory,
      {{"command", IpcCommandWord(IpcCommand::kRealTimeStatistics)}});
  if (!frames) return Unexpected(frames.error());
  std::vector<ProcessCost> costs;
  for (const Json& frame : *frames) {
    Result<ProcessCost> cost = ProcessCostOf(frame);
    if (!cost) return Unexpected(BadAnswer(cost.error().message));
    if (!list.lists_all && cost->files_scanned == 0) continue;
    costs.push_back(std::move(*cost));
  }
  if (list.is_sorted) {
    std::stable_sort(costs.begin(), costs.end(),
                     [](const ProcessCost& a, const ProcessCost& b) {
                       return a.files_scanned > b.files_scanned;
                     });
  }
  if (list.top != 0 && costs.size() > list.top) costs.resize(list.top);
  return costs;
}

ExitCode ListProcesses(const std::string& run_directory,
                       const ProcessList& list, OutputFormat output) {
  if (list.top != 0 && !list.is_sorted) {
    return PrintError(output, ExitCode::kUsage, "--top needs --sort");
  }
  const Result<std::vector<ProcessCost>> costs =
      AskProcesses(run_directory, list);
  if (!costs) return PrintError(output, costs.error());
  if (output == OutputFormat::kJson) {
    Json counters = Json::array();
    for (const ProcessCost& cost : *costs) {
      counters.push_back(ProcessJson(cost));
    }
    PrintJson({{"counters", std::move(counters)}});
    return ExitCode::kOk;
  }
  PrintLine(kFrame);
  for (const ProcessCost& cost : *costs) {
    PrintProcess(cost);
    PrintLine(kFrame);
  }
  return ExitCode::kOk;
}

// --- hot-event-sources ------------------------------------------------------

struct Window {
  uint64_t begin_us = 0;
  uint64_t elapsed_ns = 0;
  uint64_t total_events = 0;
};

Result<Window> WindowOf(const Json& frame) {
  Window window;
  if (TypeOf(frame) != kActivityWindowType) {
    return Fail(ErrorCode::kInvalidInput, "it has no window");
  }
  const Result<bool> read =
      ReadNumbers(frame, {{"beginTimeUs", window.begin_us},
                          {"elapsedNs", window.elapsed_ns},
                          {"totalEvents", window.total_events}});
  if (!read) return Unexpected(read.error());
  return window;
}

struct Source {
  std::string path;  // Empty: unknown.
  uint64_t auth_count = 0;
  uint64_t notify_count = 0;
  uint64_t pid_count = 0;
  uint64_t missed_max = 0;
};

Result<Source> SourceOf(const Json& frame) {
  Source source;
  Result<std::string> path = BytesMember(frame, "path", kPathBytesMax);
  if (!path) return Unexpected(path.error());
  source.path = std::move(*path);
  const Result<bool> read =
      ReadNumbers(frame, {{"authCount", source.auth_count},
                          {"notifyCount", source.notify_count},
                          {"pidCount", source.pid_count},
                          {"missedAtMost", source.missed_max}});
  if (!read) return Unexpected(read.error());
  return source;
}

struct HotSources {
  Window window;
  std::vector<Source> sources;  // The most frequent first.
};

Json SourcesRequest(std::string_view what) {
  return {{"command", IpcCommandWord(IpcCommand::kHotEventSources)},
          {"value", what}};
}

Result<HotSources> AskSources(const std::string& run_directory,
                              std::string_view what) {
  const Result<std::vector<Json>> frames =
      AskForList(run_directory, SourcesRequest(what));
  if (!frames) return Unexpected(frames.error());
  if (frames->empty()) return Unexpected(BadAnswer("it has no window"));
  const Result<Window> window = WindowOf(frames->front());
  if (!window) return Unexpected(BadAnswer(window.error().message));
  HotSources hot;
  hot.window = *window;
  for (size_t i = 1; i < frames->size(); ++i) {
    Result<Source> source = SourceOf(frames->at(i));
    if (!source) return Unexpected(BadAnswer(source.error().message));
    hot.sources.push_back(std::move(*source));
  }
  return hot;
}

// Waits for so long, or until Ctrl-C.
void Observe(std::chrono::seconds time, const std::stop_token& interrupted) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  (void)never.wait_for(lock, interrupted, time, [] { return false; });
}

Result<HotSources> ObserveSources(const std::string& run_directory,
                                  std::string_view what,
                                  std::chrono::seconds time) {
  if (time.count() == 0) return AskSources(run_directory, what);
  const InterruptWatcher interrupt;
  const Result<Json> answer =
      Ask(run_directory, SourcesRequest("restart"), kActivityWindowType);
  if (!answer) return Unexpected(answer.error());
  const Result<Window> begun = WindowOf(*answer);
  if (!begun) return Unexpected(BadAnswer(begun.error().message));
  Observe(time, interrupt.token());
  Result<HotSources> hot = AskSources(run_directory, what);
  if (hot && hot->window.begin_us != begun->begin_us) {
    return Fail(ErrorCode::kOperational,
                "the observation was cut off: somebody else began one, or the "
                "daemon's worker was replaced");
  }
  return hot;
}

void PrintSources(const HotSources& hot, bool is_files) {
  const double seconds = static_cast<double>(hot.window.elapsed_ns) / 1e9;
  const double rate =
      seconds > 0 ? static_cast<double>(hot.window.total_events) / seconds : 0;
  std::array<char, 160> line = {};
  (void)std::snprintf(line.data(), line.size(),
                      "Total Events: %llu Time: %.0fs. Throughput: %g "
                      "events/sec.",
                      static_cast<unsigned long long>(hot.window.total_events),
                      seconds, rate);
  PrintLine(line.data());
  PrintLine("=========== Top " + std::to_string(hot.sources.size()) +
            " Hot Event Sources ===========");
  PrintLine(is_files ? "count   file path" : "count    executable path");
  const size_t width = is_files ? 8 : 9;
  for (const Source& source : hot.sources) {
    std::string row = std::to_string(source.auth_count + source.notify_count);
    row.append(row.size() < width ? width - row.size() : 1, ' ');
    PrintLine(row +
              (source.path.empty() ? "(ended)" : DisplayText(source.path)));
  }
}

// As Defender's report: numbers are text, times are microseconds.
void PrintSourcesJson(const HotSources& hot) {
  Json sources = Json::array();
  for (const Source& source : hot.sources) {
    Json json = {{"authCount", std::to_string(source.auth_count)},
                 {"csId", ""},
                 {"notifyCount", std::to_string(source.notify_count)}};
    PutShownBytes(json, "path", source.path);
    json["pidCount"] = std::to_string(source.pid_count);
    json["teamId"] = "";
    json["missedAtMost"] = std::to_string(source.missed_max);
    sources.push_back(std::move(json));
  }
  const uint64_t end_us = hot.window.begin_us + hot.window.elapsed_ns / 1000;
  PrintJson({{"startTime", std::to_string(hot.window.begin_us)},
             {"endTime", std::to_string(end_us)},
             {"totalEvent", std::to_string(hot.window.total_events)},
             {"eventSource", std::move(sources)}});
}

ExitCode ListSources(const std::string& run_directory, std::string_view what,
                     std::chrono::seconds time, OutputFormat output) {
  const Result<HotSources> hot = ObserveSources(run_directory, what, time);
  if (!hot) return PrintError(output, hot.error());
  if (output == OutputFormat::kJson) {
    PrintSourcesJson(*hot);
  } else {
    PrintSources(*hot, what == "files");
  }
  return ExitCode::kOk;
}

// --- event-provider-statistics ----------------------------------------------

// "label: integer" for every number of `value`, by the names on the way to it.
void PrintNumbers(const std::string& label, const Json& value) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      if (key == "$type") continue;
      const std::string name = SnakeCase(key);
      PrintNumbers(label.empty() ? name : label + "_" + name, member);
    }
  } else if (value.is_boolean()) {
    PrintLine(label + (value.get<bool>() ? ": 1" : ": 0"));
  } else if (value.is_number_integer()) {
    PrintLine(label + ": " + SafeJsonText(value, false));
  }
}

ExitCode ShowEventProvider(const std::string& run_directory,
                           OutputFormat output) {
  const Result<Json> statistics =
      Ask(run_directory,
          {{"command", IpcCommandWord(IpcCommand::kEventProviderStatistics)}},
          kEventProviderType);
  if (!statistics) return PrintError(output, statistics.error());
  if (output == OutputFormat::kJson) {
    PrintJson(*statistics);
    return ExitCode::kOk;
  }
  for (const auto& [key, group] : statistics->items()) {
    if (key == "$type") continue;
    // Groups that only hold together what has names of its own.
    const bool is_named = key == "events" || key == "counters";
    PrintNumbers(is_named ? "" : SnakeCase(key), group);
  }
  return ExitCode::kOk;
}

}  // namespace

DiagnosticCommands::DiagnosticCommands(CommandLine& command_line)
    : command_line_(command_line),
      record_(command_line),
      explain_(command_line) {
  Command group = command_line.root().AddGroup(
      "diagnostic",
      "Show what causes events, what they cost, and why a file is found");
  AddProcesses(group);
  AddSources(group);
  (void)group.AddCommand(
      "event-provider-statistics",
      "Count events by type, time their answers, show every counter",
      [this](OutputFormat output) {
        return ShowEventProvider(command_line_.run_directory(), output);
      });
  record_.AddTo(group);
  explain_.AddTo(group);
}

void DiagnosticCommands::AddProcesses(Command& group) {
  Command command = group.AddCommand(
      "real-time-protection-statistics",
      "Show what was scanned for which process, and how long that took",
      [this](OutputFormat output) {
        return ListProcesses(command_line_.run_directory(),
                             {is_sorted_, lists_all_, top_}, output);
      });
  command.AddFlag({"--sort", "Most files scanned first"}, is_sorted_);
  command.AddNumber({"--top", "With --sort: no more than so many", "N"}, top_,
                    kTopMax);
  command.AddFlag({"--list-all", "Processes without a scan, too"}, lists_all_);
}

void DiagnosticCommands::AddSources(Command& group) {
  Command sources = group.AddGroup(
      "hot-event-sources", "Observe for a while what causes most events");
  const auto add = [&](const char* what, const char* help) {
    Command command =
        sources.AddCommand(what, help, [this, what](OutputFormat output) {
          return ListSources(command_line_.run_directory(), what,
                             std::chrono::seconds(seconds_), output);
        });
    command.AddNumber({"--time",
                       "Seconds to observe; 0: what is there since the last "
                       "observation began",
                       "SECONDS"},
                      seconds_, kSecondsMax);
  };
  add("files", "Which files are opened, started and written most");
  add("executables", "Which programs do that most");
}

}  // namespace gatehouse
