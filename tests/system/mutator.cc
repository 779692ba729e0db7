// gatehouse_test_mutator: turns files that were clean malicious, each in one
// way, and opens each at once afterwards. A program of its own, which may run
// as another user.
//
//   gatehouse_test_mutator WAY DIRECTORY COUNT
//
// The files are DIRECTORY/0 to COUNT-1, beside each a malicious one of the same
// name with ".evil", and one that is all zero, "zeros". Prints "ready" when
// everything is prepared, waits for a line on standard input, and prints one
// JSON object: how many opens were denied, how many led to the content, and the
// errno of a way that is not possible here, else 0.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "tests/system/mutations.h"

namespace {

using gatehouse::Mutation;

struct Tally {
  int denied = 0;
  int opened = 0;
  int error = 0;  // Of a mutation, or of an open that was not denied.
};

// Whoever holds the file for the mutation still holds it.
void OpenAtOnce(const std::string& path, Tally& tally) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    ++tally.opened;
    (void)::close(fd);
  } else if (errno == EPERM) {
    ++tally.denied;
  } else {
    tally.error = errno;
  }
}

// So that it is known to be clean at this very moment.
void OpenTwice(const std::string& path) {
  for (int i = 0; i < 2; ++i) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd >= 0) (void)::close(fd);
  }
}

void Mutate(const Mutation& mutation, const std::string& path, Tally& tally) {
  OpenTwice(path);
  const gatehouse::Mutated done = mutation.apply(path);
  tally.error = done.error;
  if (done.error == 0) OpenAtOnce(path, tally);
  done.LetGo();
}

}  // namespace

int main(int argc, char** argv) {
  const Mutation* mutation =
      argc == 4 ? gatehouse::FindMutation(argv[1]) : nullptr;
  if (mutation == nullptr) {
    std::cerr << "usage: mutator WAY DIRECTORY COUNT\n";
    return 2;
  }
  std::vector<std::string> paths;
  for (int i = 0; i < std::atoi(argv[3]); ++i) {
    paths.push_back(std::string(argv[2]) + "/" + std::to_string(i));
  }
  Tally tally;
  if (mutation->prepare != nullptr) {
    for (const std::string& path : paths) {
      if (tally.error == 0) tally.error = mutation->prepare(path);
    }
  }
  std::cout << "ready" << std::endl;
  std::string line;
  (void)std::getline(std::cin, line);
  for (const std::string& path : paths) {
    if (tally.error == 0) Mutate(*mutation, path, tally);
  }
  std::cout << "{\"denied\":" << tally.denied << ",\"opened\":" << tally.opened
            << ",\"errno\":" << tally.error << "}" << std::endl;
  return 0;
}
