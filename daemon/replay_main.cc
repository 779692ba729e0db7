// gatehouse-replay: replays a recorded session through the daemon's way of an
// event, and checks that each held open is answered exactly once.
#include <fcntl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <new>
#include <nlohmann/json.hpp>
#include <string>

#include "base/display_text.h"
#include "daemon/replay_run.h"
#include "trace/trace_reader.h"

namespace gatehouse {
namespace {

constexpr int kExitDiffers = 1;
constexpr int kExitUsage = 2;

struct Options {
  std::string trace_path;
  std::string mode = "fast";
  double speed = 1;
  uint64_t rounds = 1;
  uint64_t events = 0;
  double scan_ms = -1;
  std::string definitions;
  std::string record_path;
  std::string answers_path;
  std::string counters_path;
};

int FailWith(const std::string& message) {
  (void)std::fprintf(stderr, "Error: %s\n", message.c_str());
  return kExitDiffers;
}

void AddOptions(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "Gatehouse " GATEHOUSE_VERSION);
  app.add_option("TRACE", options.trace_path, "Of wdavdaemon --record")
      ->required();
  app.add_option("--mode", options.mode,
                 "fast: events as fast as slots are free. paced: when they "
                 "were recorded. virtual: on a clock that stands still while "
                 "anything is done; the same again each time")
      ->check(CLI::IsMember({"fast", "paced", "virtual"}))
      ->capture_default_str();
  app.add_option("--speed", options.speed, "With paced: so many times as fast")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  app.add_option("--repeat", options.rounds, "How often")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--events", options.events,
                 "Repeat until so many opens were held, at least")
      ->type_name("N");
  app.add_option("--scan-ms", options.scan_ms,
                 "With virtual: what a scan takes, not as recorded")
      ->type_name("MS")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--definitions", options.definitions,
                 "Directory of signature files")
      ->type_name("DIR");
  app.add_option("--record", options.record_path,
                 "Record the replay to a new file")
      ->type_name("FILE");
  app.add_option("--answers", options.answers_path,
                 "Write one line per answer: time (ns), round, event, what")
      ->type_name("FILE");
  app.add_option("--counters", options.counters_path,
                 "Write the daemon's counters, as JSON")
      ->type_name("FILE");
}

Result<bool> WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) {
    return Fail(ErrorCode::kOperational, "write '" + path + "' failed");
  }
  return true;
}

// Without the real time, which is another one each time.
std::string SteadyCounters(const std::string& text) {
  nlohmann::json counters = nlohmann::json::parse(text, nullptr, false);
  counters.erase("takenAtMonotonicNs");
  return counters.dump(2) + "\n";
}

std::string AnswersText(const ReplayResults& results) {
  std::string text;
  for (const ReplayedAnswer& answer : results.answers_kept()) {
    text += std::to_string(answer.at_ns) + " " + std::to_string(answer.round) +
            " " + std::to_string(answer.event) +
            (answer.allow ? " allow\n" : " deny\n");
  }
  return text;
}

void PrintTrace(const Trace& trace) {
  const auto held = std::count_if(trace.events.begin(), trace.events.end(),
                                  [](const TraceEvent& event) {
                                    return event.action == TraceAction::kAuth;
                                  });
  std::printf(
      "trace        %zu events, %lld held, %zu answers, %zu processes, %zu "
      "files, %zu sessions (%zu ended)\n",
      trace.events.size(), static_cast<long long>(held), trace.answers.size(),
      trace.processes.size(), trace.files.size(), trace.sessions.size(),
      trace.sessions_ended);
  if (trace.lost != 0) {
    std::printf(
        "             %llu events and answers were lost when it was "
        "recorded\n",
        static_cast<unsigned long long>(trace.lost));
  }
  if (!trace.cut.empty()) std::printf("             %s\n", trace.cut.c_str());
}

void PrintCount(const char* name, uint64_t count) {
  std::printf("%-12s %llu\n", name, static_cast<unsigned long long>(count));
}

void PrintLatencies(const ReplayResults& results) {
  std::printf("answer       ");
  for (const auto& [name, part] :
       {std::pair("p50", 0.5), std::pair("p90", 0.9), std::pair("p99", 0.99),
        std::pair("p99.9", 0.999), std::pair("max", 1.0)}) {
    std::printf("%s %.1f us  ", name,
                static_cast<double>(results.LatencyAt(part)) / 1000);
  }
  std::printf("\n");
}

const char* BasisWord(AnswerBasis basis) {
  switch (basis) {
    case AnswerBasis::kVerdict:
      return "verdict";
    case AnswerBasis::kDeadline:
      return "deadline";
    case AnswerBasis::kPolicy:
      return "policy";
  }
  return "";
}

