#include "engine/format/elf_facts.h"

#include <algorithm>

#include "engine/format/fields.h"

namespace gatehouse {

// As ClamAV 1.4.6 was seen to have it: the entry point is mapped by the first
// program header that covers it, of whatever type, by its size in memory. A
// file without program headers, or with entry address 0, has its entry point at
// offset 0; one whose entry lies nowhere has no facts. The section headers are
// taken at their word.

namespace {

// Where the two classes have their fields.
struct ElfShape {
  bool is_64_bit = false;
  size_t header_bytes = 52;
  size_t segment_bytes = 32;
  size_t section_bytes = 40;
};
constexpr ElfShape kShape32 = {};
constexpr ElfShape kShape64 = {true, 64, 56, 64};

struct ElfHeaders {
  ElfShape shape;
  ByteOrder order = ByteOrder::kLittle;
  uint64_t entry = 0;
  uint64_t segments_offset = 0;
  uint64_t sections_offset = 0;
  size_t segment_count = 0;
  size_t section_count = 0;
};

// An address, offset or size: as wide as the class says. The offsets of the
// field in both classes are given.
uint64_t Word(const ElfShape& shape, const Fields& fields, size_t offset_32,
              size_t offset_64) {
  return shape.is_64_bit ? fields.U64(offset_64) : fields.U32(offset_32);
}

std::optional<ElfHeaders> ReadHeaders(Content& content) {
  const ByteView bytes = content.At(0, kShape64.header_bytes);
  if (bytes.size() < kShape32.header_bytes) return std::nullopt;
  const uint8_t file_class = bytes[4];
  const uint8_t file_order = bytes[5];
  if (file_class != 1 && file_class != 2) return std::nullopt;
  if (file_order != 1 && file_order != 2) return std::nullopt;
  ElfHeaders headers;
  headers.shape = file_class == 2 ? kShape64 : kShape32;
  headers.order = file_order == 2 ? ByteOrder::kBig : ByteOrder::kLittle;
  const ElfShape& shape = headers.shape;
  if (bytes.size() < shape.header_bytes) return std::nullopt;
  const Fields fields(bytes, headers.order);
  headers.entry = Word(shape, fields, 24, 24);
  headers.segments_offset = Word(shape, fields, 28, 32);
  headers.sections_offset = Word(shape, fields, 32, 40);
  // The counts end the header; the last field names a section.
  const size_t counts = shape.header_bytes - 10;
  headers.segment_count = fields.U16(counts + 2);
  headers.section_count = fields.U16(counts + 6);
  const bool has_segments = headers.segment_count != 0;
  if (headers.segment_count > kElfSegmentsMax ||
      headers.section_count > kElfSectionsMax ||
      (has_segments && fields.U16(counts) != shape.segment_bytes) ||
      fields.U16(counts + 4) != shape.section_bytes) {
    return std::nullopt;
  }
  return headers;
}

std::optional<uint64_t> EntryOffset(Content& content,
                                    const ElfHeaders& headers) {
  const ElfShape& shape = headers.shape;
  const size_t table_bytes = headers.segment_count * shape.segment_bytes;
  const Fields table(content.At(headers.segments_offset, table_bytes),
                     headers.order);
  if (table.size() < table_bytes) return std::nullopt;
  if (table_bytes == 0 || headers.entry == 0) return 0;
  for (size_t i = 0; i < headers.segment_count; ++i) {
    const size_t at = i * shape.segment_bytes;
    const uint64_t offset = Word(shape, table, at + 4, at + 8);
    const uint64_t address = Word(shape, table, at + 8, at + 16);
    const uint64_t bytes = Word(shape, table, at + 20, at + 40);
    if (headers.entry < address || headers.entry - address >= bytes) continue;
    const uint64_t distance = headers.entry - address;
    if (offset > UINT64_MAX - distance) return std::nullopt;
    return offset + distance;
  }
  return std::nullopt;
}

bool ReadSections(Content& content, const ElfHeaders& headers,
                  ExecutableFacts& facts) {
  const ElfShape& shape = headers.shape;
  const size_t table_bytes = headers.section_count * shape.section_bytes;
  const Fields table(content.At(headers.sections_offset, table_bytes),
                     headers.order);
  if (table.size() < table_bytes) return false;
  for (size_t i = 0; i < headers.section_count; ++i) {
    const size_t at = i * shape.section_bytes;
    ExecutableSection section;
    section.address = Word(shape, table, at + 12, at + 16);
    section.raw_offset = Word(shape, table, at + 16, at + 24);
    section.raw_bytes = Word(shape, table, at + 20, at + 32);
    section.address_bytes = section.raw_bytes;
    facts.sections.push_back(section);
  }
  return true;
}

}  // namespace

void ReadElfFacts(Content& content, ExecutableFacts& facts) {
  static_assert(kElfSectionsMax * kShape64.section_bytes <= kContentWindowMax);
  facts.Clear();
  const std::optional<ElfHeaders> headers = ReadHeaders(content);
  if (!headers) return;
  facts.entry_point = EntryOffset(content, *headers);
  facts.is_valid =
      facts.entry_point.has_value() && ReadSections(content, *headers, facts);
  if (!facts.is_valid) facts.Clear();
}

}  // namespace gatehouse
