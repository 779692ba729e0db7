// SignatureSource: from a directory of definitions to a set that can be used.
//
// A set that was compiled before, from the same files by the same program for
// the same processor, is taken from the store in milliseconds. Else it is
// compiled in a process of its own, tested, and kept.
//
// Thread-safe functions. They block for I/O, and for seconds when they compile.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/digest.h"
#include "base/result.h"
#include "definitions/compile_process.h"
#include "signatures/clamav/signature_text.h"
#include "signatures/load_report.h"
#include "signatures/signature_set.h"

namespace gatehouse {

struct SignatureRequest {
  std::string directory;  // Of definitions.
  LoadOptions options;
  // Where compiled sets are kept; empty: nowhere.
  std::string store_directory;
  // Refuses definitions that find something in the system's own files: for
  // whoever denies files because of them.
  bool tests_system_files = false;
  std::stop_token stop;
};

struct ObtainedSignatures {
  std::shared_ptr<const SignatureSet> set;
  LoadReport report;
  Sha256Digest key = {};      // Of the artefact.
  bool was_compiled = false;  // Just now; else the store had it.
  // Why the store was of no use; empty if it was.
  std::string store_problem;
};

// Errors: those of DigestDefinitions and CompileInProcess; kInvalidInput when
// what was compiled does not open.
Result<ObtainedSignatures> ObtainSignatures(const SignatureRequest& request);

// A set that the store has, by its key, whatever the definitions are now.
Result<ObtainedSignatures> FindSignaturesByKey(const std::string& directory,
                                               const Sha256Digest& key);

// Notes which set of the store is in use, and tells it: the last good one, for
// when there is no better. It is never removed as surplus. Errors: those of the
// store; kNotFound when none was noted.
Result<bool> NoteActiveSet(const std::string& directory,
                           const Sha256Digest& key);
Result<Sha256Digest> ActiveSet(const std::string& directory);

}  // namespace gatehouse
