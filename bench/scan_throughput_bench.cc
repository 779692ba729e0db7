// How fast the engine reads and judges, next to the least anybody needs to read
// the same files: take ratios within one run.
//
//   BM_ReadFloor/SIZE              pread in 256 KiB blocks
//   BM_ScanCleanFile/SIZE/SET      Scanner::Scan with SET literals
//   BM_WalkFloor/THREADS           list, open, read, close a tree of small
//   files BM_CorpusScan/SET/THREADS      CorpusDriver::Scan over the same tree
//
// SET 0 has only built-in rules: nothing is matched, the I/O layer remains.
#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "bench/clean_content.h"
#include "bench/small_file_tree.h"
#include "engine/corpus_driver.h"
#include "engine/scanner.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;
constexpr int kTreeFiles = 20000;

struct Size {
  const char* name = "";
  size_t bytes = 0;
};
const Size kSizes[] = {{"4KiB", size_t{4} << 10},
                       {"64KiB", size_t{64} << 10},
                       {"1MiB", size_t{1} << 20},
                       {"64MiB", size_t{64} << 20}};
const size_t kSets[] = {0, 1000, 10000};

void MustHold(bool holds) {
  if (!holds) std::abort();  // Numbers of a broken run would mislead.
}

UniqueFd MakeFile(size_t bytes) {
  UniqueFd file(::memfd_create("bench", MFD_CLOEXEC));
  const std::string content = CleanContent(bytes, 1);
  MustHold(::write(file.UnsafeFd(), content.data(), content.size()) ==
           static_cast<ssize_t>(content.size()));
  return file;
}

std::shared_ptr<const SignatureSet> Set(size_t literals) {
  static std::map<size_t, std::shared_ptr<const SignatureSet>> sets;
  auto& set = sets[literals];
  if (set == nullptr) set = RandomLiterals(literals);
  return set;
}

void Count(benchmark::State& state, uint64_t files, uint64_t bytes) {
  const auto rounds = static_cast<uint64_t>(state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(rounds * bytes));
  state.counters["files/s"] = benchmark::Counter(
      static_cast<double>(rounds * files), benchmark::Counter::kIsRate);
}

void ReadFloor(benchmark::State& state, size_t bytes) {
  const UniqueFd file = MakeFile(bytes);
  std::vector<char> block(kBlockBytes);
  for (auto round : state) {
    ssize_t count = 0;
    off_t offset = 0;
    do {
      count = ::pread(file.UnsafeFd(), block.data(), block.size(), offset);
      offset += count;
    } while (count == static_cast<ssize_t>(block.size()));
    MustHold(offset == static_cast<off_t>(bytes));
  }
  Count(state, 1, bytes);
}

void ScanCleanFile(benchmark::State& state, size_t bytes, size_t literals) {
  const UniqueFd file = MakeFile(bytes);
  auto scanner = Scanner::Create(Set(literals));
  MustHold(scanner.has_value());
  for (auto round : state) {
    const Verdict verdict = (*scanner)->Scan(file.UnsafeFd(), {});
    MustHold(verdict.kind == VerdictKind::kClean &&
             verdict.bytes_scanned == bytes);
  }
  Count(state, 1, bytes);
}

const SmallFileTree& Tree() {
  static const SmallFileTree tree(kTreeFiles);
  return tree;
}

void WalkFloor(benchmark::State& state, int threads, bool ask_status) {
  const SmallFileTree& tree = Tree();
  MustHold(tree.ReadAll(threads, ask_status) != 0);  // Warms the cache.
  for (auto round : state) MustHold(tree.ReadAll(threads, ask_status) != 0);
  Count(state, tree.files(), tree.bytes());
}

struct DroppingSink {
  static void OnVerdict(FileEvent event, const Verdict& verdict) {
    benchmark::DoNotOptimize(event.unsafe_path.data());
    MustHold(verdict.kind == VerdictKind::kClean);
  }
};

void CorpusScan(benchmark::State& state, size_t literals, int threads) {
  const SmallFileTree& tree = Tree();
  CorpusOptions options;
  options.threads = static_cast<size_t>(threads);
  auto driver = CorpusDriver::Create(Set(literals), options);
  MustHold(driver.has_value());
  DroppingSink sink;
  for (auto round : state) {
    const auto counts = (*driver)->Scan(tree.path(), SinkRef(sink));
    MustHold(counts.has_value() && counts->files_scanned == tree.files() &&
             counts->bytes_scanned == tree.bytes());
  }
  Count(state, tree.files(), tree.bytes());
}

void RegisterFileBenchmarks() {
  for (const Size& size : kSizes) {
    const std::string name = size.name;
    benchmark::RegisterBenchmark(
        ("BM_ReadFloor/" + name).c_str(),
        [size](benchmark::State& state) { ReadFloor(state, size.bytes); });
    for (const size_t set : kSets) {
      benchmark::RegisterBenchmark(
          ("BM_ScanCleanFile/" + name + "/" + std::to_string(set)).c_str(),
          [size, set](benchmark::State& state) {
            ScanCleanFile(state, size.bytes, set);
          });
    }
  }
}

void RegisterTreeBenchmarks() {
  for (const int threads : {1, 2}) {
    const std::string suffix = "/" + std::to_string(threads);
    for (const bool ask_status : {false, true}) {
      const std::string name =
          ask_status ? "BM_WalkAndStatFloor" : "BM_WalkFloor";
      benchmark::RegisterBenchmark(
          (name + suffix).c_str(),
          [threads, ask_status](benchmark::State& state) {
            WalkFloor(state, threads, ask_status);
          })
          ->UseRealTime()
          ->MeasureProcessCPUTime()
          ->Unit(benchmark::kMillisecond);
    }
    for (const size_t set : kSets) {
      benchmark::RegisterBenchmark(
          ("BM_CorpusScan/" + std::to_string(set) + suffix).c_str(),
          [set, threads](benchmark::State& state) {
            CorpusScan(state, set, threads);
          })
          ->UseRealTime()
          ->MeasureProcessCPUTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  gatehouse::RegisterFileBenchmarks();
  gatehouse::RegisterTreeBenchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
