// What stands around a payload, so that a file has the type it must have.
//
// Thread safety: free functions on values. Ownership: everything is a value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::oracle {

struct Carrier {
  std::string head;
  char filler = '\0';
  // clamscan searches what remains of such a file when letters are small and
  // white space is one space, so a payload must be that already.
  bool normalised = false;
  int target = 0;    // The type that is detected.
  std::string tail;  // Must stand somewhere behind the payload.
};

// The carriers for signatures of a target, best first; none for executables
// (see executable_builder.h) and for targets that no file has.
std::vector<Carrier> CarriersFor(int target);

// Whether normalising leaves `text` as it is.
bool IsNormalised(std::string_view text, bool html);

}  // namespace gatehouse::oracle
