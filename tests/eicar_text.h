// The EICAR test string for tests, put together when they run: no file of this
// tree holds it in one piece. Shares nothing with signatures/eicar.cc.
#pragma once

#include <string>

namespace gatehouse {

inline std::string EicarText() {
  const std::string first = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR";
  return first + "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
}

}  // namespace gatehouse
