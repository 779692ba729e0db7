// Makes PE, ELF and Mach-O files for tests: small, with the sections, the entry
// point and the payload that are asked for, and valid unless asked otherwise.
//
// Thread-compatible. What is made belongs to the caller. Bytes that nobody set
// are a fixed pattern, in which no 16 bytes stand twice.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/format/fields.h"

namespace gatehouse {

// A file that is filled in: grows to what is written.
class MadeFile {
 public:
  explicit MadeFile(size_t bytes, ByteOrder order = ByteOrder::kLittle)
      : order_(order) {
    Grow(bytes);
  }

  void Put(size_t offset, uint64_t value, size_t bytes) {
    Grow(offset + bytes);
    for (size_t i = 0; i < bytes; ++i) {
      const size_t at =
          order_ == ByteOrder::kLittle ? offset + i : offset + bytes - 1 - i;
      bytes_[at] = static_cast<uint8_t>(value >> (8 * i) & 0xffU);
    }
  }
  void PutText(size_t offset, std::string_view text) {
    Grow(offset + text.size());
    const ByteView bytes = AsBytes(text);
    std::copy(bytes.begin(), bytes.end(),
              bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  void Zero(size_t offset, size_t bytes) {
    Grow(offset + bytes);
    std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), bytes,
                uint8_t{0});
  }

  std::vector<uint8_t> Take() { return std::move(bytes_); }

 private:
  void Grow(size_t bytes) {
    while (bytes_.size() < bytes) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      bytes_.push_back(static_cast<uint8_t>(state_ >> 56U));
    }
  }

  std::vector<uint8_t> bytes_;
  ByteOrder order_ = ByteOrder::kLittle;
  uint64_t state_ = 1;
};

// The fields as they stand in the file, not as they are meant.
struct MadeSection {
  uint64_t address = 0x1000;
  uint64_t address_bytes = 0x1000;  // PE only; elsewhere it is raw_bytes.
  uint64_t raw_offset = 0x400;
  uint64_t raw_bytes = 0x200;
};

struct MadePe {
  std::vector<MadeSection> sections = std::vector<MadeSection>(1);
  uint32_t entry_address = 0x1010;
  uint32_t file_alignment = 0x200;
  uint32_t section_alignment = 0x1000;
  uint32_t header_bytes = 0x400;
  bool is_64_bit = false;
  uint32_t header_offset = 0x80;
  uint32_t directory_count = 16;
  std::optional<uint16_t> section_count = {};   // Else that of `sections`.
  std::optional<uint16_t> optional_bytes = {};  // Else what is needed.
  uint32_t import_address = 0;
  uint32_t resource_address = 0;
  size_t file_bytes = 0x1000;
};

inline std::vector<uint8_t> MakePe(const MadePe& pe) {
  MadeFile file(pe.file_bytes);
  file.Zero(0, 64);
  file.PutText(0, "MZ");
  file.Put(0x3c, pe.header_offset, 4);
  const size_t fixed_bytes = pe.is_64_bit ? 112 : 96;
  const size_t optional_bytes =
      pe.optional_bytes.value_or(static_cast<uint16_t>(fixed_bytes + 16 * 8));
  const size_t sections_offset = pe.header_offset + 24 + optional_bytes;
  file.Zero(pe.header_offset,
            24 + std::max(optional_bytes, fixed_bytes + 16 * 8));
  file.PutText(pe.header_offset, "PE");
  file.Put(pe.header_offset + 4, pe.is_64_bit ? 0x8664 : 0x14c, 2);
  file.Put(pe.header_offset + 6,
           pe.section_count.value_or(static_cast<uint16_t>(pe.sections.size())),
           2);
  file.Put(pe.header_offset + 20, optional_bytes, 2);
  file.Put(pe.header_offset + 22, 0x102, 2);
  const size_t optional = pe.header_offset + 24;
  file.Put(optional, pe.is_64_bit ? 0x20b : 0x10b, 2);
  file.Put(optional + 16, pe.entry_address, 4);
  file.Put(optional + 32, pe.section_alignment, 4);
  file.Put(optional + 36, pe.file_alignment, 4);
  file.Put(optional + 60, pe.header_bytes, 4);
  file.Put(optional + fixed_bytes - 4, pe.directory_count, 4);
  file.Put(optional + fixed_bytes + 8, pe.import_address, 4);
  file.Put(optional + fixed_bytes + 16, pe.resource_address, 4);
  for (size_t i = 0; i < pe.sections.size(); ++i) {
    const MadeSection& section = pe.sections[i];
    const size_t at = sections_offset + 40 * i;
    file.Zero(at, 40);
    file.PutText(at, ".made");
    file.Put(at + 8, section.address_bytes, 4);
    file.Put(at + 12, section.address, 4);
    file.Put(at + 16, section.raw_bytes, 4);
    file.Put(at + 20, section.raw_offset, 4);
  }
  return file.Take();
}

struct MadeSegment {
  uint64_t address = 0x400000;
  uint64_t offset = 0;
  uint64_t bytes = 0x1000;
};

struct MadeElf {
  std::vector<MadeSegment> segments = std::vector<MadeSegment>(1);
  std::vector<MadeSection> sections = {};
  uint64_t entry_address = 0x400100;
  bool is_64_bit = true;
  ByteOrder order = ByteOrder::kLittle;
  size_t file_bytes = 0x2000;  // The section headers stand at its end.
};

