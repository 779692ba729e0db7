#include "cli/artefact_directory.h"

#include <unistd.h>

#include <cstdlib>

namespace gatehouse {
namespace {

// An absolute path, as the XDG base directory specification demands.
std::string PathFromEnvironment(const char* name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment.
  const char* const value = std::getenv(name);
  return value != nullptr && value[0] == '/' ? value : "";
}

}  // namespace

Result<std::string> DefaultArtefactDirectory() {
  // Root's environment may be that of the user who called sudo.
  if (::geteuid() == 0) return std::string("/var/lib/gatehouse/definitions");
  std::string cache = PathFromEnvironment("XDG_CACHE_HOME");
  if (cache.empty()) {
    cache = PathFromEnvironment("HOME");
    if (cache.empty()) {
      return Fail(ErrorCode::kNotFound,
                  "neither XDG_CACHE_HOME nor HOME is an absolute path");
    }
    cache += "/.cache";
  }
  return cache + "/gatehouse";
}

}  // namespace gatehouse
