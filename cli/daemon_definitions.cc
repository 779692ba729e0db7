#include "cli/daemon_definitions.h"

#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cli/daemon_request.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kAskPeriod{200};
constexpr size_t kTextBytesMax = kPathBytesMax;
constexpr uint64_t kNumberMax = std::numeric_limits<int64_t>::max();

// Reads members, and remembers the first that is wrong.
class Members {
 public:
  explicit Members(const Json& frame) : frame_(frame) {}

  void Read(const char* name, std::string& text) {
    Keep(TextMember(frame_, name, kTextBytesMax), text);
  }
  void Read(const char* name, uint64_t& number) {
    Keep(NumberMember(frame_, name, kNumberMax), number);
  }
  void Read(const char* name, bool& value) {
    Keep(BoolMember(frame_, name), value);
  }
  void ReadTime(const char* name, int64_t& time_ms) {
    Keep(TimeMember(frame_, name), time_ms);
  }
  [[nodiscard]] Result<bool> result() const { return result_; }

 private:
  template <class Value>
  void Keep(Result<Value> read, Value& value) {
    if (read) {
      value = std::move(*read);
    } else if (result_) {
      result_ = Unexpected(read.error());
    }
  }

  const Json& frame_;
  Result<bool> result_ = true;
};

Result<bool> ReadHead(const Json& frame, DaemonDefinitions& definitions) {
  Members members(frame);
  members.Read("version", definitions.version);
  members.Read("directory", definitions.directory);
  members.ReadTime("updated", definitions.updated_ms);
  members.Read("isUpdating", definitions.is_updating);
  members.Read("failReason", definitions.fail_reason);
  if (frame.contains("nextTry")) {
    members.ReadTime("nextTry", definitions.next_try_ms);
  }
  members.Read("bodySignatures", definitions.body_signatures);
  members.Read("hashes", definitions.hashes);
  members.Read("anySizeHashes", definitions.report.any_size_hashes);
  members.Read("problemsLeftOut", definitions.report.problems_left_out);
  members.Read("ignoredFilesLeftOut",
               definitions.report.ignored_files_left_out);
  return members.result();
}

Result<bool> ReadFile(const Json& frame, FileReport& file) {
  Members members(frame);
  members.Read("file", file.file);
  members.Read("lines", file.counts.lines);
  members.Read("loaded", file.counts.loaded);
  members.Read("level", file.counts.level);
  members.Read("unsupportedLines", file.counts.unsupported);
  members.Read("ignored", file.counts.ignored);
  members.Read("unwanted", file.counts.unwanted);
  members.Read("switchedOff", file.counts.switched_off);
  members.Read("malformed", file.counts.malformed);
  const Result<bool> read = members.result();
  const auto reasons = frame.find("unsupported");
  if (!read || reasons == frame.end() || !reasons->is_object()) return read;
  for (const auto& [reason, lines] : reasons->items()) {
    if (lines.is_number_unsigned()) {
      file.unsupported[reason] = lines.get<uint64_t>();
    }
  }
  return read;
}

Result<bool> ReadProblem(const Json& frame, LoadProblem& problem) {
  Members members(frame);
  members.Read("file", problem.file);
  members.Read("line", problem.line);
  members.Read("reason", problem.reason);
  return members.result();
}

Result<bool> ReadFrame(const Json& frame, DaemonDefinitions& definitions) {
  LoadReport& report = definitions.report;
  const std::string type = TypeOf(frame);
  if (type == kDefinitionsType) return ReadHead(frame, definitions);
  if (type == kDefinitionsFileType) {
    return ReadFile(frame, report.files.emplace_back());
  }
  if (type == kDefinitionsProblemType) {
    return ReadProblem(frame, report.problems.emplace_back());
  }
  if (type == kDefinitionsIgnoredType) {
    Members members(frame);
    members.Read("file", report.ignored_files.emplace_back());
    return members.result();
  }
  return true;  // Of a newer daemon.
}

}  // namespace

Result<DaemonDefinitions> AskDefinitions(const std::string& run_directory) {
  const Result<std::vector<Json>> frames =
      AskForList(run_directory,
                 {{"command", IpcCommandWord(IpcCommand::kDefinitionsStatus)}});
  if (!frames) return Unexpected(frames.error());
  DaemonDefinitions definitions;
  for (const Json& frame : *frames) {
    const Result<bool> read = ReadFrame(frame, definitions);
    if (!read) return Unexpected(BadAnswer(read.error().message));
  }
  return definitions;
}

Result<DaemonDefinitions> UpdateDefinitions(const std::string& run_directory,
                                            std::chrono::seconds patience) {
  const MonotonicTime end = MonotonicClock::now() + patience;
  const Result<Json> begun =
      Ask(run_directory,
          {{"command", IpcCommandWord(IpcCommand::kDefinitionsUpdate)}},
          kConfiguredType);
  if (!begun) return Unexpected(begun.error());
  while (true) {
    Result<DaemonDefinitions> now = AskDefinitions(run_directory);
    if (!now || !now->is_updating) return now;
    if (MonotonicClock::now() > end) {
      return Fail(ErrorCode::kLimitExceeded,
                  "the update has not ended after " +
                      std::to_string(patience.count()) + " s");
    }
    std::this_thread::sleep_for(kAskPeriod);
  }
}

}  // namespace gatehouse
