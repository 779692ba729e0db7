// Random texts of the hex language, of offsets and of logic; all are valid.
//
// Thread safety: free functions on the dice that they are given. Ownership:
// everything is a value.
//
// Only few byte values are used, so that chance makes matches frequent.
#pragma once

#include <cstddef>
#include <string>

#include "tests/signatures/oracle/dice.h"

namespace gatehouse::oracle {

// With every element of the language. `negations` must be off under a flag.
std::string MakePatternText(Dice& dice, bool negations);
// For any target; the last has what only executables have.
std::string MakeOffsetText(Dice& dice, int target);
// A pattern with its offset and flags, as in a logical signature.
std::string MakeSubsignatureText(Dice& dice, int target);
// Names every index below `count`, the last one for sure.
std::string MakeLogicText(Dice& dice, size_t count);
// Bytes among which such patterns are found often.
std::string MakeContent(Dice& dice, size_t size_max);

}  // namespace gatehouse::oracle