void PrintDifferences(const Trace& trace, const ReplayResults& results) {
  for (const ReplayedAnswer& answer : results.differing()) {
    const TraceEvent& event = trace.events[answer.event];
    const std::string path = DisplayText(trace.files[event.file].path);
    std::printf("  round %llu, event %zu: %s by %s, was %s: %s\n",
                static_cast<unsigned long long>(answer.round), answer.event,
                answer.allow ? "allowed" : "denied", BasisWord(answer.basis),
                answer.allow ? "denied" : "allowed", path.c_str());
  }
}

bool Print(const Trace& trace, const ReplayRun& run) {
  const ReplayResults& results = run.results();
  PrintTrace(trace);
  const uint64_t held = results.auth_events.load();
  const uint64_t answers = results.answers.load();
  PrintCount("held", held);
  PrintCount("answers", answers);
  PrintCount("denied", answers - results.allowed.load());
  PrintCount("notified", results.notify_events.load());
  PrintCount("duplicates", results.duplicates.load());
  PrintCount("unanswered", results.unanswered.load());
  PrintCount("not made", results.failures.load());
  PrintCount("cache hits", run.cache_hits());
  PrintCount("differences", results.differences.load());
  PrintCount("by deadline", results.deadline_differences.load());
  PrintCount("by policy", results.policy_differences.load());
  PrintDifferences(trace, results);
  const double seconds = std::chrono::duration<double>(run.duration()).count();
  std::printf("time         %.3f s, %.0f held opens/s\n", seconds,
              static_cast<double>(held) / seconds);
  PrintLatencies(results);
  const bool exactly_one = held == answers && results.duplicates.load() == 0 &&
                           results.unanswered.load() == 0 &&
                           results.failures.load() == 0;
  std::printf("%s\n", exactly_one ? "exactly one answer each"
                                  : "NOT exactly one answer each");
  const bool is_same = results.differences.load() == 0 &&
                       results.deadline_differences.load() == 0 &&
                       results.policy_differences.load() == 0;
  return exactly_one && is_same;
}

// As many as the limit allows: each file of the trace is open.
void RaiseDescriptorLimit() {
  rlimit limit = {};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t Rounds(const Options& options, const Trace& trace) {
  const auto held = static_cast<uint64_t>(std::count_if(
      trace.events.begin(), trace.events.end(), [](const TraceEvent& event) {
        return event.action == TraceAction::kAuth;
      }));
  if (options.events == 0 || held == 0) return options.rounds;
  return std::max(options.rounds, (options.events + held - 1) / held);
}

int Replay(const Options& options) {
  const Result<Trace> trace = ReadTraceFile(options.trace_path);
  if (!trace) return FailWith(trace.error().message);
  RaiseDescriptorLimit();
  ReplayRequest request;
  request.trace = &*trace;
  request.rounds = Rounds(options, *trace);
  request.is_virtual = options.mode == "virtual";
  if (options.mode == "paced") request.speed = options.speed;
  if (options.scan_ms >= 0) {
    request.scan_time = std::chrono::nanoseconds(
        static_cast<int64_t>(options.scan_ms * 1'000'000));
  }
  request.definitions_directory = options.definitions;
  request.keeps_answers = !options.answers_path.empty();
  UniqueFd record;
  if (!options.record_path.empty()) {
    record.Reset(::open(options.record_path.c_str(),
                        O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC,
                        0600));
    if (!record.valid()) {
      return FailWith(
          SystemError("record to '" + options.record_path + "'", errno)
              .message);
    }
    request.unsafe_record_fd = record.UnsafeFd();
  }
  const Result<std::unique_ptr<ReplayRun>> run = ReplayRun::Start(request);
  if (!run) return FailWith(run.error().message);
  const Result<bool> done = (*run)->Run();
  if (!done) return FailWith(done.error().message);
  if (!options.answers_path.empty()) {
    const Result<bool> written =
        WriteText(options.answers_path, AnswersText((*run)->results()));
    if (!written) return FailWith(written.error().message);
  }
  if (!options.counters_path.empty()) {
    const Result<bool> written =
        WriteText(options.counters_path, SteadyCounters((*run)->Counters()));
    if (!written) return FailWith(written.error().message);
  }
  return Print(*trace, **run) ? 0 : kExitDiffers;
}

int Run(int argc, char** argv) {
  CLI::App app{
      "Replays a recorded session through the daemon's adapter, queue, "
      "workers\n"
      "and scanner, without root and without the kernel's events. Exit "
      "status:\n"
      "0 if each held open was answered once and as it was recorded, else 1.",
      "gatehouse-replay"};
  Options options;
  AddOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  return Replay(options);
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  try {
    return gatehouse::Run(argc, argv);
  } catch (const std::bad_alloc&) {
    return gatehouse::FailWith("out of memory");
  }
}
