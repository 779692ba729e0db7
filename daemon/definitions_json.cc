#include "daemon/definitions_json.h"

#include <string_view>
#include <utility>

#include "base/display_text.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr int64_t kMillisecondsPerMinute = 60'000;
// As Defender's definitionUpdateDue, by default.
constexpr int64_t kDueMs = int64_t{7} * 24 * 60 * kMillisecondsPerMinute;
// In frames, which have a limit.
constexpr size_t kReasonBytesMax = 1024;

Json CountsJson(const LineCounts& counts) {
  return Json{{"lines", counts.lines},
              {"loaded", counts.loaded},
              {"level", counts.level},
              {"unsupportedLines", counts.unsupported},
              {"ignored", counts.ignored},
              {"unwanted", counts.unwanted},
              {"switchedOff", counts.switched_off},
              {"malformed", counts.malformed}};
}

Json FileFrame(const FileReport& file) {
  Json frame = CountsJson(file.counts);
  frame["$type"] = kDefinitionsFileType;
  frame["file"] = DisplayText(file.file);
  frame["unsupported"] = Json::object();
  for (const auto& [reason, lines] : file.unsupported) {
    frame["unsupported"][DisplayText(reason)] = lines;
  }
  return frame;
}

Json ProblemFrame(const LoadProblem& problem) {
  return Json{
      {"$type", kDefinitionsProblemType},
      {"file", DisplayText(problem.file)},
      {"line", problem.line},
      {"reason", CutText(DisplayText(problem.reason), kReasonBytesMax)}};
}

}  // namespace

const char* DefinitionsStatusWord(const DefinitionsHealth& definitions,
                                  int64_t age_ms) {
  if (definitions.state.is_updating) return "updating";
  return age_ms > kDueMs ? "outOfDate" : "upToDate";
}

nlohmann::json DefinitionsDetailsJson(const DefinitionsHealth& definitions,
                                      int64_t age_ms) {
  const LineCounts& counts = definitions.counts;
  return nlohmann::json{
      {"automaticDefinitionUpdateEnabled", !definitions.directory.empty()},
      {"definitionsUpdated", std::to_string(definitions.updated_ms)},
      {"definitionsUpdatedMinutesAgo", age_ms / kMillisecondsPerMinute},
      {"definitionsVersion", definitions.version},
      {"definitionsStatus",
       {{"$type", DefinitionsStatusWord(definitions, age_ms)}}},
      {"definitionsUpdateSourceUri", DisplayText(definitions.directory)},
      {"definitionsUpdateFailReason",
       CutText(DisplayText(definitions.state.fail_reason), kReasonBytesMax)},
      {"definitionsStoreProblem",
       CutText(DisplayText(definitions.state.store_problem), kReasonBytesMax)},
      {"definitionsUpdates", definitions.state.updates},
      {"definitionsUpdateFailures", definitions.state.failures},
      {"definitionsLines", counts.lines},
      {"definitionsLoaded", counts.loaded},
      {"definitionsSkipped", counts.skipped()},
      {"definitionsMalformed", counts.malformed}};
}

std::vector<Json> DefinitionsFrames(const LoadedSignatures& loaded,
                                    const DefinitionsPlace& place,
                                    const SignatureKeeper::State& state) {
  const LoadReport& report = loaded.report;
  Json head{
      {"$type", kDefinitionsType},
      {"version", loaded.version},
      {"directory", DisplayText(place.directory)},
      {"isUpdating", state.is_updating},
      {"failReason", CutText(DisplayText(state.fail_reason), kReasonBytesMax)},
      {"bodySignatures", loaded.set->body_count()},
      {"hashes", loaded.set->hash_count()},
      {"anySizeHashes", report.any_size_hashes},
      {"problemsLeftOut", report.problems_left_out},
      {"ignoredFilesLeftOut", report.ignored_files_left_out}};
  PutTime(head, "updated", loaded.updated_ms);
  if (state.next_try_ms != 0) PutTime(head, "nextTry", state.next_try_ms);
  std::vector<Json> frames = {std::move(head)};
  for (const FileReport& file : report.files) frames.push_back(FileFrame(file));
  for (const LoadProblem& problem : report.problems) {
    frames.push_back(ProblemFrame(problem));
  }
  for (const std::string& name : report.ignored_files) {
    frames.push_back(
        Json{{"$type", kDefinitionsIgnoredType}, {"file", DisplayText(name)}});
  }
  return frames;
}

}  // namespace gatehouse
