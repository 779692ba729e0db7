// Where a pattern must start: the offset field of .ndb and .ldb lines.
//
//   *            anywhere               n          n bytes from the start
//   EOF-n        n bytes from the end   EP+n EP-n  from the entry point
//   Sx+n SL+n    from section x, from the last one
//   SEx          anywhere in section x  VI         version information
//   $n$          only as part of a macro of group n
//
// All but * and $n$ may end in ,shift: it may start that much later, too.
// Thread-safe: a pure function.
#pragma once

#include <string_view>

#include "signatures/clamav/signature_line.h"
#include "signatures/signature.h"

namespace gatehouse {

inline constexpr uint64_t kOffsetMax = uint64_t{1} << 62;
inline constexpr uint32_t kMacroGroupMax = 31;

[[nodiscard]] ParsedLine<PatternOffset> ParseOffsetField(std::string_view text,
                                                         Target target);

}  // namespace gatehouse
