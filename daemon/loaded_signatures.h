// LoadedSignatures: what the daemon scans with, and what there is to say of it.
//
// Thread-compatible value. Loading reads files and compiles: milliseconds to
// seconds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/digest.h"
#include "base/result.h"
#include "daemon/log.h"
#include "definitions/definitions_place.h"
#include "signatures/clamav/signature_text.h"
#include "signatures/load_report.h"
#include "signatures/signature_set.h"

namespace gatehouse {

struct LoadedSignatures {
  std::shared_ptr<const SignatureSet> set;
  // When the newest of their files was written (the program itself, for the
  // built-in rule): milliseconds since 1970.
  int64_t updated_ms = 0;
  // For people: "2026.11.24.0749-1204-9f3a61c2": newest file, number of
  // signatures, fingerprint of the names, times and counts of the files.
  std::string version;
  LoadReport report;
  Sha256Digest key = {};  // Of its artefact; zeros: it has none.
};

// What there is to say of `set`, which was made of the files of `place` now.
// What could not be loaded is logged. Errors: kInvalidInput when nothing of a
// directory that was asked for is usable.
Result<LoadedSignatures> DescribeSignatures(
    const DefinitionsPlace& place, std::shared_ptr<const SignatureSet> set,
    LoadReport report, LogWriter& log);

// The built-in rule, and the signature files of `place`, compiled by this
// process. Errors: those of DescribeSignatures, LoadDefinitions and
// SignatureSet::Compile.
Result<LoadedSignatures> LoadSignatures(const DefinitionsPlace& place,
                                        LogWriter& log,
                                        const LoadOptions& options = {});

}  // namespace gatehouse
