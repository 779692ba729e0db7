// AnchorSearch: which of a shard's patterns that have one place may be there.
//
// Every file is asked about all of them, and nearly none is there: patterns
// that look at the same bytes are found by these, at once.
//
// One thread at a time. Borrows the tables; keeps its memory.
#pragma once

#include <bitset>
#include <cstdint>
#include <vector>

#include "engine/matching/layer.h"
#include "engine/matching/pattern_search.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

class AnchorSearch {
 public:
  explicit AnchorSearch(const SignatureTables& tables);

  struct Found {
    const AnchorUse* anchor = nullptr;
    uint64_t place = 0;  // Where the pattern would start.
  };
  // Those whose first word fits. Valid until the next call.
  const std::vector<Found>& Find(const Layer& layer, size_t shard);

 private:
  // Anchors of one shard that look at the same bytes.
  struct Group {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t filter = kNoFilter;
  };
  static constexpr uint32_t kNoFilter = ~uint32_t{0};
  // By hash, whether one of many anchors may want a value.
  static constexpr uint32_t kFilterBits = 12;
  using Filter = std::bitset<size_t{1} << kFilterBits>;

  [[nodiscard]] bool MayWant(const Group& group, uint32_t value) const;
  void AddFilter(Group& group);

  const SignatureTables& tables_;
  std::vector<Group> groups_;
  std::vector<Filter> filters_;
  std::vector<uint32_t> first_groups_;  // By shard; one more at the end.
  std::vector<PlaceInterval> starts_;
  std::vector<Found> found_;
};

}  // namespace gatehouse
