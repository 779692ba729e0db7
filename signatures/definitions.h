// Loads a directory of signature files.
//
// Thread-safe: pure functions of the file system. Blocks for I/O.
#pragma once

#include <cstdint>
#include <string>

#include "base/digest.h"
#include "base/result.h"
#include "signatures/clamav/signature_text.h"
#include "signatures/load_report.h"
#include "signatures/signatures.h"

namespace gatehouse {

inline constexpr uint64_t kDefinitionFileBytesMax = uint64_t{1} << 30;

struct Definitions {
  Signatures signatures;
  LoadReport report;
  // Of all that was read and of the options: what DigestDefinitions says of
  // the same files.
  Sha256Digest digest = {};
};

// Reads the files of `directory` whose extension is known, in order of name,
// those of what to ignore first;
// sub-directories are not entered. Symbolic links to regular files are
// followed. A file that cannot be read is a problem in the report, and the
// others are still loaded. Errors: `directory` is none, or unreadable.
Result<Definitions> LoadDefinitions(const std::string& directory,
                                    const LoadOptions& options = {});

// For a report that was made earlier of the same content: when its files were
// written, as it is now.
void RefreshTimes(const std::string& directory, LoadReport& report);

// Whether anything has changed: reads the files and looks at no line. About
// half a second for a gigabyte. Errors: those of LoadDefinitions; kNotSupported
// when there is no SHA-256.
Result<Sha256Digest> DigestDefinitions(const std::string& directory,
                                       const LoadOptions& options = {});

}  // namespace gatehouse
