#include "engine/format/pe_imports.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "engine/format/fields.h"
#include "engine/format/import_ordinals.h"
#include "engine/format/pe_facts.h"

namespace gatehouse {
namespace {

char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool IsFunctionCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

// Up to the first dot: "a.b.dll" keeps its extension, as ClamAV has it.
std::string_view WithoutExtension(std::string_view library) {
  const size_t dot = library.find('.');
  if (dot == std::string_view::npos) return library;
  const std::string_view extension = library.substr(dot);
  const bool is_dropped =
      extension == ".dll" || extension == ".ocx" || extension == ".sys";
  return is_dropped ? library.substr(0, dot) : library;
}

class ImportReader {
 public:
  ImportReader(Content& content, const ExecutableFacts& facts)
      : content_(content), facts_(facts) {}

  // False: there is no text.
  bool Read();

  std::string text;

 private:
  ByteView AtAddress(uint64_t address, size_t bytes) const;
  std::optional<std::string> NameAt(uint64_t address) const;
  bool ReadLibrary(const std::string& library, uint64_t thunks);
  bool AddFunction(std::string_view library, uint64_t thunk);

  Content& content_;
  const ExecutableFacts& facts_;
  size_t functions_ = 0;
};

ByteView ImportReader::AtAddress(uint64_t address, size_t bytes) const {
  if (address > UINT32_MAX) return {};
  const std::optional<uint64_t> offset =
      PeFileOffset(facts_, content_.size(), static_cast<uint32_t>(address));
  if (!offset) return {};
  return content_.At(*offset, bytes);
}

std::optional<std::string> ImportReader::NameAt(uint64_t address) const {
  const std::string_view bytes =
      AsText(AtAddress(address, kImportNameBytesMax));
  if (bytes.empty()) return std::nullopt;
  std::string name(bytes.substr(0, bytes.find('\0')));
  std::transform(name.begin(), name.end(), name.begin(), LowerCase);
  return name;
}

bool ImportReader::Read() {
  constexpr size_t kDescriptorBytes = 20;
  uint64_t address = facts_.pe.imports.address;
  if (address == 0) return true;
  for (size_t i = 0; i < kImportLibrariesMax; ++i) {
    const Fields descriptor(AtAddress(address, kDescriptorBytes));
    if (descriptor.size() < kDescriptorBytes) return false;
    address += kDescriptorBytes;
    const uint32_t lookup_table = descriptor.U32(0);
    const uint32_t name_address = descriptor.U32(12);
    const uint32_t address_table = descriptor.U32(16);
    if (name_address == 0) return true;
    const std::optional<std::string> library = NameAt(name_address);
    if (!library) return false;
    if (!ReadLibrary(*library,
                     lookup_table != 0 ? lookup_table : address_table)) {
      return false;
    }
  }
  return false;
}

bool ImportReader::ReadLibrary(const std::string& library, uint64_t thunks) {
  const size_t thunk_bytes = facts_.pe.is_64_bit ? 8 : 4;
  while (true) {
    const Fields thunk(AtAddress(thunks, thunk_bytes));
    if (thunk.size() < thunk_bytes) return false;
    const uint64_t value =
        facts_.pe.is_64_bit ? thunk.U64(0) : uint64_t{thunk.U32(0)};
    if (value == 0) return true;
    if (functions_ == kImportFunctionsMax || !AddFunction(library, value)) {
      return false;
    }
    ++functions_;
    thunks += thunk_bytes;
  }
}

bool ImportReader::AddFunction(std::string_view library, uint64_t thunk) {
  constexpr unsigned kOrdinalBit32 = 31;
  constexpr unsigned kOrdinalBit64 = 63;
  const unsigned bit = facts_.pe.is_64_bit ? kOrdinalBit64 : kOrdinalBit32;
  std::string function;
  if ((thunk >> bit & 1U) != 0) {
    const uint16_t ordinal = static_cast<uint16_t>(thunk & 0xffffU);
    function = ImportOrdinalName(library, ordinal);
    if (function.empty()) function = "ord" + std::to_string(ordinal);
  } else {
    // A hint of two bytes stands in front of the name.
    const std::optional<std::string> name = NameAt(thunk + 2);
    if (!name) return false;
    function = *name;
  }
  if (!std::all_of(function.begin(), function.end(), IsFunctionCharacter)) {
    return false;
  }
  if (!text.empty()) text += ',';
  text += WithoutExtension(library);
  text += '.';
  text += function;
  return text.size() <= kImportTextBytesMax;
}

}  // namespace

std::optional<std::string> ReadImportText(Content& content,
                                          const ExecutableFacts& facts) {
  assert(facts.is_valid);
  ImportReader reader(content, facts);
  if (!reader.Read()) return std::nullopt;
  return std::move(reader.text);
}

}  // namespace gatehouse
