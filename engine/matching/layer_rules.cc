#include "engine/matching/layer_rules.h"

#include <algorithm>
#include <optional>

namespace gatehouse {
namespace {

// base + delta, if that is in the file.
std::optional<uint64_t> Moved(uint64_t base, int64_t delta) {
  if (delta < 0) {
    const auto back = static_cast<uint64_t>(-delta);
    if (back > base) return std::nullopt;
    return base - back;
  }
  return base + static_cast<uint64_t>(delta);
}

bool ContainersFit(const SignatureTables& tables, const GatesRecord& gates,
                   const Layer& layer) {
  const size_t count = gates.containers_count;
  if (count == 0) return true;
  if (layer.containers.size() < count) return false;
  const auto parents = layer.containers.last(count);
  for (size_t i = 0; i < count; ++i) {
    const std::string_view wanted =
        tables.Text(tables.containers[gates.containers_begin + i]);
    if (wanted != kAnyContainer && wanted != parents[i]) return false;
  }
  return true;
}

// One place, or nothing: of offsets that name one.
std::optional<uint64_t> PlaceOf(const OffsetRecord& offset,
                                const Layer& layer) {
  const auto base = static_cast<OffsetBase>(offset.base);
  if (base == OffsetBase::kStart) return static_cast<uint64_t>(offset.delta);
  if (base == OffsetBase::kEnd) {
    return Moved(layer.content.size(), -offset.delta);
  }
  const ExecutableFacts* const facts = layer.executable;
  if (facts == nullptr) return std::nullopt;
  if (base == OffsetBase::kEntryPoint) {
    if (!facts->entry_point) return std::nullopt;
    return Moved(*facts->entry_point, offset.delta);
  }
  const size_t count = facts->sections.size();
  const size_t index =
      base == OffsetBase::kLastSection ? count - 1 : offset.section;
  if (count == 0 || index >= count) return std::nullopt;
  return Moved(facts->sections[index].raw_offset, offset.delta);
}

// Executables whose header makes no sense have no places but absolute ones.
bool HasPlaces(OffsetBase base, const Layer& layer) {
  if (base == OffsetBase::kAnywhere || base == OffsetBase::kStart) return true;
  if (!IsExecutable(layer.target)) return base == OffsetBase::kEnd;
  return layer.executable != nullptr && layer.executable->is_valid;
}

}  // namespace

bool PassesGates(const SignatureTables& tables, const GatesRecord& gates,
                 const Layer& layer) {
  if (!gates.file_size.includes(layer.file_bytes)) return false;
  if (gates.is_of_own_bytes != 0 && IsOfForms(layer.target)) return false;
  const ExecutableFacts* const facts = layer.executable;
  const bool is_valid = facts != nullptr && facts->is_valid;
  if (gates.has_entry_point != 0 &&
      (!is_valid || !facts->entry_point ||
       !gates.entry_point.includes(*facts->entry_point))) {
    return false;
  }
  if (gates.has_sections != 0 &&
      (!is_valid || !gates.sections.includes(facts->sections.size()))) {
    return false;
  }
  return ContainersFit(tables, gates, layer);
}

void StartsOf(const OffsetRecord& offset, const Layer& layer,
              std::vector<PlaceInterval>& places) {
  places.clear();
  const auto base = static_cast<OffsetBase>(offset.base);
  if (base == OffsetBase::kMacroGroup || !HasPlaces(base, layer)) return;
  if (base == OffsetBase::kAnywhere) {
    places.push_back({0, layer.content.size()});
    return;
  }
  if (base == OffsetBase::kVersionStrings) {
    // In order, but a file may have its resources name one twice.
    for (const uint64_t place : layer.executable->version_strings) {
      if (!places.empty() && place <= places.back().last) {
        places.back().last = place + offset.shift;
      } else {
        places.push_back({place, place + offset.shift});
      }
    }
    return;
  }
  if (base == OffsetBase::kInSection) {
    if (offset.section >= layer.executable->sections.size()) return;
    const ExecutableSection& section =
        layer.executable->sections[offset.section];
    places.push_back({section.raw_offset,
                      section.raw_offset + section.raw_bytes + offset.shift});
    return;
  }
  const std::optional<uint64_t> place = PlaceOf(offset, layer);
  if (place) places.push_back({*place, *place + offset.shift});
}

}  // namespace gatehouse
