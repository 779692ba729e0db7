// make_lines EXTENSION SEED COUNT [valid|malformed|level]
//
// Prints COUNT random lines of a format, named X.1 to X.COUNT; malformed ones
// and those for other levels have their class in front, and a tab.
#include <iostream>
#include <string>

#include "tests/signatures/oracle/signature_line.h"
#include "tests/signatures/oracle/signature_maker.h"
#include "tests/signatures/oracle/text.h"

int main(int argc, char** argv) {
  const auto seed = gatehouse::oracle::ParseDecimal(argc > 2 ? argv[2] : "");
  const auto count = gatehouse::oracle::ParseDecimal(argc > 3 ? argv[3] : "");
  if (!seed || !count || argc > 5) {
    std::cerr << "usage: make_lines EXTENSION SEED COUNT "
                 "[valid|malformed|level]\n";
    return 2;
  }
  const std::string extension = argv[1];
  const std::string kind = argc > 4 ? argv[4] : "valid";
  gatehouse::oracle::SignatureMaker maker(*seed);
  for (uint64_t number = 1; number <= *count; ++number) {
    const std::string name = "X." + std::to_string(number);
    if (kind == "malformed") {
      const auto line = maker.MakeMalformed(extension, name);
      std::cout << line.reason << '\t' << line.text << '\n';
    } else if (kind == "level") {
      const auto line = maker.MakeForOtherLevel(
          extension, name, gatehouse::oracle::kFunctionalityLevel);
      if (line) std::cout << line->reason << '\t' << line->text << '\n';
    } else {
      std::cout << maker.Make(extension, name).text << '\n';
    }
  }
  return 0;
}
