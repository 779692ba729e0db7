// The daemon that tests of --protect-all run: whatever it selects, it marks
// only the devices that the test has made. No program that ships is linked with
// this.
//
// The linker sends the calls that mark a file system here (--wrap). The file
// that $GATEHOUSE_TEST_DEVICES names has a device, "0:51", in each line;
// without the variable the daemon does not start, without the file it marks
// nothing.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "es_linux.h"

namespace {

constexpr const char* kVariable = "GATEHOUSE_TEST_DEVICES";
constexpr int kExitUsage = 2;

const char* ListOfDevices() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread exists.
  static const char* const path = std::getenv(kVariable);
  return path;
}

// Before main: nothing can have been marked.
[[gnu::constructor]] void RefuseWithoutAList() {
  const char* path = ListOfDevices();
  if (path != nullptr && *path != '\0') return;
  (void)std::fprintf(stderr, "Error: %s is not set\n", kVariable);
  ::_exit(kExitUsage);
}

bool IsOfTheTest(int directory) {
  struct stat status = {};
  struct stat root = {};
  if (::fstat(directory, &status) != 0 || ::stat("/", &root) != 0 ||
      status.st_dev == root.st_dev) {
    return false;
  }
  const std::string device = std::to_string(major(status.st_dev)) + ":" +
                             std::to_string(minor(status.st_dev));
  std::ifstream list(ListOfDevices());
  std::string line;
  while (std::getline(list, line)) {
    if (line == device) return true;
  }
  return false;
}

}  // namespace

extern "C" {

// The linker's names.
// NOLINTBEGIN(bugprone-reserved-identifier)
int __real_esl_watch_open_file_system(es_client_t* client, int directory,
                                      const char* path);
int __wrap_esl_watch_open_file_system(es_client_t* client, int directory,
                                      const char* path);
int __wrap_esl_watch_file_system(es_client_t* client, const char* path);

int __wrap_esl_watch_open_file_system(es_client_t* client, int directory,
                                      const char* path) {
  if (!IsOfTheTest(directory)) return EPERM;
  return __real_esl_watch_open_file_system(client, directory, path);
}

// By path, which may lead anywhere: never.
int __wrap_esl_watch_file_system(es_client_t* /*client*/,
                                 const char* /*path*/) {
  return EPERM;
}
// NOLINTEND(bugprone-reserved-identifier)
}
