#include "engine/format/pe_facts.h"

#include <algorithm>

#include "engine/format/fields.h"
#include "engine/format/pe_resources.h"

namespace gatehouse {

// What offsets in signatures mean was found out from ClamAV 1.4.6 with files
// made for it. The surprises: raw offsets are rounded down and raw sizes up to
// the file alignment, unless one section shows that the alignment is a lie
// (then 512 is taken); a section is cut at the file's end; sections are looked
// through from the last one; and a file whose entry point lies nowhere in it
// has no facts at all.

namespace {

constexpr size_t kDosHeaderBytes = 64;
constexpr size_t kCoffHeaderBytes = 24;  // With the "PE\0\0" in front.
constexpr size_t kOptionalBytes32 = 96;  // Without the data directories.
constexpr size_t kOptionalBytes64 = 112;
constexpr size_t kDirectoryBytes = 8;
constexpr uint32_t kDirectoriesMax = 16;
constexpr size_t kSectionBytes = 40;
constexpr uint32_t kUsualAlignment = 512;
constexpr uint32_t kSignBit = uint32_t{1} << 31U;

// The fields of the headers that matter.
struct PeHeaders {
  uint16_t section_count = 0;
  uint64_t sections_offset = 0;
  uint32_t entry_address = 0;
  uint32_t section_alignment = 0;
  uint32_t file_alignment = 0;
  uint32_t header_bytes = 0;
  PeLayout layout;
};

// An alignment of zero aligns nothing.
uint32_t RoundDown(uint32_t value, uint32_t alignment) {
  return alignment == 0 ? value : value - value % alignment;
}

// In 32 bits, as everywhere in these headers: what overflows becomes small.
uint32_t RoundUp(uint32_t value, uint32_t alignment) {
  if (alignment == 0 || value % alignment == 0) return value;
  return value - value % alignment + alignment;
}

AddressRange DirectoryAt(const Fields& directories, size_t index) {
  const size_t offset = index * kDirectoryBytes;
  if (directories.size() < offset + kDirectoryBytes) return {};
  return {directories.U32(offset), directories.U32(offset + 4)};
}

std::optional<PeHeaders> ReadHeaders(Content& content) {
  const Fields dos(content.At(0, kDosHeaderBytes));
  if (dos.size() < kDosHeaderBytes) return std::nullopt;
  const uint64_t coff_offset = dos.U32(0x3c);
  const Fields coff(content.At(coff_offset, kCoffHeaderBytes));
  if (coff.size() < kCoffHeaderBytes) return std::nullopt;
  constexpr uint32_t kSignature = 0x4550;  // "PE\0\0"
  if (coff.U32(0) != kSignature) return std::nullopt;
  PeHeaders headers;
  headers.section_count = coff.U16(6);
  const uint16_t optional_bytes = coff.U16(20);
  const uint64_t optional_offset = coff_offset + kCoffHeaderBytes;
  headers.sections_offset = optional_offset + optional_bytes;
  if (headers.section_count == 0 || headers.section_count > kPeSectionsMax ||
      optional_bytes < kOptionalBytes32) {
    return std::nullopt;
  }

  constexpr size_t kReadMax = kOptionalBytes64 + kDirectoriesMax * 8;
  const ByteView bytes = content.At(optional_offset, kReadMax);
  const Fields optional(bytes);
  if (optional.size() < kOptionalBytes32) return std::nullopt;
  constexpr uint16_t kMagic64 = 0x20b;
  headers.layout.is_64_bit = optional.U16(0) == kMagic64;
  const size_t fixed_bytes =
      headers.layout.is_64_bit ? kOptionalBytes64 : kOptionalBytes32;
  if (optional_bytes < fixed_bytes || optional.size() < fixed_bytes) {
    return std::nullopt;
  }
  headers.entry_address = optional.U32(16);
  headers.section_alignment = optional.U32(32);
  headers.file_alignment = optional.U32(36);
  headers.header_bytes = optional.U32(60);
  const size_t directory_count =
      std::min(optional.U32(fixed_bytes - 4), kDirectoriesMax);
  const size_t all_bytes = fixed_bytes + directory_count * kDirectoryBytes;
  if (optional_bytes < all_bytes || optional.size() < all_bytes) {
    return std::nullopt;
  }
  const Fields directories(
      bytes.subspan(fixed_bytes, directory_count * kDirectoryBytes));
  headers.layout.imports = DirectoryAt(directories, 1);
  headers.layout.resources = DirectoryAt(directories, 2);
  return headers;
}

// Some packers give an alignment that their own sections break, and Windows
// does not mind.
uint32_t TrueFileAlignment(const Fields& table, const PeHeaders& headers) {
  const uint32_t alignment = headers.file_alignment;
  if (alignment == 0) return alignment;
  for (size_t i = 0; i < headers.section_count; ++i) {
    const uint32_t raw_bytes = table.U32(i * kSectionBytes + 16);
    const uint32_t raw_offset = table.U32(i * kSectionBytes + 20);
    if (raw_bytes != 0 && raw_offset % alignment != 0 &&
        raw_offset % kUsualAlignment == 0) {
      return kUsualAlignment;
    }
  }
  return alignment;
}

// False when the sections cannot be believed.
bool ReadSections(Content& content, const PeHeaders& headers,
                  ExecutableFacts& facts) {
  const size_t table_bytes = headers.section_count * kSectionBytes;
  const Fields table(content.At(headers.sections_offset, table_bytes));
  if (table.size() < table_bytes) return false;
  const uint32_t file_alignment = TrueFileAlignment(table, headers);
  const uint64_t file_bytes = content.size();
  for (size_t i = 0; i < headers.section_count; ++i) {
    const size_t at = i * kSectionBytes;
    const uint32_t address_bytes = table.U32(at + 8);
    const uint32_t address = table.U32(at + 12);
    uint32_t raw_bytes = table.U32(at + 16);
    const uint32_t raw_offset = table.U32(at + 20);
    ExecutableSection section;
    section.address = RoundDown(address, headers.section_alignment);
    section.address_bytes = RoundUp(address_bytes, headers.section_alignment);
    section.raw_offset = RoundDown(raw_offset, file_alignment);
    section.raw_bytes = RoundUp(raw_bytes, file_alignment);
    if (section.raw_bytes != 0) {
      if (raw_offset >= file_bytes) continue;  // It does not count.
      const uint64_t rest = file_bytes - section.raw_offset;
      section.raw_bytes = std::min(section.raw_bytes, rest);
      raw_bytes = static_cast<uint32_t>(
          std::min<uint64_t>(raw_bytes, file_bytes - raw_offset));
    }
    if (section.address_bytes == 0) {
      section.address_bytes = RoundUp(raw_bytes, headers.section_alignment);
    }
    if (((address | address_bytes | raw_bytes) & kSignBit) != 0) return false;
    facts.sections.push_back(section);
  }
  return !facts.sections.empty();
}

}  // namespace

std::optional<uint64_t> PeFileOffset(const ExecutableFacts& facts,
                                     uint64_t file_bytes, uint32_t address) {
  if (address < facts.pe.header_bytes) {
    if (address >= file_bytes) return std::nullopt;
    return address;
  }
  const auto found =
      std::find_if(facts.sections.rbegin(), facts.sections.rend(),
                   [address](const ExecutableSection& section) {
                     return address >= section.address &&
                            address - section.address < section.raw_bytes;
                   });
  if (found == facts.sections.rend()) return std::nullopt;
  return found->raw_offset + (address - found->address);
}

void ReadPeFacts(Content& content, ExecutableFacts& facts) {
  facts.Clear();
  const std::optional<PeHeaders> headers = ReadHeaders(content);
  if (!headers) return;
  facts.pe = headers->layout;
  facts.pe.header_bytes =
      RoundUp(headers->header_bytes, headers->section_alignment);
  if (ReadSections(content, *headers, facts)) {
    facts.entry_point =
        PeFileOffset(facts, content.size(), headers->entry_address);
  }
  if (!facts.entry_point) {
    facts.Clear();
    return;
  }
  facts.is_valid = true;
  ReadVersionStrings(content, facts);
}

}  // namespace gatehouse
