// Chooses what is looked for so that a signature is found: its triggers.
//
// A signature can only match where certain of its bytes are. Of all sets of
// literals of which one must be there (one variant of one pattern for an "and",
// all of them for an "or"), the one is chosen that clean files hold least
// often. Patterns tied to a place are looked at there instead, when that is
// cheaper.
//
// Thread-safe: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "signatures/literal_rates.h"
#include "signatures/program_triggers.h"
#include "signatures/signature.h"

namespace gatehouse {

struct TriggerChoice {
  // One of them is in every file that the signature matches.
  std::vector<TriggerLiteral> literals;
  std::vector<uint16_t> anchored_atoms;  // Or one of these is at its place.
  // Nothing is necessary (it matches what lacks something): always evaluated.
  bool is_always = false;
  bool is_never = false;  // It cannot match.
  // Nobody waits for it: it only tells which atoms need not be searched for.
  bool is_only_told = false;
  // Expected number of times that something is to be confirmed, per byte.
  double rate = 0.0;
  // The same with what it takes to find it: what is made small.
  double cost = 0.0;
};

inline constexpr size_t kTriggerGroupsMax = 4;
// What occurs more often, per byte, is in every file: to look for it would cost
// and tell nothing.
inline constexpr double kTriggerRateEverywhere = 5e-3;

// What is looked through for the literals.
enum class LookedThrough : uint8_t {
  kLayer,  // The layer that the signature is about.
  // The own bytes of a text, for a signature that is about its normalised form
  // (lower case, single spaces). What has a given byte of white space is not
  // looked for, and what the form cannot have never matches; places are others.
  kTextOfView,
};

// Of each there must be one: one or more, the rarest first; then what is only
// told. Literals have at most `window` bytes. The choices refer to the
// signature.
[[nodiscard]] std::vector<TriggerChoice> ChooseTriggers(
    const Signature& signature, size_t window, const LiteralRates& rates,
    LookedThrough looked_through = LookedThrough::kLayer);

// The same logic with what decides soonest in front: the rarest of an "and",
// the most common of an "or". The triggers of expressions are kept up to date.
void SortLogic(Signature& signature, const LiteralRates& rates);

}  // namespace gatehouse
