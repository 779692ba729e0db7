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
uint32_t Fingerprint(const LoadReport& report) {
  uint32_t hash = 2166136261U;
  const auto add = [&hash](const std::string& text) {
    for (const char c : text) {
      hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
    }
  };
  for (const FileReport& file : report.files) {
    add(file.file);
    add(std::to_string(file.counts.loaded));
    add(std::to_string(file.modified_ms));
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

Result<LoadedSignatures> DescribeSignatures(
    const DefinitionsPlace& place, std::shared_ptr<const SignatureSet> set,
    LoadReport report, LogWriter& log) {
  LoadedSignatures loaded;
  loaded.set = std::move(set);
  loaded.report = std::move(report);
  LogReport(loaded.report, log);
  const bool is_useless = loaded.report.Totals().loaded == 0;
  if (!place.directory.empty() && !place.is_default && is_useless) {
    return Unexpected(NothingUsable(place.directory, loaded.report));
  }
  if (is_useless) {
    loaded.updated_ms = ModifiedMilliseconds("/proc/self/exe");
  } else {
    for (const FileReport& file : loaded.report.files) {
      loaded.updated_ms = std::max(loaded.updated_ms, file.modified_ms);
    }
  }
  constexpr uint64_t kBuiltIn = 1;
  loaded.version = VersionText(
      loaded.updated_ms,
      kBuiltIn + loaded.set->body_count() + loaded.set->hash_count(),
      Fingerprint(loaded.report));
  return loaded;
}

Result<LoadedSignatures> LoadSignatures(const DefinitionsPlace& place,
                                        LogWriter& log,
                                        const LoadOptions& options) {
  Definitions definitions;
  if (!place.directory.empty()) {
    Result<Definitions> found = LoadDefinitions(place.directory, options);
    if (!found) return Unexpected(found.error());
    definitions = std::move(*found);
  }
  Result<std::shared_ptr<const SignatureSet>> set =
      SignatureSet::Compile(std::move(definitions.signatures));
  if (!set) return Unexpected(set.error());
  return DescribeSignatures(place, std::move(*set),
                            std::move(definitions.report), log);
}

}  // namespace gatehouse
