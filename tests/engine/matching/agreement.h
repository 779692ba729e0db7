// Whether production and the oracle agree: which lines are signatures, and
// which of these match a content.
//
// Thread-compatible. Owns everything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/normalised_views.h"
#include "tests/engine/matching/production_matcher.h"
#include "tests/signatures/oracle/slow_matcher.h"

namespace gatehouse {

struct AgreementCounts {
  uint64_t cases = 0;     // One signature judged on one content.
  uint64_t matches = 0;   // Of these, as the oracle has it.
  uint64_t unjudged = 0;  // Of which the oracle does not know; no cases.
  uint64_t limited = 0;   // Contents with which a scan came to a limit.
};

class Agreement {
 public:
  // Steps of the oracle, for one signature on one content.
  explicit Agreement(uint64_t steps_max) : oracle_(steps_max) {}

  // What they disagree about, or nothing. A line that both take is added, if
  // its name is new.
  std::optional<std::string> AddLine(const MatchingLine& line);
  // After the last line, before the first content.
  std::optional<std::string> Compile();
  // What they disagree about, or nothing.
  std::optional<std::string> Compare(const oracle::Subject& subject,
                                     size_t block_bytes);

  const std::vector<oracle::Signature>& signatures() const {
    return oracle_.signatures();
  }
  const AgreementCounts& counts() const { return counts_; }

 private:
  // What a Scanner must find.
  oracle::SubjectOutcome ExpectedOfFile(const oracle::Subject& file) const;
  void AddOutcomeOfView(const NormalisedView& view, uint64_t file_bytes,
                        oracle::SubjectOutcome& expected) const;

  oracle::SlowMatcher oracle_;
  Signatures signatures_;  // Until they are compiled.
  std::unique_ptr<ProductionMatcher> production_;
  AgreementCounts counts_;
};

}  // namespace gatehouse
