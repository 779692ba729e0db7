// LoadReport: what became of every line of the signature files.
//
// Thread-compatible plain values; own their text. Names of files and
// signatures are bytes somebody else chose: escape them (DisplayText) before
// showing them. Reasons are safe to show.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gatehouse {

// Problems beyond this many are only counted.
inline constexpr size_t kLoadProblemsMax = 1000;
inline constexpr size_t kIgnoredFilesMax = 1000;

// lines == loaded + skipped + malformed, always.
struct LineCounts {
  uint64_t lines = 0;      // Neither empty nor a comment.
  uint64_t loaded = 0;     // Became a signature.
  uint64_t skipped = 0;    // Correct, but not for this version of the engine.
  uint64_t malformed = 0;  // Wrong.
};

struct FileReport {
  std::string file;
  LineCounts counts;
};

struct LoadProblem {
  std::string file;
  uint64_t line = 0;  // From 1; 0 when it concerns the file as a whole.
  std::string reason;
};

struct LoadReport {
  std::vector<FileReport> files;
  std::vector<LoadProblem> problems;
  uint64_t problems_left_out = 0;
  std::vector<std::string> ignored_files;  // Not a signature file's name.
  uint64_t ignored_files_left_out = 0;

  void AddProblem(LoadProblem problem);
  void AddIgnoredFile(std::string file);
  [[nodiscard]] LineCounts Totals() const;
};

}  // namespace gatehouse
