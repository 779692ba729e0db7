// load_definitions DIR...: what compiling definitions costs, and what opening
// them costs once they are compiled.
//
// Several folders are one set. Compiles once, in this process; then a process
// of its own for each round opens the artefact and tells how long it took (with
// every check), and how much memory it is larger for it. Prints the medians.
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/memory_file.h"
#include "signatures/artefact.h"
#include "signatures/definitions.h"
#include "signatures/packed_load_report.h"
#include "signatures/signature_set.h"

namespace gatehouse {
namespace {

constexpr SecretKey kSecret = {1, 2, 3};
constexpr Sha256Digest kKey = {4, 5, 6};
constexpr size_t kRounds = 11;

// Of this thread's processor time: the machine may be busy.
double Now() {
  timespec time = {};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 +
         static_cast<double>(time.tv_nsec) / 1e6;
}
double Milliseconds(double since) { return Now() - since; }

// A line of /proc/self/status, in MiB.
double StatusMiB(std::string_view name) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(name)) {
      return std::strtod(line.c_str() + name.size(), nullptr) / 1024;
    }
  }
  return 0;
}

template <class Item>
void Append(std::vector<Item>& to, std::vector<Item>& from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

Signatures LoadAll(int count, char** directories) {
  Signatures all;
  for (int i = 0; i < count; ++i) {
    Result<Definitions> one = LoadDefinitions(directories[i]);
    if (!one) {
      (void)std::fprintf(stderr, "%s\n", one.error().message.c_str());
      std::exit(1);
    }
    Append(all.bodies, one->signatures.bodies);
    Append(all.hashes, one->signatures.hashes);
    Append(all.section_hashes, one->signatures.section_hashes);
    Append(all.import_hashes, one->signatures.import_hashes);
    Append(all.allowed_hashes, one->signatures.allowed_hashes);
  }
  return all;
}

struct Opened {
  double read_ms = 0;  // And authenticated.
  double open_ms = 0;  // And checked.
  double kept_mib = 0;
  double peak_mib = 0;
};

Opened OpenOnce(int artefact) {
  Opened opened;
  const double before = StatusMiB("VmRSS:");
  const double begin = Now();
  Result<WordBuffer> image = ReadArtefact(artefact, kSecret, kKey);
  if (!image) std::exit(1);
  opened.read_ms = Milliseconds(begin);
  const double middle = Now();
  const auto set = SignatureSet::Open(std::move(*image));
  if (!set) std::exit(1);
  opened.open_ms = Milliseconds(middle);
  opened.kept_mib = StatusMiB("VmRSS:") - before;
  opened.peak_mib = StatusMiB("VmHWM:") - before;
  return opened;
}

// In a process that has nothing else.
Opened OpenInProcess(int artefact) {
  std::array<int, 2> ends = {};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::exit(1);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const Opened opened = OpenOnce(artefact);
    ::_exit(::write(ends[1], &opened, sizeof(opened)) == sizeof(opened) ? 0
                                                                        : 1);
  }
  Opened opened;
  int status = 0;
  if (pid < 0 || ::read(ends[0], &opened, sizeof(opened)) != sizeof(opened) ||
      ::waitpid(pid, &status, 0) != pid || status != 0) {
    std::exit(1);
  }
  (void)::close(ends[0]);
  (void)::close(ends[1]);
  return opened;
}

double MedianOf(const std::vector<Opened>& rounds, double Opened::*member) {
  std::vector<double> values;
  for (const Opened& round : rounds) values.push_back(round.*member);
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The artefact in a file in memory.
UniqueFd MakeArtefact(int count, char** directories) {
  const double begin = Now();
  Signatures signatures = LoadAll(count, directories);
  const double read_ms = Milliseconds(begin);
  const double middle = Now();
  const Result<std::vector<uint64_t>> image =
      SignatureSet::CompileImage(std::move(signatures));
  if (!image) std::exit(1);
  std::printf("read %.0f ms, compile %.0f ms, image %.1f MiB\n", read_ms,
              Milliseconds(middle),
              static_cast<double>(image->size() * sizeof(uint64_t)) / 1048576);
  Result<UniqueFd> file = CreateMemoryFile("artefact");
  if (!file || !WriteArtefact(file->UnsafeFd(), kSecret, kKey, *image)) {
    std::exit(1);
  }
  return std::move(*file);
}

int Run(int count, char** directories) {
  const UniqueFd artefact = MakeArtefact(count, directories);
  std::vector<Opened> rounds;
  for (size_t i = 0; i < kRounds; ++i) {
    rounds.push_back(OpenInProcess(artefact.UnsafeFd()));
  }
  std::printf(
      "open: %.1f ms (read and authenticate %.1f, check %.1f), median of %zu; "
      "memory %.1f MiB, at its peak %.1f\n",
      MedianOf(rounds, &Opened::read_ms) + MedianOf(rounds, &Opened::open_ms),
      MedianOf(rounds, &Opened::read_ms), MedianOf(rounds, &Opened::open_ms),
      rounds.size(), MedianOf(rounds, &Opened::kept_mib),
      MedianOf(rounds, &Opened::peak_mib));
  return 0;
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return gatehouse::Run(argc - 1, argv + 1);
}