inline std::vector<uint8_t> MakeElf(const MadeElf& elf) {
  const size_t word = elf.is_64_bit ? 8 : 4;
  const size_t header_bytes = elf.is_64_bit ? 64 : 52;
  const size_t segment_bytes = elf.is_64_bit ? 56 : 32;
  const size_t section_bytes = elf.is_64_bit ? 64 : 40;
  const size_t sections_offset =
      elf.file_bytes - elf.sections.size() * section_bytes;
  MadeFile file(elf.file_bytes, elf.order);
  file.Zero(0, header_bytes);
  file.PutText(0, "\x7f\x45LF");
  file.Put(4, elf.is_64_bit ? 2 : 1, 1);
  file.Put(5, elf.order == ByteOrder::kLittle ? 1 : 2, 1);
  file.Put(6, 1, 1);
  file.Put(16, 2, 2);
  file.Put(24, elf.entry_address, word);
  file.Put(24 + word, header_bytes, word);
  file.Put(24 + 2 * word, sections_offset, word);
  file.Put(header_bytes - 12, header_bytes, 2);
  file.Put(header_bytes - 10, segment_bytes, 2);
  file.Put(header_bytes - 8, elf.segments.size(), 2);
  file.Put(header_bytes - 6, section_bytes, 2);
  file.Put(header_bytes - 4, elf.sections.size(), 2);
  for (size_t i = 0; i < elf.segments.size(); ++i) {
    const MadeSegment& segment = elf.segments[i];
    const size_t at = header_bytes + i * segment_bytes;
    file.Zero(at, segment_bytes);
    file.Put(at, 1, 4);
    const size_t words = elf.is_64_bit ? at + 8 : at + 4;
    file.Put(words, segment.offset, word);
    file.Put(words + word, segment.address, word);
    file.Put(words + 2 * word, segment.address, word);
    file.Put(words + 3 * word, segment.bytes, word);
    file.Put(words + 4 * word, segment.bytes, word);
  }
  for (size_t i = 0; i < elf.sections.size(); ++i) {
    const MadeSection& section = elf.sections[i];
    const size_t at = sections_offset + i * section_bytes;
    file.Zero(at, section_bytes);
    file.Put(at + 4, 1, 4);
    file.Put(at + 8 + word, section.address, word);
    file.Put(at + 8 + 2 * word, section.raw_offset, word);
    file.Put(at + 8 + 3 * word, section.raw_bytes, word);
  }
  return file.Take();
}

struct MadeMachO {
  // Of one segment.
  std::vector<MadeSection> sections = std::vector<MadeSection>(1);
  uint32_t alignment_bits = 4;     // Of every section.
  uint32_t processor = 0x1000007;  // x86-64.
  bool is_64_bit = true;
  ByteOrder order = ByteOrder::kLittle;
  // The first register of the initial thread state: PowerPC's entry address.
  std::optional<uint64_t> thread_register = {};
  std::optional<uint32_t> command_count = {};  // Else how many there are.
  size_t file_bytes = 0x2000;
};

inline std::vector<uint8_t> MakeMachO(const MadeMachO& made) {
  const size_t word = made.is_64_bit ? 8 : 4;
  const size_t header_bytes = made.is_64_bit ? 32 : 28;
  const size_t segment_bytes = made.is_64_bit ? 72 : 56;
  const size_t section_bytes = made.is_64_bit ? 80 : 68;
  MadeFile file(made.file_bytes, made.order);
  const size_t commands_bytes =
      segment_bytes + made.sections.size() * section_bytes;
  file.Zero(0, header_bytes + commands_bytes);
  file.Put(0, made.is_64_bit ? 0xfeedfacf : 0xfeedface, 4);
  file.Put(4, made.processor, 4);
  file.Put(12, 2, 4);
  file.Put(16, made.command_count.value_or(made.thread_register ? 2 : 1), 4);
  file.Put(20, commands_bytes, 4);
  file.Put(header_bytes, made.is_64_bit ? 0x19 : 1, 4);
  file.Put(header_bytes + 4, commands_bytes, 4);
  file.Put(header_bytes + segment_bytes - 8, made.sections.size(), 4);
  for (size_t i = 0; i < made.sections.size(); ++i) {
    const MadeSection& section = made.sections[i];
    const size_t at = header_bytes + segment_bytes + i * section_bytes + 32;
    file.Put(at, section.address, word);
    file.Put(at + word, section.raw_bytes, word);
    file.Put(at + 2 * word, section.raw_offset, 4);
    file.Put(at + 2 * word + 4, made.alignment_bits, 4);
  }
  if (made.thread_register) {
    const size_t at = header_bytes + commands_bytes;
    file.Zero(at, 16 + 40 * word);
    file.Put(at, 5, 4);
    file.Put(at + 4, 16 + 40 * word, 4);
    file.Put(at + 16, *made.thread_register, word);
  }
  return file.Take();
}

// A universal file of these slices, each at the next multiple of 4 KiB.
inline std::vector<uint8_t> MakeUniversal(
    const std::vector<std::vector<uint8_t>>& slices) {
  MadeFile file(0x1000, ByteOrder::kBig);
  file.Put(0, 0xcafebabe, 4);
  file.Put(4, slices.size(), 4);
  size_t offset = 0x1000;
  for (size_t i = 0; i < slices.size(); ++i) {
    file.Zero(8 + 20 * i, 20);
    file.Put(8 + 20 * i + 8, offset, 4);
    file.Put(8 + 20 * i + 12, slices[i].size(), 4);
    file.PutText(offset, AsText(slices[i]));
    offset = (offset + slices[i].size() + 0xfff) & ~size_t{0xfff};
  }
  return file.Take();
}

}  // namespace gatehouse
