#include "definitions/definitions_place.h"

#include <filesystem>
#include <system_error>

#include "signatures/clamav/signature_text.h"

namespace gatehouse {

DefinitionsPlace FindDefinitions(const std::string& option,
                                 const char* default_directory) {
  if (option == "none") return {};
  if (!option.empty()) return {option, false};
  std::error_code error;  // Then there is nothing to be had from it.
  for (std::filesystem::directory_iterator entry(default_directory, error), end;
       !error && entry != end; entry.increment(error)) {
    if (FormatOfFile(entry->path().filename().native())) {
      return {default_directory, true};
    }
  }
  return {};
}

}  // namespace gatehouse
