// The signatures of what scans without the daemon.
//
// Thread-compatible.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "signatures/load_report.h"
#include "signatures/signature_set.h"

namespace gatehouse {

struct OfflineSignaturesRequest {
  std::string definitions;      // A folder, "none", or empty: the default one.
  std::string cache_directory;  // Likewise.
  bool takes_any_size_hashes = true;
};

struct OfflineSignatures {
  std::shared_ptr<const SignatureSet> set;
  std::string directory;  // Empty: there are only the built-in rules.
  LoadReport report;
};

// Compiles, or takes what was compiled before, as docs/artefact-format.md says.
// Prints what could not be used, and why nothing is kept. Errors: those of
// ObtainSignatures; kInvalidInput when nothing is usable of a folder that was
// asked for.
Result<OfflineSignatures> LoadOfflineSignatures(
    const OfflineSignaturesRequest& request);

}  // namespace gatehouse
