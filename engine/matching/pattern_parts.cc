#include "engine/matching/pattern_parts.h"

namespace gatehouse {
namespace {

size_t Weight(const std::optional<std::vector<PatternPart>>& parts) {
  size_t weight = 1;
  if (!parts) return weight;
  for (const PatternPart& part : *parts) weight += 1 + part.runs.size();
  return weight;
}

}  // namespace

const std::optional<std::vector<PatternPart>>& PatternParts::Of(
    ByteView program) {
  const auto known = known_.find(program.data());
  if (known != known_.end() && known->second.program_bytes == program.size()) {
    return known->second.parts;
  }
  if (kept_ >= kKeptMax) {
    known_.clear();
    kept_ = 0;
  }
  Known& one = known_[program.data()];
  one = {program.size(), PartsOf(program)};
  kept_ += Weight(one.parts);
  return one.parts;
}

}  // namespace gatehouse
