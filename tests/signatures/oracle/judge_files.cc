// judge_files DATABASE FILE...: what the oracle says of each file.
//
// One line for each signature that matches, "FILE<tab>NAME"; one for each
// that cannot be judged, "FILE<tab>?NAME". Lines of the database that are
// not loaded go to the standard error with their reason. Files count as of
// no known type, so that only signatures of target 0 match.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "tests/signatures/oracle/slow_matcher.h"
#include "tests/signatures/oracle/text.h"

namespace {

using gatehouse::oracle::FailureKind;
using gatehouse::oracle::SlowMatcher;

int LoadDatabase(const std::filesystem::path& path, SlowMatcher& matcher) {
  const std::string extension = path.extension().string();
  const auto form = gatehouse::oracle::LineFormOf(gatehouse::oracle::LowerCase(
      extension.substr(extension.empty() ? 0 : 1)));
  if (!form) {
    std::cerr << "judge_files: unknown extension: " << path << '\n';
    return 1;
  }
  std::ifstream database(path, std::ios::binary);
  std::string line;
  for (int number = 1; std::getline(database, line); ++number) {
    const auto failure = matcher.AddLine(*form, line);
    if (!failure) continue;
    const bool skipped = failure->kind == FailureKind::kSkipped;
    std::cerr << number << (skipped ? "\tskipped\t" : "\tmalformed\t")
              << failure->reason << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: judge_files DATABASE FILE...\n";
    return 2;
  }
  SlowMatcher matcher;
  if (LoadDatabase(argv[1], matcher) != 0) return 2;
  for (int index = 2; index < argc; ++index) {
    std::ifstream file(argv[index], std::ios::binary);
    gatehouse::oracle::Subject subject;
    subject.bytes.assign(std::istreambuf_iterator<char>(file), {});
    const auto outcome = matcher.Match(subject);
    for (const std::string& name : outcome.names) {
      std::cout << argv[index] << '\t' << name << '\n';
    }
    for (const std::string& name : outcome.unjudged) {
      std::cout << argv[index] << "\t?" << name << '\n';
    }
  }
  return 0;
}
