// SectionHashes: looks up the digests of a PE file's sections and imports.
//
// One thread at a time. Borrows the SignatureSet, which must outlive it. Owns
// its digests.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/file_digest.h"
#include "engine/format/content.h"
#include "engine/format/executable_facts.h"
#include "engine/matching/work_budget.h"
#include "engine/scan_limits.h"
#include "engine/verdict.h"
#include "signatures/signature_set.h"

namespace gatehouse {

class SectionHashes {
 public:
  // Errors: those of FileDigests::Create.
  static Result<SectionHashes> Create(const SignatureSet& signatures);

  // False: there is nothing to look for.
  [[nodiscard]] bool has_any() const;

  // Adds to `names` those of the PE file with these facts, which are valid,
  // each once. A section is what `facts` say it is: rounded, and cut at the
  // end. Only those of a size that occurs are read, each at the price of one
  // unit per byte and algorithm, for sections may lie above each other and the
  // headers of a file can ask for a hundred times its bytes.
  //
  // What is not kNone ended the search: kWorkLimit, kChangedWhileScanning, or
  // another limit. Allocates for hits, and where there are signatures of
  // imports for their text. Blocks for reads.
  NotScannedReason Find(Content& content, const ExecutableFacts& facts,
                        const ScanLimits& limits, WorkBudget& budget,
                        std::vector<std::string_view>& names);

 private:
  SectionHashes(const SignatureSet& signatures, FileDigests digests);

  NotScannedReason FindSections(Content& content, const ExecutableFacts& facts,
                                const ScanLimits& limits, WorkBudget& budget,
                                std::vector<std::string_view>& names);
  void FindImports(Content& content, const ExecutableFacts& facts,
                   std::vector<std::string_view>& names);

  const SignatureSet* signatures_;  // Never null.
  FileDigests digests_;
};

}  // namespace gatehouse
