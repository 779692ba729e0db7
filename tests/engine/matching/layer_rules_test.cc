#include "engine/matching/layer_rules.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace gatehouse {
namespace {

using Places = std::vector<std::pair<uint64_t, uint64_t>>;

Places StartsAtVersionStrings(std::vector<uint64_t> strings, uint64_t shift) {
  const std::vector<uint8_t> bytes(100);
  Content content(bytes);
  ExecutableFacts facts;
  facts.is_valid = true;
  facts.version_strings = std::move(strings);
  const Layer layer{content, Target::kPe, bytes.size(), &facts};
  OffsetRecord offset;
  offset.base = static_cast<uint8_t>(OffsetBase::kVersionStrings);
  offset.shift = shift;
  std::vector<PlaceInterval> starts;
  StartsOf(offset, layer, starts);
  Places places;
  for (const PlaceInterval& one : starts) {
    places.emplace_back(one.first, one.last);
  }
  return places;
}

// Else a match there would count twice, and a rule about one would not hold.
TEST(LayerRulesTest, KeepsPlacesOfVersionStringsApart) {
  EXPECT_EQ(StartsAtVersionStrings({10, 20}, 0), (Places{{10, 10}, {20, 20}}));
  EXPECT_EQ(StartsAtVersionStrings({10, 10, 20}, 0),
            (Places{{10, 10}, {20, 20}}));
  EXPECT_EQ(StartsAtVersionStrings({10, 20, 60}, 30),
            (Places{{10, 50}, {60, 90}}));
}

}  // namespace
}  // namespace gatehouse
