// The magics of .ftm files: by what bytes a file of some type is known.
//
// They are looked at where the engine's own magics know nothing better. Of
// those at a fixed place the last that was loaded decides, of those that are
// searched for the one with the greatest type.
//
// Thread-safe: plain values and pure functions. A MagicTable borrows the image.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "signatures/file_type.h"
#include "signatures/signature.h"

namespace gatehouse {

// Each is looked for in every text.
inline constexpr size_t kTypeMagicsMax = 1024;

struct TypeMagic {
  std::string name;
  FileType type = FileType::kAny;      // What a file with it is.
  FileType required = FileType::kAny;  // What it must look like without it.
  bool is_searched = false;            // Only then `required` counts.
  PatternOffset offset;                // kAnywhere or kStart.
  std::vector<uint8_t> program;        // See BytePattern.
};

struct MagicRecord {
  uint64_t first_place = 0;  // Where it may begin.
  uint64_t last_place = 0;   // Included.
  uint32_t code_begin = 0;
  uint32_t code_bytes = 0;
  FileType type = FileType::kAny;
  FileType required = FileType::kAny;
  uint8_t is_searched = 0;
  uint8_t reserved[5] = {};
};

struct MagicVectors {
  std::vector<MagicRecord> records;
  std::vector<uint8_t> codes;
};
[[nodiscard]] MagicVectors PackMagics(const std::vector<TypeMagic>& magics);

struct MagicTable {
  std::span<const MagicRecord> records;
  std::span<const uint8_t> codes;

  [[nodiscard]] ByteView Code(const MagicRecord& record) const {
    return codes.subspan(record.code_begin, record.code_bytes);
  }
};
// Checks everything. Errors: kInvalidInput.
Result<MagicTable> OpenMagics(std::span<const MagicRecord> records,
                              std::span<const uint8_t> codes);

}  // namespace gatehouse
