// How fast body signatures are found in files that lie in memory, per core, and
// against what: docs/benchmarks.md tells how to read it.
//
//   signature_scan_bench [--definitions DIR] [--megabytes N] [--rounds N]
//                        [--seed N] [--corpora ABC] [--sets 1kma] [--root DIR]
//                        [--expressions-of-all] [--without-hashes]
//
// Corpora: clean_corpus.h. Sets: 1 (1,000 literals), k (10,000), m (10,000
// mixed patterns), a (all of DIR). Without DIR patterns are made from pieces of
// clean files. --root: packages unpacked there, besides what is installed. Each
// figure is the median of all rounds, which take turns, of the processor time
// of one thread.
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "bench/clean_corpus.h"
#include "bench/measured_sets.h"
#include "bench/pattern_expression.h"
#include "engine/matching/body_scan.h"
#include "engine/scanner.h"
#include "signatures/definitions.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;  // As Scanner reads.
constexpr size_t kMixedCount = 10000;

[[noreturn]] void Fatal(const std::string& what) {
  (void)std::fprintf(stderr, "signature_scan_bench: %s\n", what.c_str());
  std::exit(1);  // NOLINT(concurrency-mt-unsafe): there is one thread.
}

struct Options {
  std::string definitions;
  uint64_t megabytes = 100;
  size_t rounds = 5;
  uint32_t seed = 1;
  std::string corpora = "ABC";
  std::string root;
  std::string sets = "1kma";
  bool has_expressions_of_all = false;
  bool has_hashes = true;
};

// What is measured: something that looks through all files of a corpus, and
// tells how many signatures it found.
struct Subject {
  std::string name;
  std::function<uint64_t(const CleanCorpus&)> scan;
};

