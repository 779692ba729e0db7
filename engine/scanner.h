// Scanner: judges the bytes behind one descriptor at a time.
//
// One thread at a time per Scanner; any number of Scanners share one
// SignatureSet. Keeps its SignatureSet alive. Creating a Scanner allocates the
// scratch space and the read buffer; scanning a clean file allocates nothing,
// but a text that is larger than those before makes room for its views, what is
// looked for in texts is prepared when it is first needed, and where there are
// signatures of imports, a PE file makes room for the text of its own.
#pragma once

#include <memory>

#include "base/result.h"
#include "engine/matching/scan_notes.h"
#include "engine/scan_limits.h"
#include "engine/verdict.h"
#include "signatures/signature_set.h"

namespace gatehouse {

struct ScannerOptions {
  // What is done is noted there; null: nowhere. Must outlive the Scanner.
  ScanNotes* notes = nullptr;
};

class Scanner {
 public:
  // Errors: kOperational when scratch space cannot be allocated.
  static Result<std::unique_ptr<Scanner>> Create(
      std::shared_ptr<const SignatureSet> signatures,
      const ScannerOptions& options = {});
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  // Reads `fd` from its beginning with pread (its offset stays) to its end and
  // judges what was read. Blocks for I/O. Matches across blocks are found.
  //
  // Several signatures may match: the name reported is the built-in rule's,
  // else a hash's, else a body's, and among equals the smallest. The others are
  // reported beside it, so that none hides behind a name that is allowed; of
  // more than MatchedIds::kIdsMax bodies, that not all are known. A hit is
  // reported even if a limit ended the scan after it.
  //
  // A file that was read to its end and has a hash that the set allows is clean
  // whatever was found in it, and the verdict says by which; only the built-in
  // rule is above that. Both that and its SHA-256 read the file once more.
  Verdict Scan(int fd, const ScanLimits& limits);

 private:
  struct State;
  explicit Scanner(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse
