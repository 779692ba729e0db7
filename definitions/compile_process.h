// Compiles definitions in a process of its own, limited in CPU time and memory:
// what reads foreign text, and may take seconds and a gigabyte, is not the
// process that others wait for.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "base/digest.h"
#include "base/result.h"
#include "definitions/compile_sandbox.h"
#include "signatures/clamav/signature_text.h"
#include "signatures/word_buffer.h"

namespace gatehouse {

struct CompileRequest {
  std::string directory;
  LoadOptions options;
  // Refuses definitions that find something in what this process runs from.
  bool tests_system_files = false;
  CompileLimits limits;
  std::chrono::seconds time_limit{600};
  std::stop_token stop;
};

struct CompiledSet {
  Sha256Digest digest = {};  // Of the definitions, as DigestDefinitions says.
  WordBuffer image;          // For SignatureSet::Open.
};

// Starts this program again, as a compile program, and waits for it. Errors:
// kInvalidInput with what is wrong with the definitions, those of
// LoadDefinitions; kLimitExceeded with the limit; kBusy when asked to stop;
// kNotSupported when main has not called RunIfCompileProgram; else of the
// system, or that it died.
Result<CompiledSet> CompileInProcess(const CompileRequest& request);

}  // namespace gatehouse
