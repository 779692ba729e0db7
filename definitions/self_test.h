// The self-test of a signature set: what every set has to find, and what none
// may find, before it is published.
//
// Thread-safe functions. They block for I/O and scan some ten megabytes.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "signatures/signature_set.h"

namespace gatehouse {

// Whether the EICAR test file is found, by its name, and a file with nothing in
// it is clean. Errors: kInvalidInput with what went wrong; kOperational when
// the test could not be made.
Result<bool> TestVerdicts(const std::shared_ptr<const SignatureSet>& set);

// Scans the programs and libraries that this process itself runs from, and the
// shell. The first that the set would call malicious: "'Name' in '/path'";
// empty if there is none. A set that finds one would take the system down.
// Errors: kOperational when the test could not be made.
Result<std::string> FindInSystemFiles(
    const std::shared_ptr<const SignatureSet>& set);

}  // namespace gatehouse
