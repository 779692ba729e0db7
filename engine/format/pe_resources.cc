#include "engine/format/pe_resources.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "engine/format/fields.h"
#include "engine/format/pe_facts.h"

namespace gatehouse {

// Resources are a tree of three levels, type, name and language, whose leaves
// say where the resource lies. The version resource is a tree of another kind:
// each node has a length, a key in UTF-16, perhaps a value, and children; the
// strings are the nodes of the fourth level, below VS_VERSION_INFO,
// StringFileInfo and a table per language.

namespace {

constexpr uint32_t kVersionType = 16;
constexpr uint32_t kSubdirectoryBit = uint32_t{1} << 31U;
constexpr size_t kDirectoryBytes = 16;
constexpr size_t kEntryBytes = 8;
// A node: its length, its value's length, its type; then the key.
constexpr size_t kNodeBytes = 6;

class VersionReader {
 public:
  VersionReader(Content& content, ExecutableFacts& facts)
      : content_(content), facts_(facts) {}

  void ReadDirectory(uint32_t offset, int level);

 private:
  ByteView AtAddress(uint64_t address, size_t bytes) const;
  void ReadLeaf(uint32_t offset);
  void ReadVersion(uint64_t file_offset, ByteView bytes);
  void ReadTables(uint64_t file_offset, ByteView tables);
  void ReadStrings(uint64_t file_offset, ByteView strings);

  Content& content_;
  ExecutableFacts& facts_;
  size_t entries_ = 0;
  size_t resources_ = 0;
};

ByteView VersionReader::AtAddress(uint64_t address, size_t bytes) const {
  if (address > UINT32_MAX) return {};
  const std::optional<uint64_t> offset =
      PeFileOffset(facts_, content_.size(), static_cast<uint32_t>(address));
  if (!offset) return {};
  return content_.At(*offset, bytes);
}

// `offset` counts from the start of the resources. The recursion ends with the
// level of languages; entries_ bounds what a tree that loops costs.
void VersionReader::ReadDirectory(uint32_t offset, int level) {
  constexpr int kLanguageLevel = 2;
  const uint64_t address = uint64_t{facts_.pe.resources.address} + offset;
  const Fields header(AtAddress(address, kDirectoryBytes));
  if (header.size() < kDirectoryBytes) return;
  const uint32_t count = uint32_t{header.U16(12)} + header.U16(14);
  for (uint32_t i = 0; i < count && entries_ < kResourceEntriesMax; ++i) {
    ++entries_;
    // Read one by one: what lies deeper needs the window too.
    const Fields entry(AtAddress(
        address + kDirectoryBytes + uint64_t{i} * kEntryBytes, kEntryBytes));
    if (entry.size() < kEntryBytes) return;
    const uint32_t place = entry.U32(4);
    const bool is_directory = (place & kSubdirectoryBit) != 0;
    if (level == 0 && entry.U32(0) != kVersionType) continue;
    if (level < kLanguageLevel && is_directory) {
      ReadDirectory(place & ~kSubdirectoryBit, level + 1);
    } else if (level == kLanguageLevel && !is_directory) {
      ReadLeaf(place);
    }
  }
}

void VersionReader::ReadLeaf(uint32_t offset) {
  if (resources_ == kVersionResourcesMax) return;
  ++resources_;
  const Fields leaf(
      AtAddress(uint64_t{facts_.pe.resources.address} + offset, 16));
  if (leaf.size() < 16) return;
  const std::optional<uint64_t> file_offset =
      PeFileOffset(facts_, content_.size(), leaf.U32(0));
  if (!file_offset) return;
  const size_t bytes = std::min<size_t>(leaf.U32(4), kContentWindowMax);
  ReadVersion(*file_offset, content_.At(*file_offset, bytes));
}

// The node that `bytes` start with, cut at their end; empty when there is none.
ByteView NodeOf(ByteView bytes) {
  if (bytes.size() < kNodeBytes) return {};
  const size_t length = Fields(bytes).U16(0);
  if (length < kNodeBytes) return {};
  return bytes.first(std::min(length, bytes.size()));
}

bool HasKey(ByteView node, std::string_view key) {
  if (node.size() < kNodeBytes + 2 * key.size()) return false;
  for (size_t i = 0; i < key.size(); ++i) {
    if (node[kNodeBytes + 2 * i] != static_cast<uint8_t>(key[i]) ||
        node[kNodeBytes + 2 * i + 1] != 0) {
      return false;
    }
  }
  return true;
}

// Where the next node starts: nodes are aligned to four bytes.
size_t Aligned(size_t offset) { return (offset + 3) & ~size_t{3}; }

ByteView From(ByteView bytes, size_t offset) {
  return bytes.subspan(std::min(offset, bytes.size()));
}

void VersionReader::ReadVersion(uint64_t file_offset, ByteView bytes) {
  constexpr std::string_view kStrings = "StringFileInfo";
  const ByteView root = NodeOf(bytes);
  if (!HasKey(root, "VS_VERSION_INFO")) return;
  const size_t value_offset = Aligned(kNodeBytes + 2 * 16);
  size_t at = Aligned(value_offset + Fields(root).U16(2));
  for (ByteView node = NodeOf(From(root, at)); !node.empty();
       node = NodeOf(From(root, at))) {
    if (HasKey(node, kStrings)) {
      const size_t tables = Aligned(kNodeBytes + 2 * (kStrings.size() + 1));
      ReadTables(file_offset + at + tables, From(node, tables));
    }
    at += Aligned(node.size());
  }
}

void VersionReader::ReadTables(uint64_t file_offset, ByteView tables) {
  // A language and a code page, as eight digits.
  constexpr size_t kStringsOffset = 24;
  size_t at = 0;
  for (ByteView node = NodeOf(tables); !node.empty();
       node = NodeOf(From(tables, at))) {
    ReadStrings(file_offset + at + kStringsOffset, From(node, kStringsOffset));
    at += Aligned(node.size());
  }
}

void VersionReader::ReadStrings(uint64_t file_offset, ByteView strings) {
  size_t at = 0;
  for (ByteView node = NodeOf(strings); !node.empty();
       node = NodeOf(From(strings, at))) {
    if (facts_.version_strings.size() == kVersionStringsMax) return;
    facts_.version_strings.push_back(file_offset + at + kNodeBytes);
    at += Aligned(node.size());
  }
}

}  // namespace

void ReadVersionStrings(Content& content, ExecutableFacts& facts) {
  assert(facts.is_valid);
  if (facts.pe.resources.address == 0) return;
  VersionReader(content, facts).ReadDirectory(0, 0);
  std::sort(facts.version_strings.begin(), facts.version_strings.end());
}

}  // namespace gatehouse
