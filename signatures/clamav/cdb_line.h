// Lines of .cdb files: what an entry of an archive is like.
//
//   Name:ContainerType:ContainerSize:FileName:SizeInContainer:RealSize:
//   IsEncrypted:Position:Checksum:Reserved[:MinFL[:MaxFL]]
//
// Thread-safe: a pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "signatures/clamav/signature_line.h"
#include "signatures/file_type.h"
#include "signatures/signature.h"

namespace gatehouse {

// Each member that is not given may be anything.
struct ArchiveEntry {
  std::string name;
  FileType container = FileType::kAny;
  NumberRange container_size;
  std::string file_name;  // An expression that matches somewhere; empty: any.
  NumberRange packed_size;
  NumberRange real_size;
  std::optional<bool> is_encrypted;
  NumberRange position;  // In the archive, from 1.
  std::string checksum;
};

// `line` has no line end and no NUL.
[[nodiscard]] ParsedLine<ArchiveEntry> ParseCdbLine(std::string_view line);

}  // namespace gatehouse
