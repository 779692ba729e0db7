// make_instances DATABASE OUT_DIR [--first N] [--count N]
//
// Writes for each line of the database, from the Nth on, OUT_DIR/LINE.match,
// which its signature must match, and OUT_DIR/LINE.broken, which it must not;
// and OUT_DIR/index.tsv: line, name, format, status, reason. The status is
// "match", "match-only" (no single byte breaks it) or "unmakeable".
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>

#include "tests/signatures/oracle/instance_maker.h"
#include "tests/signatures/oracle/text.h"

namespace {

using gatehouse::oracle::FailureKind;
using gatehouse::oracle::Instance;
using gatehouse::oracle::LineForm;
using gatehouse::oracle::ParseFailure;
using gatehouse::oracle::Signature;

struct Options {
  std::filesystem::path database;
  std::filesystem::path directory;
  uint64_t first = 1;
  uint64_t count = UINT64_MAX;
};

struct Row {
  std::string name;
  std::string status;
  std::string reason;
};

bool ParseOptions(int argc, char** argv, Options& options) {
  if (argc < 3 || argc % 2 == 0) return false;
  options.database = argv[1];
  options.directory = argv[2];
  for (int index = 3; index < argc; index += 2) {
    const std::string key = argv[index];
    const auto value = gatehouse::oracle::ParseDecimal(argv[index + 1]);
    if (!value || (key != "--first" && key != "--count")) return false;
    (key == "--first" ? options.first : options.count) = *value;
  }
  return true;
}

void WriteFile(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
}

Row MakeFiles(LineForm form, const std::string& line,
              const std::filesystem::path& stem) {
  const auto parsed = gatehouse::oracle::ParseLine(form, line);
  if (gatehouse::oracle::IsFailure(parsed)) {
    const auto& failure = std::get<ParseFailure>(parsed);
    const bool skipped = failure.kind == FailureKind::kSkipped;
    return {"?", "unmakeable",
            (skipped ? "skipped: " : "malformed: ") + failure.reason};
  }
  const auto& signature = std::get<Signature>(parsed);
  const auto made = gatehouse::oracle::MakeInstance(signature);
  if (gatehouse::oracle::IsFailure(made)) {
    return {signature.name, "unmakeable", std::get<ParseFailure>(made).reason};
  }
  const auto& instance = std::get<Instance>(made);
  WriteFile(stem.string() + ".match", instance.matching.bytes);
  if (!instance.broken) return {signature.name, "match-only", "not breakable"};
  WriteFile(stem.string() + ".broken", instance.broken->bytes);
  return {signature.name, "match", ""};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!ParseOptions(argc, argv, options)) {
    std::cerr << "usage: make_instances DATABASE OUT_DIR [--first N] "
                 "[--count N]\n";
    return 2;
  }
  std::string extension = options.database.extension().string();
  if (!extension.empty()) extension.erase(0, 1);
  const auto form =
      gatehouse::oracle::LineFormOf(gatehouse::oracle::LowerCase(extension));
  std::ifstream database(options.database, std::ios::binary);
  if (!form || !database) {
    std::cerr << "make_instances: cannot read " << options.database << '\n';
    return 1;
  }
  std::error_code ignored;  // Opening the index tells.
  std::filesystem::create_directories(options.directory, ignored);
  std::ofstream index(options.directory / "index.tsv");
  if (!index) {
    std::cerr << "make_instances: cannot write to " << options.directory
              << '\n';
    return 1;
  }
  std::string line;
  for (uint64_t number = 1; std::getline(database, line); ++number) {
    if (number < options.first) continue;
    if (number - options.first >= options.count) break;
    if (line.empty() || line.front() == '#') continue;
    const Row row =
        MakeFiles(*form, line, options.directory / std::to_string(number));
    index << number << '\t' << row.name << '\t' << extension << '\t'
          << row.status << '\t' << row.reason << '\n';
  }
  return 0;
}
