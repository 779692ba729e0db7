// TypeMagics: a closer look at what is only known to be text, or bytes.
//
// Asks the magics of a signature set about the first bytes of a file.
//
// One thread at a time. Borrows the table, which must outlive it.
#pragma once

#include <bitset>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "engine/matching/pattern_search.h"
#include "signatures/file_type.h"
#include "signatures/magic_table.h"

namespace gatehouse {

class TypeMagics {
 public:
  explicit TypeMagics(const MagicTable& table);

  // The type of a layer that begins with `head`, as DetectFileType takes it
  // and of which it said `detected`. Does nothing to other types than text and
  // unrecognised bytes. Allocates only for a magic that is likely to fit.
  FileType TypeOf(ByteView head, FileType detected);

 private:
  struct Magic {
    MagicRecord record;
    ByteView code;
    std::string_view run;  // Stands in all that it matches; maybe empty.
  };

  void NotePairs(ByteView head);
  bool HasPairsOf(std::string_view run) const;
  bool Fits(const Magic& magic, ByteView head);

  std::vector<Magic> fixed_;  // The first that fits decides.
  std::vector<Magic> searched_;
  // Which two bytes stand side by side in the head: of hundreds of magics
  // almost none has all its pairs there, and is looked for.
  std::bitset<size_t{1} << 16> pairs_;
  PatternSearch search_;
};

}  // namespace gatehouse
