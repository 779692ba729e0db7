// The cheapest trigger of one pattern, whatever else its signature has: a
// literal of it, or all that may stand at one of its places.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/bytes.h"
#include "signatures/literal_rates.h"

namespace gatehouse {

// As a rate or a cost: there is no literal.
inline constexpr double kRateAlways = std::numeric_limits<double>::infinity();
// Shorter literals slow the search down besides what they find.
inline constexpr size_t kLiteralBytesShort = 5;

// What stands before or behind a literal of a text's form, in every match.
struct TriggerNeighbour {
  ByteView bytes;  // In the program; none: there is no such thing.
  // So many bytes of the form are between them and the literal.
  uint32_t gap_min = 0;
  uint32_t gap_max = 0;
  bool is_before = false;
};

// A literal of the signature's atom, in its program.
struct TriggerLiteral {
  std::vector<uint8_t> bytes;
  bool is_folded = false;
  // One of several that may stand at the same place of the pattern.
  bool is_spelled = false;
  uint16_t atom = 0;
  uint16_t variant = 0;
  uint16_t part = 0;
  uint32_t distance_min = 0;  // From the part's start.
  uint32_t distance_max = 0;
  // Of a text's form: the literal and what is around it (a view into the
  // program), and where it begins.
  ByteView around;
  uint32_t begin = 0;
  TriggerNeighbour neighbour;
};

struct ProgramTrigger {
  // One of them is in every match. None: nothing is known, or it cannot match.
  std::vector<TriggerLiteral> literals;
  bool is_never = false;  // It cannot match.
  // As TriggerChoice has them.
  double rate = kRateAlways;
  double cost = kRateAlways;
};

// Literals have at most `window` bytes. For a layer that is looked through
// itself.
[[nodiscard]] ProgramTrigger TriggerInLayer(ByteView program, size_t window,
                                            const LiteralRates& rates);
// For the normalised form of a text whose own bytes are looked through.
[[nodiscard]] ProgramTrigger TriggerInText(ByteView program, size_t window,
                                           const LiteralRates& rates);

}  // namespace gatehouse
