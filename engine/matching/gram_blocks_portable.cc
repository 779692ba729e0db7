#include <array>

#include "engine/matching/gram_blocks.h"

namespace gatehouse {

std::span<const GramBlocks> AvailableGramBlocks() {
  static constexpr std::array<GramBlocks, 1> kBlocks = {
      {{"portable", FindGramsAnywhere, KeepGramsAnywhere, FindPairsAnywhere}}};
  return kBlocks;
}

}  // namespace gatehouse
