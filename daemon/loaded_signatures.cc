#include "daemon/loaded_signatures.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "signatures/definitions.h"

namespace gatehouse {
namespace {

int64_t ModifiedMilliseconds(const std::string& path) {
  struct stat facts = {};
  if (::stat(path.c_str(), &facts) != 0) return 0;
  return int64_t{facts.st_mtim.tv_sec} * 1000 +
         facts.st_mtim.tv_nsec / 1'000'000;
}

// FNV-1a, 32 bits (isthe.com/chongo/tech/comp/fnv): a fingerprint for people.
uint32_t Fingerprint(const std::string& directory, const LoadReport& report) {
  uint32_t hash = 2166136261U;
  const auto add = [&hash](const std::string& text) {
    for (const char c : text) {
      hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
    }
  };
  for (const FileReport& file : report.files) {
    add(file.file);
    add(std::to_string(file.counts.loaded));
    add(std::to_string(ModifiedMilliseconds(directory + "/" + file.file)));
  }
  return hash;
}

std::string VersionText(int64_t updated_ms, uint64_t signatures,
                        uint32_t fingerprint) {
  const std::time_t seconds = updated_ms / 1000;
  std::tm parts = {};
  (void)::gmtime_r(&seconds, &parts);
  std::array<char, 80> text = {};
  (void)std::snprintf(
      text.data(), text.size(), "%04d.%02d.%02d.%02d%02d-%llu-%08x",
      parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
      parts.tm_min, static_cast<unsigned long long>(signatures), fingerprint);
  return text.data();
}

void LogReport(const LoadReport& report, LogWriter& log) {
  for (const FileReport& file : report.files) {
    log.Log(Severity::kInfo, "definitions loaded",
            {{"file", file.file},
             {"loaded", std::to_string(file.counts.loaded)},
             {"skipped", std::to_string(file.counts.skipped())},
             {"malformed", std::to_string(file.counts.malformed)}});
  }
  if (report.any_size_hashes != 0) {
    log.Log(Severity::kInfo, "every file is digested for hashes of any size",
            {{"hashes", std::to_string(report.any_size_hashes)}});
  }
  if (const uint64_t left_out = report.Totals().switched_off; left_out != 0) {
    log.Log(Severity::kInfo, "any-size hashes are switched off",
            {{"skipped", std::to_string(left_out)}});
  }
  for (const LoadProblem& problem : report.problems) {
    log.Log(Severity::kWarning, "definition not loaded",
            {{"file", problem.file},
             {"line", std::to_string(problem.line)},
             {"reason", problem.reason}});
  }
}

Error NothingUsable(const std::string& directory, const LoadReport& report) {
  std::string files;
  for (const FileReport& file : report.files) files += " '" + file.file + "'";
  if (files.empty()) files = " no signature files";
  return {ErrorCode::kInvalidInput,
          "no usable signature in '" + directory + "':" + files};
}

}  // namespace

Result<LoadedSignatures> LoadSignatures(const std::string& directory,
                                        LogWriter& log,
                                        const LoadOptions& options) {
  LoadedSignatures loaded;
  loaded.updated_ms = ModifiedMilliseconds("/proc/self/exe");
  Definitions definitions;
  if (!directory.empty()) {
    Result<Definitions> found = LoadDefinitions(directory, options);
    if (!found) return Unexpected(found.error());
    definitions = std::move(*found);
    LogReport(definitions.report, log);
    if (definitions.report.Totals().loaded == 0) {
      return Unexpected(NothingUsable(directory, definitions.report));
    }
    loaded.updated_ms = 0;
    for (const FileReport& file : definitions.report.files) {
      loaded.updated_ms = std::max(
          loaded.updated_ms, ModifiedMilliseconds(directory + "/" + file.file));
    }
  }
  Result<std::shared_ptr<const SignatureSet>> set =
      SignatureSet::Compile(std::move(definitions.signatures));
  if (!set) return Unexpected(set.error());
  loaded.set = std::move(*set);
  constexpr uint64_t kBuiltIn = 1;
  loaded.version = VersionText(
      loaded.updated_ms,
      kBuiltIn + loaded.set->body_count() + loaded.set->hash_count(),
      Fingerprint(directory, definitions.report));
  return loaded;
}

}  // namespace gatehouse
