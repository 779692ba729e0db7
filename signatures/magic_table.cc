#include "signatures/magic_table.h"

#include <limits>

#include "signatures/byte_pattern.h"

namespace gatehouse {
namespace {

bool IsSound(const MagicRecord& record, const MagicTable& table) {
  if (record.code_begin > table.codes.size() ||
      record.code_bytes > table.codes.size() - record.code_begin) {
    return false;
  }
  const auto parts = PartsOf(table.Code(record));
  return record.first_place <= record.last_place &&
         record.type <= kLastFileType && record.required <= kLastFileType &&
         parts.has_value() && !parts->empty();
}

}  // namespace

MagicVectors PackMagics(const std::vector<TypeMagic>& magics) {
  MagicVectors packed;
  // Backwards: the first that fits is then the last that was loaded.
  for (size_t i = magics.size(); i-- > 0;) {
    const TypeMagic& magic = magics[i];
    MagicRecord record;
    record.last_place = std::numeric_limits<uint64_t>::max();
    if (magic.offset.base == OffsetBase::kStart) {
      record.first_place = static_cast<uint64_t>(magic.offset.delta);
      record.last_place = record.first_place + magic.offset.shift;
    }
    record.code_begin = static_cast<uint32_t>(packed.codes.size());
    record.code_bytes = static_cast<uint32_t>(magic.program.size());
    record.type = magic.type;
    record.required = magic.required;
    record.is_searched = magic.is_searched ? 1 : 0;
    packed.codes.insert(packed.codes.end(), magic.program.begin(),
                        magic.program.end());
    packed.records.push_back(record);
  }
  return packed;
}

Result<MagicTable> OpenMagics(std::span<const MagicRecord> records,
                              std::span<const uint8_t> codes) {
  const MagicTable table{records, codes};
  if (records.size() > kTypeMagicsMax) {
    return Fail(ErrorCode::kInvalidInput,
                "signature set: too many magics of file types");
  }
  for (const MagicRecord& record : records) {
    if (IsSound(record, table)) continue;
    return Fail(ErrorCode::kInvalidInput,
                "signature set: wrong magic of a file type");
  }
  return table;
}

}  // namespace gatehouse
