#include "cli/offline_signatures.h"

#include <utility>

#include "base/display_text.h"
#include "cli/artefact_directory.h"
#include "cli/console.h"
#include "cli/load_report_text.h"
#include "definitions/definitions_place.h"
#include "definitions/signature_source.h"

namespace gatehouse {
namespace {

// A scan with definitions of which nothing could be used would call
// everything clean: that is an error and names the files.
Error NothingUsable(const std::string& directory, const LoadReport& report) {
  std::string message =
      "no usable signature in '" + DisplayText(directory) + "'";
  for (const FileReport& file : report.files) {
    message += ", " + DisplayText(file.file) + ": " +
               std::to_string(file.counts.malformed) + " malformed and " +
               std::to_string(file.counts.skipped()) + " skipped of " +
               std::to_string(file.counts.lines) + " line(s)";
  }
  if (report.files.empty())
    message += ": no signature file (.ndb, .ldb, .hdb, ...)";
  return {ErrorCode::kInvalidInput, std::move(message)};
}

// Where compiled sets are kept; empty: nowhere, and the reason was printed.
std::string StoreDirectory(const std::string& option) {
  if (option == "none") return {};
  if (!option.empty()) return option;
  Result<std::string> directory = DefaultArtefactDirectory();
  if (directory) return std::move(*directory);
  WarnLine("Warning: compiled definitions are not kept: " +
           directory.error().message);
  return {};
}

}  // namespace

Result<OfflineSignatures> LoadOfflineSignatures(
    const OfflineSignaturesRequest& request) {
  OfflineSignatures signatures;
  const DefinitionsPlace place = FindDefinitions(request.definitions);
  if (place.directory.empty()) {
    Result<std::shared_ptr<const SignatureSet>> built_in =
        SignatureSet::Compile({});
    if (!built_in) return Unexpected(built_in.error());
    signatures.set = std::move(*built_in);
    return signatures;
  }
  SignatureRequest wanted;
  wanted.directory = place.directory;
  wanted.options.takes_any_size_hashes = request.takes_any_size_hashes;
  wanted.store_directory = StoreDirectory(request.cache_directory);
  Result<ObtainedSignatures> obtained = ObtainSignatures(wanted);
  if (!obtained) return Unexpected(obtained.error());
  PrintLoadReport(obtained->report);
  if (!obtained->store_problem.empty()) {
    WarnLine("Warning: compiled definitions are not kept: " +
             obtained->store_problem);
  }
  if (obtained->report.Totals().loaded == 0 && !place.is_default) {
    return Unexpected(NothingUsable(place.directory, obtained->report));
  }
  signatures.set = std::move(obtained->set);
  signatures.directory = place.directory;
  signatures.report = std::move(obtained->report);
  return signatures;
}

}  // namespace gatehouse
