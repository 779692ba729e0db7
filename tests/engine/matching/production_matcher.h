// Production's matching in the three ways a layer may be given: in memory, as
// a descriptor that is read through a small window, and to a whole Scanner.
//
// Thread-compatible. Owns the compiled signatures.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/executable_facts.h"
#include "engine/matching/signature_judge.h"
#include "engine/matching/trigger_scan.h"
#include "engine/scanner.h"
#include "tests/signatures/oracle/slow_matcher.h"

namespace gatehouse {

// One line of a signature file; the extension says of which, without its dot.
struct MatchingLine {
  std::string extension;
  std::string text;
};

// What production says about one line that is alone in its file.
struct LoadedLine {
  bool is_loaded = false;
  bool is_skipped = false;
  std::string reason;  // Of a line that is malformed or not supported.
  Signatures signatures;
};
LoadedLine LoadLine(const MatchingLine& line);

struct MatchingAnswer {
  std::set<std::string> names;
  bool is_complete = true;  // False: only the smallest names are there.
  // Why the answer says nothing: a limit, an error. Empty when it does.
  std::string trouble;
};

class ProductionMatcher {
 public:
  // Errors are those of SignatureSet::Compile and Scanner::Create.
  static Result<std::unique_ptr<ProductionMatcher>> Create(
      Signatures signatures);

  MatchingAnswer InMemory(const oracle::Subject& subject);
  // The triggers are looked for in blocks of `block_bytes`.
  MatchingAnswer ThroughWindow(const oracle::Subject& subject,
                               size_t block_bytes);
  // Triggers are looked for by Hyperscan; with grams, as many as can be.
  MatchingAnswer ByScanner(std::string_view bytes);
  MatchingAnswer ByScannerWithGrams(std::string_view bytes);

 private:
  ProductionMatcher(std::shared_ptr<const SignatureSet> set,
                    TriggerScan triggers, std::unique_ptr<Scanner> scanner,
                    std::unique_ptr<Scanner> scanner_with_grams);
  static MatchingAnswer AnswerOf(Scanner& scanner, std::string_view bytes);
  MatchingAnswer Judge(Content& content, const oracle::Subject& subject);
  size_t ShardOf(const oracle::Subject& subject) const;

  std::shared_ptr<const SignatureSet> set_;  // Of SignatureSet's own making.
  TriggerScan triggers_;
  TriggerHits hits_;
  SignatureJudge judge_;
  std::unique_ptr<Scanner> scanner_;
  std::unique_ptr<Scanner> scanner_with_grams_;
  std::vector<uint8_t> window_;
};

// What a Scanner would take `bytes` for, with the facts that production finds.
oracle::Subject SubjectOfFile(std::string bytes);

}  // namespace gatehouse
