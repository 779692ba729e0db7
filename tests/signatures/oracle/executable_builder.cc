#include "tests/signatures/oracle/executable_builder.h"

#include <cassert>
#include <string_view>

namespace gatehouse::oracle {
namespace {

constexpr uint64_t kAlignment = 0x200;
constexpr uint64_t kPageBytes = 0x1000;
constexpr uint64_t kImageBase = 0x400000;

uint64_t RoundUp(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

class FileWriter {
 public:
  // Little-endian.
  void Put(uint64_t at, uint64_t size, uint64_t value) {
    Grow(at + size);
    for (uint64_t index = 0; index < size; ++index) {
      bytes_[at + index] = static_cast<char>(value >> (8 * index));
      fixed_[at + index] = true;
    }
  }
  void PutText(uint64_t at, std::string_view text) {
    Grow(at + text.size());
    bytes_.replace(at, text.size(), text);
    for (uint64_t index = 0; index < text.size(); ++index) {
      fixed_[at + index] = true;
    }
  }
  void Grow(uint64_t size) {
    if (bytes_.size() >= size) return;
    bytes_.resize(size, '\0');
    fixed_.resize(size, false);
  }

  // Places the sections from `at` on, and the entry point in the first one.
  Executable Finish(const ExecutableLayout& layout, uint64_t at) {
    Executable file;
    file.entry_point = at + layout.entry_in_first_section;
    for (const uint64_t wanted : layout.section_bytes) {
      const uint64_t size = RoundUp(wanted, kAlignment);
      file.sections.push_back({at, size});
      at += size;
    }
    Grow(at);
    file.bytes = std::move(bytes_);
    file.fixed = std::move(fixed_);
    return file;
  }

 private:
  std::string bytes_;
  std::vector<bool> fixed_;
};

struct OptionalField {
  uint64_t at = 0;
  uint64_t size = 0;
  uint64_t value = 0;
};

// Each section has as many pages in memory as it needs.
std::vector<uint64_t> Addresses(const ExecutableLayout& layout) {
  std::vector<uint64_t> addresses;
  uint64_t address = kPageBytes;
  for (const uint64_t size : layout.section_bytes) {
    addresses.push_back(address);
    address += RoundUp(RoundUp(size, kAlignment), kPageBytes);
  }
  addresses.push_back(address);  // Where the image ends.
  return addresses;
}

Executable BuildPe(const ExecutableLayout& layout) {
  const uint64_t pe = layout.header_offset;
  const uint64_t optional = pe + 24;
  const uint64_t table = optional + 224;
  const uint64_t count = layout.section_bytes.size();
  const uint64_t headers = RoundUp(table + 40 * count, kAlignment);
  const std::vector<uint64_t> addresses = Addresses(layout);
  FileWriter writer;
  writer.PutText(0, "MZ");
  writer.Put(0x3c, 4, pe);
  writer.PutText(pe, std::string_view("PE\0\0", 4));
  writer.Put(pe + 4, 2, 0x14c);
  writer.Put(pe + 6, 2, count);
  writer.Put(pe + 20, 2, 224);
  writer.Put(pe + 22, 2, 0x102);
  const OptionalField fields[] = {
      {0, 2, 0x10b},
      {16, 4, addresses[0] + layout.entry_in_first_section},
      {20, 4, addresses[0]},
      {28, 4, kImageBase},
      {32, 4, kPageBytes},
      {36, 4, kAlignment},
      {40, 2, 4},
      {48, 2, 4},
      {56, 4, addresses.back()},
      {60, 4, headers},
      {68, 2, 2},
      {72, 4, 0x100000},
      {76, 4, 0x1000},
      {92, 4, 16},
  };
  for (const OptionalField& field : fields) {
    writer.Put(optional + field.at, field.size, field.value);
  }
  for (uint64_t at = optional + 96; at < table; at += 4) writer.Put(at, 4, 0);
  uint64_t raw = headers;
  for (uint64_t index = 0; index < count; ++index) {
    const uint64_t header = table + 40 * index;
    const uint64_t size = RoundUp(layout.section_bytes[index], kAlignment);
    writer.PutText(header, ".s" + std::to_string(index));
    writer.Put(header + 8, 4, size);
    writer.Put(header + 12, 4, addresses[index]);
    writer.Put(header + 16, 4, size);
    writer.Put(header + 20, 4, raw);
    writer.Put(header + 36, 4, 0x60000020);
    raw += size;
  }
  writer.Grow(headers);
  return writer.Finish(layout, headers);
}

Executable BuildElf(const ExecutableLayout& layout) {
  constexpr uint64_t kHeader = 64;
  constexpr uint64_t kProgramHeader = 56;
  constexpr uint64_t kSectionHeader = 64;
  const uint64_t count = layout.section_bytes.size();
  const uint64_t table = kHeader + kProgramHeader;
  const uint64_t headers = RoundUp(table + kSectionHeader * count, kAlignment);
  uint64_t end = headers;
  FileWriter writer;
  writer.PutText(0, std::string_view("\x7f"
                                     "ELF\x02\x01\x01",
                                     7));
  writer.Put(16, 2, 2);
  writer.Put(18, 2, 62);
  writer.Put(20, 4, 1);
  writer.Put(24, 8, kImageBase + headers + layout.entry_in_first_section);
  writer.Put(32, 8, kHeader);
  writer.Put(40, 8, table);
  writer.Put(48, 4, 0);
  writer.Put(52, 2, kHeader);
  writer.Put(54, 2, kProgramHeader);
  writer.Put(56, 2, 1);
  writer.Put(58, 2, kSectionHeader);
  writer.Put(60, 2, count);
  writer.Put(62, 2, 0);
  for (uint64_t index = 0; index < count; ++index) {
    const uint64_t header = table + kSectionHeader * index;
    const uint64_t size = RoundUp(layout.section_bytes[index], kAlignment);
    writer.Put(header, 4, 0);
    writer.Put(header + 4, 4, 1);
    writer.Put(header + 8, 8, 6);
    writer.Put(header + 16, 8, kImageBase + end);
    writer.Put(header + 24, 8, end);
    writer.Put(header + 32, 8, size);
    end += size;
  }
  writer.Put(kHeader, 4, 1);
  writer.Put(kHeader + 4, 4, 7);
  writer.Put(kHeader + 8, 8, 0);
  writer.Put(kHeader + 16, 8, kImageBase);
  writer.Put(kHeader + 24, 8, kImageBase);
  writer.Put(kHeader + 32, 8, end);
  writer.Put(kHeader + 40, 8, end);
  writer.Put(kHeader + 48, 8, kPageBytes);
  return writer.Finish(layout, headers);
}

// 32 bits, one segment, and a thread that starts at the entry point. For a
// PowerPC: of other processors clamscan takes 0 for the entry point.
Executable BuildMachO(const ExecutableLayout& layout) {
  constexpr uint64_t kHeader = 28;
  constexpr uint64_t kSegment = 56;
  constexpr uint64_t kSectionHeader = 68;
  constexpr uint64_t kThread = 80;
  const uint64_t count = layout.section_bytes.size();
  const uint64_t segment_bytes = kSegment + kSectionHeader * count;
  const uint64_t thread = kHeader + segment_bytes;
  const uint64_t headers = RoundUp(thread + kThread, kAlignment);
  FileWriter writer;
  const uint64_t header_words[] = {
      0xfeedface, 18, 0, 2, 2, segment_bytes + kThread, 0};
  for (uint64_t index = 0; index < 7; ++index) {
    writer.Put(4 * index, 4, header_words[index]);
  }
  uint64_t end = headers;
  for (uint64_t index = 0; index < count; ++index) {
    const uint64_t header = kHeader + kSegment + kSectionHeader * index;
    const uint64_t size = RoundUp(layout.section_bytes[index], kAlignment);
    writer.PutText(header, "__s" + std::to_string(index));
    writer.PutText(header + 16, "__TEXT");
    const uint64_t words[] = {kPageBytes + end, size, end};
    for (uint64_t word = 0; word < 3; ++word) {
      writer.Put(header + 32 + 4 * word, 4, words[word]);
    }
    end += size;
  }
  const uint64_t segment_words[] = {1, segment_bytes};
  writer.Put(kHeader, 4, segment_words[0]);
  writer.Put(kHeader + 4, 4, segment_words[1]);
  writer.PutText(kHeader + 8, "__TEXT");
  const uint64_t rest[] = {kPageBytes, end, 0, end, 7, 5, count, 0};
  for (uint64_t word = 0; word < 8; ++word) {
    writer.Put(kHeader + 24 + 4 * word, 4, rest[word]);
  }
  const uint64_t thread_words[] = {5, kThread, 1, 16};
  for (uint64_t word = 0; word < 4; ++word) {
    writer.Put(thread + 4 * word, 4, thread_words[word]);
  }
  writer.Put(thread + 16, 4,
             kPageBytes + headers + layout.entry_in_first_section);
  return writer.Finish(layout, headers);
}

}  // namespace

Executable BuildExecutable(const ExecutableLayout& layout) {
  assert(!layout.section_bytes.empty());
  if (layout.target == 6) return BuildElf(layout);
  if (layout.target == 9) return BuildMachO(layout);
  assert(layout.target == 1);
  return BuildPe(layout);
}

}  // namespace gatehouse::oracle
