// IgnoreList: signatures that are not to be loaded, by name.
//
//   name  name:md5        .ign2; the MD5 is that of the signature's whole line
//   file:line:name        .ign
//
// A name counts with and without .UNOFFICIAL at its end, which the formats'
// first implementation adds to what it shows.
//
// Thread-compatible. Owns its names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "signatures/clamav/signature_line.h"

namespace gatehouse {

struct IgnoreEntry {
  std::string name;
  std::string line_md5;  // Lower-case hex; empty: any line.
};

// `line` has no line end and no NUL.
[[nodiscard]] ParsedLine<IgnoreEntry> ParseIgnoreLine(std::string_view line);

class IgnoreList {
 public:
  void Add(IgnoreEntry entry);
  // `line` is the whole line of the signature.
  [[nodiscard]] bool Includes(std::string_view name,
                              std::string_view line) const;
  [[nodiscard]] bool empty() const { return entries_.empty(); }

 private:
  std::multimap<std::string, std::string, std::less<>> entries_;
};

}  // namespace gatehouse
