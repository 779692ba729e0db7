#include "signatures/load_report.h"

#include <utility>

namespace gatehouse {

void LoadReport::AddProblem(LoadProblem problem) {
  if (problems.size() < kLoadProblemsMax) {
    problems.push_back(std::move(problem));
  } else {
    ++problems_left_out;
  }
}

void LoadReport::AddIgnoredFile(std::string file) {
  if (ignored_files.size() < kIgnoredFilesMax) {
    ignored_files.push_back(std::move(file));
  } else {
    ++ignored_files_left_out;
  }
}

LineCounts& LineCounts::operator+=(const LineCounts& other) {
  lines += other.lines;
  loaded += other.loaded;
  level += other.level;
  unsupported += other.unsupported;
  ignored += other.ignored;
  unwanted += other.unwanted;
  switched_off += other.switched_off;
  malformed += other.malformed;
  return *this;
}

LineCounts LoadReport::Totals() const {
  LineCounts totals;
  for (const FileReport& file : files) totals += file.counts;
  return totals;
}

}  // namespace gatehouse
