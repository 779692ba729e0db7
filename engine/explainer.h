// Explainer: why a file gets its verdict.
//
// It scans by the Scanner itself, and asks the SignatureJudge about each
// signature that was looked at: there is no other matcher that could be of
// another opinion.
//
// One thread at a time. Keeps its SignatureSet alive.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/explanation.h"
#include "engine/scan_limits.h"
#include "signatures/signature_set.h"

namespace gatehouse {

struct ExplainOptions {
  size_t signatures_max = 20;  // Of matches, and of near misses.
  size_t places_max = 8;       // Of each atom.
  // All of that name, with or without .UNOFFICIAL, are asked in each layer,
  // whether anything of them was seen or not. Empty: none.
  std::string signature = {};
  ScanLimits limits = {};  // Of each of three scans.
};

class Explainer {
 public:
  // Errors: those of Scanner::Create.
  static Result<std::unique_ptr<Explainer>> Create(
      std::shared_ptr<const SignatureSet> signatures);
  ~Explainer();
  Explainer(const Explainer&) = delete;
  Explainer& operator=(const Explainer&) = delete;

  // Scans `fd` three times: once to warm up, once for the verdict and the
  // costs, once for the reasons. Beyond the scans it works for some seconds at
  // most. A near miss is a signature that was looked at, did not match, and of
  // which at least one atom was found; or the one that was asked for.
  Explanation Explain(int fd, const ExplainOptions& options);

 private:
  struct State;
  explicit Explainer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse
