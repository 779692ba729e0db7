// The logic of .ldb lines: atoms by number, & and |, parentheses, and counts.
//
//   0&(1|2)      A=n A>n A<n      (...)>n,m   at least m different atoms
//
// There is no precedence. At the top the first operator splits: 0&1|2 is
// 0&(1|2). Directly inside parentheses the last one does: (0|1&2&3) is
// ((0|(1&2))&3). Source: as for hex_pattern.h.
// Thread-safe: a pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "signatures/signature.h"

namespace gatehouse {

inline constexpr uint32_t kAtomsMax = 64;
inline constexpr size_t kLogicNodesMax = 4096;
inline constexpr int kLogicDepthMax = 128;

struct ParsedLogic {
  uint32_t root = 0;      // Its node.
  uint32_t atom_max = 0;  // The largest atom that occurs.
};

// Appends the nodes of `text` to `logic`, the root last. The text is why it is
// malformed; then `logic` holds something of no use.
[[nodiscard]] std::variant<ParsedLogic, std::string> ParseLogic(
    std::string_view text, Logic& logic);

}  // namespace gatehouse
