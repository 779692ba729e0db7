#include "cli/explain_command.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "base/unique_fd.h"
#include "cli/console.h"
#include "cli/daemon_request.h"
#include "cli/explanation_text.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "cli/offline_signatures.h"
#include "engine/explainer.h"
#include "ipc/message.h"

namespace gatehouse {
namespace {

constexpr size_t kShownMax = 1000;

// To open a device or a FIFO has effects of its own.
Result<UniqueFd> OpenRegularFile(const std::string& path) {
  const std::string what = "open '" + DisplayText(path) + "'";
  struct stat facts = {};
  if (::stat(path.c_str(), &facts) != 0) return FailSystem(what, errno);
  if (!S_ISREG(facts.st_mode)) {
    return Fail(ErrorCode::kInvalidInput, what + ": it is no regular file");
  }
  UniqueFd file(
      ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) return FailSystem(what, errno);
  return file;
}

struct ExplainRequest {
  std::string path;
  std::string definitions;
  std::string cache_directory;
  std::string signature;
  size_t limit = 0;
};

bool IsInForce(const Json& entry) {
  return !entry.contains("isExpired") || entry["isExpired"] != true;
}

// By the daemon's list, which is root's to see; what types are left alone is
// another matter.
AllowedAnswer AskWhatIsAllowed(const std::string& run_directory,
                               const Verdict& verdict) {
  AllowedAnswer answer;
  const Result<std::vector<Json>> entries =
      AskForList(run_directory,
                 {{"command", IpcCommandWord(IpcCommand::kThreatAllowedList)}});
  if (!entries) {
    answer.problem = entries.error().message;
    return answer;
  }
  std::vector<std::string> names = verdict.other_names;
  names.insert(names.begin(), verdict.threat_name);
  for (const Json& entry : *entries) {
    if (!IsInForce(entry)) continue;
    if (entry.contains("sha256")) {
      const bool is_it =
          !verdict.sha256.empty() && entry["sha256"] == verdict.sha256;
      answer.is_content_allowed = answer.is_content_allowed || is_it;
      continue;
    }
    const Result<std::string> allowed =
        TextMember(entry, "name", kThreatNameBytesMax);
    if (!allowed) continue;
    for (const std::string& name : names) {
      if (CanonicalThreatName(name) == CanonicalThreatName(*allowed)) {
        answer.names.push_back(name);
      }
    }
  }
  return answer;
}

ExitCode Explain(const ExplainRequest& request,
                 const std::string& run_directory, OutputFormat output) {
  const InterruptWatcher interrupt;
  const Result<UniqueFd> file = OpenRegularFile(request.path);
  if (!file) return PrintError(output, file.error());
  // As mdatp scan does.
  Result<OfflineSignatures> signatures =
      LoadOfflineSignatures({request.definitions, request.cache_directory});
  if (!signatures) return PrintError(output, signatures.error());
  const Result<std::unique_ptr<Explainer>> explainer =
      Explainer::Create(std::move(signatures->set));
  if (!explainer) return PrintError(output, explainer.error());
  ExplainOptions options;
  options.signatures_max = request.limit;
  options.signature = request.signature;
  options.limits.cancel = interrupt.token();
  ExplainedFile explained;
  explained.path = request.path;
  explained.asked_signature = request.signature;
  explained.explanation = (*explainer)->Explain(file->UnsafeFd(), options);
  const Verdict& verdict = explained.explanation.verdict;
  if (verdict.kind == VerdictKind::kInfected) {
    explained.allowed = AskWhatIsAllowed(run_directory, verdict);
  }
  if (output == OutputFormat::kJson) {
    PrintJson(ExplanationJson(explained));
  } else {
    for (const std::string& line : ExplanationLines(explained)) {
      PrintLine(line);
    }
  }
  return ExitCode::kOk;
}

}  // namespace

void ExplainCommands::AddTo(Command& diagnostic) {
  Command explain = diagnostic.AddCommand(
      "explain",
      "Show why a file gets its verdict, what was nearly found, and what it "
      "costs",
      [this](OutputFormat output) {
        return Explain(
            {path_, definitions_, cache_directory_, signature_, limit_},
            command_line_.run_directory(), output);
      });
  explain.AddRequiredText({"--path", "File to explain", "FILE"}, path_);
  explain.AddText({"--definitions",
                   "Folder with signature files in ClamAV's formats, or none; "
                   "without it, what freshclam fills, if it is there",
                   "DIR"},
                  definitions_);
  explain.AddText({"--cache-dir",
                   "Where compiled definitions are kept, as for a scan; none: "
                   "nowhere",
                   "DIR"},
                  cache_directory_);
  explain.AddText({"--signature",
                   "Look at this signature whether anything of it was seen or "
                   "not",
                   "NAME"},
                  signature_);
  explain.AddNumber(
      {"--limit", "At most so many matches and near misses; 20 if not given",
       "N"},
      limit_, kShownMax);
}

}  // namespace gatehouse
