// CleanCorpus: files of this machine in memory, to measure scans of them.
//
// Only files that the statistics of clean files were not made from
// (counted_files.h). Thread-safe after it was read. Owns the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace gatehouse {

struct CleanFile {
  std::string path;
  std::vector<uint8_t> bytes;
};

struct CleanCorpus {
  std::string name;
  std::vector<CleanFile> files;
  uint64_t bytes = 0;
};

struct CorpusWish {
  uint64_t bytes = 0;  // Of each corpus, about.
  uint32_t seed = 0;   // Chooses the files.
  std::string kinds;   // Of "ABC".
  // Where files are besides in /usr: packages unpacked there. Empty: nowhere.
  std::string root;
  bool is_counted = false;  // Of the other half of the files.
};

// A: texts of at most 64 KiB below usr/share and usr/include, a tenth of them
// HTML (by bytes). B: ELF files below usr. C: PE files below usr. Smaller where
// there are fewer files.
[[nodiscard]] std::vector<CleanCorpus> ReadCleanCorpora(const CorpusWish& wish);

}  // namespace gatehouse
