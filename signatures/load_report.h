// LoadReport: what became of every line of the signature files.
//
// Thread-compatible plain values; own their text. Names of files and
// signatures are bytes somebody else chose: escape them (DisplayText) before
// showing them. Reasons are safe to show.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gatehouse {

// Problems beyond this many are only counted.
inline constexpr size_t kLoadProblemsMax = 1000;
inline constexpr size_t kIgnoredFilesMax = 1000;

// lines == loaded + skipped() + malformed, always.
struct LineCounts {
  uint64_t lines = 0;         // Neither empty nor a comment.
  uint64_t loaded = 0;        // Became a signature, or an entry of a list.
  uint64_t level = 0;         // For engines of another functionality level.
  uint64_t unsupported = 0;   // Needs something this version cannot do.
  uint64_t ignored = 0;       // By an .ign or .ign2 file.
  uint64_t unwanted = 0;      // About potentially unwanted applications.
  uint64_t switched_off = 0;  // Hashes of any size, which are switched off.
  uint64_t malformed = 0;     // Wrong.

  [[nodiscard]] uint64_t skipped() const {
    return level + unsupported + ignored + unwanted + switched_off;
  }
  LineCounts& operator+=(const LineCounts& other);
};

struct FileReport {
  std::string file;
  int64_t modified_ms = 0;  // When it was written, since 1970; 0: unknown.
  LineCounts counts;
  // Lines by what they need and this version cannot do.
  std::map<std::string, uint64_t> unsupported;
};

struct LoadProblem {
  std::string file;
  uint64_t line = 0;  // From 1; 0 when it concerns the file as a whole.
  std::string reason;
};

struct LoadReport {
  std::vector<FileReport> files;
  // What is malformed, and files that cannot be read.
  std::vector<LoadProblem> problems;
  uint64_t problems_left_out = 0;
  std::vector<std::string> ignored_files;  // Not a signature file's name.
  uint64_t ignored_files_left_out = 0;
  // Digests of any size: they make us digest every byte of every file.
  uint64_t any_size_hashes = 0;

  void AddProblem(LoadProblem problem);
  void AddIgnoredFile(std::string file);
  [[nodiscard]] LineCounts Totals() const;
};

}  // namespace gatehouse