double ThreadSeconds() {
  timespec now = {};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

std::shared_ptr<const SignatureSet> Compiled(Signatures signatures) {
  const double begin = ThreadSeconds();
  auto set = SignatureSet::Compile(std::move(signatures));
  if (!set) Fatal(set.error().message);
  (void)std::printf("compiled in %.2f s\n", ThreadSeconds() - begin);
  return std::move(*set);
}

// The file as blocks, as Scanner reads it.
void ShowTo(BodyScan& scan, ByteView file) {
  scan.Begin(file.first(std::min(file.size(), kBlockBytes)), file.size());
  for (size_t at = 0; at < file.size(); at += kBlockBytes) {
    const size_t carry = std::min(at, scan.overlap_bytes());
    const size_t end = std::min(file.size(), at + kBlockBytes);
    (void)scan.LookAt(file.subspan(at - carry, end - at + carry), at - carry,
                      carry);
  }
}

Subject BodySubject(std::shared_ptr<const SignatureSet> set, bool confirms) {
  auto created = BodyScan::Create(*set);
  if (!created) Fatal(created.error().message);
  const std::shared_ptr<BodyScan> scan = std::move(*created);
  return {confirms ? "scan" : "triggers",
          [set, scan, confirms](const CleanCorpus& corpus) {
            uint64_t found = 0;
            for (const CleanFile& file : corpus.files) {
              ShowTo(*scan, file.bytes);
              if (!confirms) continue;
              Content content{ByteView(file.bytes)};
              WorkBudget budget(std::numeric_limits<uint64_t>::max());
              MatchedIds matched;
              (void)scan->Judge(content, budget, matched);
              found += matched.ids().size();
            }
            return found;
          }};
}

// All triggers in one database, whatever their target.
Subject OneDatabaseSubject(Signatures signatures) {
  for (Signature& signature : signatures.bodies) {
    signature.target = Target::kAny;
  }
  const auto set = Compiled(std::move(signatures));
  auto triggers = TriggerScan::Create(*set);
  if (!triggers) Fatal(triggers.error().message);
  const auto scan = std::make_shared<TriggerScan>(std::move(*triggers));
  const size_t shard = set->tables().targets.front();
  const auto hits =
      std::make_shared<TriggerHits>(set->tables().shards[shard].trigger_count);
  return {"one database", [set, scan, hits, shard](const CleanCorpus& corpus) {
            for (const CleanFile& file : corpus.files) {
              hits->Clear();
              (void)scan->Scan(shard, file.bytes, 0, 0, *hits);
            }
            return uint64_t{0};
          }};
}

Subject ExpressionSubject(const std::vector<std::string>& expressions) {
  const double begin = ThreadSeconds();
  const auto database = std::make_shared<ExpressionDatabase>(expressions);
  (void)std::printf("%zu expressions compiled in %.2f s, %zu refused\n",
                    expressions.size(), ThreadSeconds() - begin,
                    database->left_out());
  const auto matches =
      std::make_shared<std::vector<uint32_t>>(expressions.size());
  return {"Hyperscan", [=](const CleanCorpus& corpus) {
            std::fill(matches->begin(), matches->end(), 0);
            for (const CleanFile& file : corpus.files) {
              database->Scan(file.bytes, *matches);
            }
            uint64_t found = 0;
            for (const uint32_t count : *matches) found += count;
            return found;
          }};
}

// Descriptors of the files, opened once: the product reads them.
using OpenFiles = std::vector<UniqueFd>;

Subject ScannerSubject(
    const char* name, Signatures signatures,
    std::shared_ptr<const std::vector<std::pair<std::string, OpenFiles>>>
        opened) {
  auto created = Scanner::Create(Compiled(std::move(signatures)));
  if (!created) Fatal(created.error().message);
  const std::shared_ptr<Scanner> scanner = std::move(*created);
  return {name, [=](const CleanCorpus& corpus) {
            uint64_t found = 0;
            for (const auto& [corpus_name, files] : *opened) {
              if (corpus_name != corpus.name) continue;
              for (const UniqueFd& file : files) {
                const Verdict verdict = scanner->Scan(file.UnsafeFd(), {});
                found += verdict.kind == VerdictKind::kInfected ? 1 : 0;
              }
            }
            return found;
          }};
}

Signatures WithoutAnySize(Signatures signatures) {
  for (auto* hashes : {&signatures.hashes, &signatures.section_hashes}) {
    std::erase_if(*hashes, [](const HashSignature& hash) {
      return hash.size == kAnySize;
    });
  }
  return signatures;
}

auto OpenAll(const std::vector<CleanCorpus>& corpora) {
  rlimit limit = {};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  auto opened =
      std::make_shared<std::vector<std::pair<std::string, OpenFiles>>>();
  for (const CleanCorpus& corpus : corpora) {
    opened->emplace_back(corpus.name, OpenFiles());
    for (const CleanFile& file : corpus.files) {
      UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!fd.valid()) Fatal("cannot open " + file.path);
      opened->back().second.push_back(std::move(fd));
    }
  }
  return opened;
}

void Measure(const std::vector<Subject>& subjects,
             const std::vector<CleanCorpus>& corpora, size_t rounds) {
  (void)std::printf("\n| corpus |");
  for (const Subject& one : subjects) {
    (void)std::printf(" %s |", one.name.c_str());
  }
  (void)std::printf("\n|---|");
  for (size_t i = 0; i < subjects.size(); ++i) (void)std::printf("---|");
  for (const CleanCorpus& corpus : corpora) {
    std::vector<std::vector<double>> seconds(subjects.size());
    std::vector<uint64_t> found(subjects.size());
    for (size_t round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < subjects.size(); ++i) {
        const double begin = ThreadSeconds();
        found[i] = subjects[i].scan(corpus);
        seconds[i].push_back(ThreadSeconds() - begin);
      }
    }
    (void)std::printf("\n| %s |", corpus.name.c_str());
    for (size_t i = 0; i < subjects.size(); ++i) {
      std::sort(seconds[i].begin(), seconds[i].end());
      const double median = seconds[i][rounds / 2];
      (void)std::printf(" %.0f MB/s (%" PRIu64 ") |",
                        static_cast<double>(corpus.bytes) / median * 1e-6,
                        found[i]);
    }
  }
  (void)std::printf("\n\n");
  (void)std::fflush(stdout);
}

