// The second field of an .ldb line: what the file must be.
//
//   Engine:81-255,Target:1,FileSize:100-200,Container:CL_TYPE_ZIP,...
//
// Thread-safe: a pure function.
#pragma once

#include <string_view>

#include "signatures/clamav/signature_line.h"
#include "signatures/signature.h"

namespace gatehouse {

inline constexpr size_t kDescriptionKeysMax = 10;
inline constexpr size_t kContainersMax = 16;

struct TargetDescription {
  Target target = Target::kAny;
  Gates gates;
};

[[nodiscard]] ParsedLine<TargetDescription> ParseTargetDescription(
    std::string_view text);

}  // namespace gatehouse
