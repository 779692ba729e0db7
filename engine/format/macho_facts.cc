#include "engine/format/macho_facts.h"

#include <algorithm>

#include "engine/format/fields.h"

namespace gatehouse {
namespace {

constexpr uint32_t kMagic32 = 0xfeedface;
constexpr uint32_t kMagic64 = 0xfeedfacf;
constexpr uint32_t kUniversalMagic = 0xcafebabe;
constexpr uint32_t kPowerPc = 18;
constexpr uint32_t kPowerPc64 = 0x1000012;
constexpr size_t kCommandBytes = 8;
constexpr size_t kSegmentSectionsMax = 255;
constexpr uint32_t kAlignmentBitsMax = 31;

// Where the two widths have their fields.
struct MachOShape {
  bool is_64_bit = false;
  size_t header_bytes = 28;
  uint32_t segment_command = 1;
  size_t segment_bytes = 56;
  size_t section_bytes = 68;
};
constexpr MachOShape kShape32 = {};
constexpr MachOShape kShape64 = {true, 32, 0x19, 72, 80};

class MachOReader {
 public:
  MachOReader(Content& content, ExecutableFacts& facts)
      : content_(content), facts_(facts) {}

  // False: not valid.
  bool Read();

 private:
  // The bytes of one command that was read, or std::nullopt: not valid.
  std::optional<uint64_t> ReadSegment(uint64_t offset);
  bool AddSections(const Fields& table, size_t count);
  bool ReadThread(uint64_t offset);
  bool MapEntryPoint();

  Fields At(uint64_t offset, size_t bytes) const {
    return Fields(content_.At(offset, bytes), order_);
  }

  Content& content_;
  ExecutableFacts& facts_;
  MachOShape shape_;
  ByteOrder order_ = ByteOrder::kLittle;
  uint32_t processor_ = 0;
  uint64_t entry_address_ = 0;
};

bool MachOReader::Read() {
  Fields header = At(0, kShape32.header_bytes);
  if (header.size() < kShape32.header_bytes) return false;
  const uint32_t first = header.U32(0);
  if (first != kMagic32 && first != kMagic64) {
    order_ = ByteOrder::kBig;
    header = At(0, kShape32.header_bytes);
  }
  const uint32_t magic = header.U32(0);
  if (magic != kMagic32 && magic != kMagic64) return false;
  if (magic == kMagic64) shape_ = kShape64;
  processor_ = header.U32(4);
  const uint32_t command_count = header.U32(16);
  if (command_count == 0 || command_count > kMachOCommandsMax) return false;

  uint64_t offset = shape_.header_bytes;
  for (uint32_t i = 0; i < command_count; ++i) {
    const Fields command = At(offset, kCommandBytes);
    if (command.size() < kCommandBytes) return false;
    const uint32_t kind = command.U32(0);
    constexpr uint32_t kThread = 4;
    constexpr uint32_t kUnixThread = 5;
    uint64_t bytes = command.U32(4);
    if (kind == shape_.segment_command) {
      const std::optional<uint64_t> read = ReadSegment(offset);
      if (!read) return false;
      bytes = *read;
    } else if (kind == kThread || kind == kUnixThread) {
      if (!ReadThread(offset)) return false;
    }
    offset += std::max<uint64_t>(bytes, kCommandBytes);
  }
  return MapEntryPoint();
}

// The number of sections says how long the command is, not its size field:
// that is what ClamAV goes by.
std::optional<uint64_t> MachOReader::ReadSegment(uint64_t offset) {
  const Fields segment = At(offset, shape_.segment_bytes);
  if (segment.size() < shape_.segment_bytes) return std::nullopt;
  const size_t count = segment.U32(shape_.segment_bytes - 8);
  if (count > kSegmentSectionsMax) return std::nullopt;
  const size_t table_bytes = count * shape_.section_bytes;
  const Fields table = At(offset + shape_.segment_bytes, table_bytes);
  if (table.size() < table_bytes || !AddSections(table, count)) {
    return std::nullopt;
  }
  return shape_.segment_bytes + table_bytes;
}

bool MachOReader::AddSections(const Fields& table, size_t count) {
  if (facts_.sections.size() + count > kMachOSectionsMax) return false;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = i * shape_.section_bytes + 32;  // After the names.
    ExecutableSection section;
    section.address = shape_.is_64_bit ? table.U64(at) : table.U32(at);
    section.address_bytes =
        shape_.is_64_bit ? table.U64(at + 8) : table.U32(at + 4);
    const size_t rest = at + (shape_.is_64_bit ? 16 : 8);
    section.raw_offset = table.U32(rest);
    const uint32_t alignment_bits = table.U32(rest + 4);
    if (alignment_bits > kAlignmentBitsMax) return false;
    const uint64_t mask = (uint64_t{1} << alignment_bits) - 1;
    section.raw_bytes = section.address_bytes > UINT64_MAX - mask
                            ? section.address_bytes
                            : (section.address_bytes + mask) & ~mask;
    facts_.sections.push_back(section);
  }
  return true;
}

bool MachOReader::ReadThread(uint64_t offset) {
  if (processor_ != kPowerPc && processor_ != kPowerPc64) return true;
  // The command, a flavour and a count; then the program counter.
  constexpr size_t kStateOffset = 16;
  const size_t register_bytes = processor_ == kPowerPc64 ? 8 : 4;
  const Fields thread = At(offset + kStateOffset, register_bytes);
  if (thread.size() < register_bytes) return false;
  entry_address_ = processor_ == kPowerPc64 ? thread.U64(0) : thread.U32(0);
  return true;
}

bool MachOReader::MapEntryPoint() {
  if (entry_address_ == 0) {
    facts_.entry_point = 0;
    return true;
  }
  for (const ExecutableSection& section : facts_.sections) {
    if (entry_address_ < section.address ||
        entry_address_ - section.address >= section.address_bytes) {
      continue;
    }
    const uint64_t distance = entry_address_ - section.address;
    if (section.raw_offset > UINT64_MAX - distance) return false;
    facts_.entry_point = section.raw_offset + distance;
    return true;
  }
  return false;
}

}  // namespace

void ReadMachOFacts(Content& content, ExecutableFacts& facts) {
  static_assert(kSegmentSectionsMax * kShape64.section_bytes <=
                kContentWindowMax);
  facts.Clear();
  facts.is_valid = MachOReader(content, facts).Read();
  if (!facts.is_valid) facts.Clear();
}

void ReadMachOSlices(Content& content, std::vector<MachOSlice>& slices) {
  constexpr size_t kHeaderBytes = 8;
  constexpr size_t kSliceBytes = 20;
  slices.clear();
  const Fields header(content.At(0, kHeaderBytes), ByteOrder::kBig);
  if (header.size() < kHeaderBytes || header.U32(0) != kUniversalMagic) return;
  const size_t count = header.U32(4);
  if (count > kMachOSlicesMax) return;
  const ByteView bytes = content.At(kHeaderBytes, count * kSliceBytes);
  const Fields table(bytes, ByteOrder::kBig);
  for (size_t i = 0; (i + 1) * kSliceBytes <= table.size(); ++i) {
    const uint64_t offset = table.U32(i * kSliceBytes + 8);
    const uint64_t slice_bytes = table.U32(i * kSliceBytes + 12);
    if (offset == 0 || offset >= content.size()) continue;
    slices.push_back({offset, std::min(slice_bytes, content.size() - offset)});
  }
}

}  // namespace gatehouse