void MeasureSet(MeasuredSet set, const Options& options,
                const std::vector<CleanCorpus>& corpora) {
  (void)std::printf("## %s: %zu signatures\n", set.name.c_str(),
                    set.signatures.bodies.size());
  const bool has_hashes = options.has_hashes && !set.signatures.hashes.empty();
  Signatures bodies;
  bodies.bodies = set.signatures.bodies;
  const auto compiled = Compiled(bodies);
  std::vector<Subject> subjects;
  subjects.push_back(BodySubject(compiled, true));
  subjects.push_back(BodySubject(compiled, false));
  subjects.push_back(OneDatabaseSubject(std::move(bodies)));
  if (!set.expressions.empty()) {
    subjects.push_back(ExpressionSubject(set.expressions));
  }
  if (has_hashes) {
    const auto opened = OpenAll(corpora);
    subjects.push_back(
        ScannerSubject("scan, hashes", WithoutAnySize(set.signatures), opened));
    subjects.push_back(ScannerSubject("scan, hashes of any size",
                                      std::move(set.signatures), opened));
  }
  Measure(subjects, corpora, options.rounds);
}

void MeasureAll(const Options& options) {
  CorpusWish wish;
  wish.bytes = options.megabytes << 20;
  wish.seed = options.seed;
  wish.kinds = options.corpora;
  wish.root = options.root;
  const std::vector<CleanCorpus> corpora = ReadCleanCorpora(wish);
  for (const CleanCorpus& corpus : corpora) {
    if (corpus.files.empty()) Fatal("no files for corpus " + corpus.name);
    (void)std::printf("corpus %s: %zu files, %.1f MB\n", corpus.name.c_str(),
                      corpus.files.size(),
                      static_cast<double>(corpus.bytes) * 1e-6);
  }
  MeasuredSet whole;
  PatternSource source;
  if (options.definitions.empty()) {
    wish.is_counted = true;
    source = PatternsLike(ReadCleanCorpora(wish), options.seed);
  } else {
    auto definitions = LoadDefinitions(options.definitions);
    if (!definitions) Fatal(definitions.error().message);
    whole.name = "all";
    whole.signatures = std::move(definitions->signatures);
    source = PatternsOf(whole.signatures.bodies, options.seed);
  }
  size_t seen = 0;
  for (auto* programs : {&source.literals, &source.fixed, &source.wildcards}) {
    seen += KeepUnseen(corpora, kMixedCount, *programs);
  }
  (void)std::printf(
      "patterns: %zu literals, %zu fixed, %zu with wildcards; %zu occur in the "
      "corpora\n\n",
      source.literals.size(), source.fixed.size(), source.wildcards.size(),
      seen);
  for (const char name : options.sets) {
    if (name == '1') MeasureSet(LiteralSet(source, 1000), options, corpora);
    if (name == 'k') MeasureSet(LiteralSet(source, 10000), options, corpora);
    if (name == 'm')
      MeasureSet(MixedSet(source, kMixedCount), options, corpora);
    if (name == 'a' && !whole.signatures.empty()) {
      if (options.has_expressions_of_all) AddExpressions(whole);
      MeasureSet(std::move(whole), options, corpora);
    }
  }
}

uint64_t Number(const std::string& text) {
  char* end = nullptr;
  const uint64_t number = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || number == 0)
    Fatal("not a number: " + text);
  return number;
}

Options Parse(const std::vector<std::string>& arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--expressions-of-all") {
      options.has_expressions_of_all = true;
      continue;
    }
    if (name == "--without-hashes") {
      options.has_hashes = false;
      continue;
    }
    if (++i == arguments.size()) Fatal("no value of " + name);
    const std::string& value = arguments[i];
    if (name == "--definitions") {
      options.definitions = value;
    } else if (name == "--megabytes") {
      options.megabytes = Number(value);
    } else if (name == "--rounds") {
      options.rounds = Number(value);
    } else if (name == "--seed") {
      options.seed = static_cast<uint32_t>(Number(value));
    } else if (name == "--corpora") {
      options.corpora = value;
    } else if (name == "--root") {
      options.root = value;
    } else if (name == "--sets") {
      options.sets = value;
    } else {
      Fatal("unknown option " + name);
    }
  }
  return options;
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  gatehouse::MeasureAll(gatehouse::Parse({argv + 1, argv + argc}));
  return 0;
}
