// Lines of .pwdb files: passwords to try on archives.
//
//   Name;Description;Kind;Password
//
// Kind 0 is text, in which more semicolons may stand, 1 is hexadecimal. Thread-
// safe: a pure function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/clamav/signature_line.h"

namespace gatehouse {

struct ArchivePassword {
  std::string name;
  std::string container;  // Name of the type of the archive; empty: any.
  std::vector<uint8_t> password;
};

// `line` has no line end and no NUL.
[[nodiscard]] ParsedLine<ArchivePassword> ParsePwdbLine(std::string_view line);

}  // namespace gatehouse
