// Files that a signature must match, and files that it just must not.
//
// Thread safety: free functions on values. Ownership: everything is a value.
//
// Everything is made from the text of a line, and verified by the slow matcher
// before it is given away. Executables, documents and the like are the
// smallest that clamscan takes for such.
#pragma once

#include <optional>
#include <string>

#include "tests/signatures/oracle/slow_matcher.h"

namespace gatehouse::oracle {

struct Instance {
  Subject matching;
  // As `matching` but for one byte. None: no single byte makes a difference,
  // as with "0=0" or two ways to match.
  std::optional<Subject> broken;
};

// On failure the reason says what is needed that cannot be made: a container,
// a regex, the file behind a digest.
Parsed<Instance> MakeInstance(const Signature& signature);

}  // namespace gatehouse::oracle
