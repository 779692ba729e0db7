// PatternParts: the parts of the programs of patterns. One file after the other
// asks for the same few, so they are kept.
//
// One thread at a time. Borrows the programs, which must outlive it unchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "signatures/byte_pattern.h"

namespace gatehouse {

class PatternParts {
 public:
  // Of all programs; beyond, they are forgotten and read again.
  static constexpr size_t kKeptMax = size_t{1} << 16;

  // What PartsOf says. Valid until the next call.
  const std::optional<std::vector<PatternPart>>& Of(ByteView program);

  // Parts, and the runs in them, that are kept.
  [[nodiscard]] size_t kept() const { return kept_; }

 private:
  struct Known {
    size_t program_bytes = 0;
    std::optional<std::vector<PatternPart>> parts;
  };

  std::unordered_map<const uint8_t*, Known> known_;  // By where they begin.
  size_t kept_ = 0;
};

}  // namespace gatehouse
