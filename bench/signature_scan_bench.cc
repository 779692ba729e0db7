// How fast body signatures are found in files that lie in memory, per core, and
// against what: docs/benchmarks.md tells how to read it.
//
//   signature_scan_bench [--definitions DIR] [--megabytes N] [--rounds N]
//                        [--seed N] [--corpora ABC] [--sets o1kma] [--root DIR]
//                        [--expressions-of-all] [--without-hashes]
//
// Corpora: clean_corpus.h. Sets: 1 (1,000 literals), o (the same, about the own
// bytes of files only, as expressions are), k (10,000), m (10,000 mixed
// patterns), a (all of DIR). Without DIR patterns are made from pieces of
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
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "bench/clean_corpus.h"
#include "bench/measured_sets.h"
#include "bench/pattern_expression.h"
#include "engine/file_digest.h"
#include "engine/format/file_type.h"
#include "engine/format/normalised_views.h"
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
  std::string sets = "o1kma";
  bool has_expressions_of_all = false;
  bool has_hashes = true;
};

// What is measured: something that looks through all files of a corpus, and
// tells how many signatures it found.
class Subject {
 public:
  explicit Subject(std::string name) : name_(std::move(name)) {}
  virtual ~Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  const std::string& name() const { return name_; }
  virtual uint64_t Scan(const CleanCorpus& corpus) = 0;

 private:
  const std::string name_;
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

// Triggers, and what they promise confirmed or not.
class BodySubject : public Subject {
 public:
  BodySubject(std::shared_ptr<const SignatureSet> set, bool confirms)
      : Subject(confirms ? "scan" : "triggers"),
        set_(std::move(set)),
        confirms_(confirms) {
    auto created = BodyScan::Create(*set_);
    if (!created) Fatal(created.error().message);
    scan_ = std::move(*created);
  }

  uint64_t Scan(const CleanCorpus& corpus) override {
    uint64_t found = 0;
    for (const CleanFile& file : corpus.files) found += ScanFile(file.bytes);
    return found;
  }
  uint64_t ScanFile(ByteView file) {
    ShowTo(*scan_, file);
    if (!confirms_) return 0;
    Content content{file};
    WorkBudget budget(std::numeric_limits<uint64_t>::max());
    MatchedIds matched;
    (void)scan_->Judge(content, budget, matched);
    return matched.ids().size();
  }

 private:
  const std::shared_ptr<const SignatureSet> set_;
  const bool confirms_;
  std::unique_ptr<BodyScan> scan_;
};

// The same with hashes of whole files, of files of the sizes that occur.
class HashedSubject : public Subject {
 public:
  explicit HashedSubject(std::shared_ptr<const SignatureSet> set)
      : Subject("with hashes"), set_(set), bodies_(std::move(set), true) {
    auto created = FileDigests::Create(set_->hashes().algorithms());
    if (!created) Fatal(created.error().message);
    digests_ = std::make_unique<FileDigests>(std::move(*created));
  }

  uint64_t Scan(const CleanCorpus& corpus) override {
    uint64_t found = 0;
    for (const CleanFile& file : corpus.files) {
      found += bodies_.ScanFile(file.bytes) + Hash(file.bytes);
    }
    return found;
  }

 private:
  uint64_t Hash(ByteView file) {
    const DigestNeeds needs = set_->hashes().NeedsFor(file.size());
    digests_->Start(needs);
    digests_->Update(file);
    uint64_t found = 0;
    for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
      if (!needs.at(i)) continue;
      const auto algorithm = static_cast<DigestAlgorithm>(i);
      const Digest digest = digests_->Finish(algorithm);
      found +=
          set_->hashes().Find(algorithm, digest.view(), file.size()).size();
    }
    return found;
  }

  const std::shared_ptr<const SignatureSet> set_;
  BodySubject bodies_;
  std::unique_ptr<FileDigests> digests_;
};

Signatures WithoutTargets(Signatures signatures) {
  for (Signature& signature : signatures.bodies) {
    signature.target = Target::kAny;
  }
  return signatures;
}

// All triggers in one database, whatever their target.
class OneDatabaseSubject : public Subject {
 public:
  explicit OneDatabaseSubject(Signatures signatures)
      : Subject("one database"),
        set_(Compiled(WithoutTargets(std::move(signatures)))),
        shard_(set_->tables().targets.front()),
        hits_(set_->tables().shards[shard_].trigger_count) {
    auto created = TriggerScan::Create(*set_);
    if (!created) Fatal(created.error().message);
    scan_ = std::make_unique<TriggerScan>(std::move(*created));
  }

  uint64_t Scan(const CleanCorpus& corpus) override {
    for (const CleanFile& file : corpus.files) {
      hits_.Clear();
      (void)scan_->Scan(shard_, file.bytes, 0, 0, hits_);
    }
    return 0;
  }

 private:
  const std::shared_ptr<const SignatureSet> set_;
  const size_t shard_;
  TriggerHits hits_;
  std::unique_ptr<TriggerScan> scan_;
};

NormalisedForm FormOf(ByteView file) {
  const ByteView head = file.first(std::min(file.size(), kBlockBytes));
  switch (static_cast<Target>(TargetOf(DetectFileType(head, file.size())))) {
    case Target::kText:
      return NormalisedForm::kText;
    case Target::kHtml:
      return NormalisedForm::kHtml;
    default:
      return NormalisedForm::kNone;
  }
}

// Hyperscan over the bytes of the files, or also over their normalised views:
// what is needed for the same verdicts.
class ExpressionSubject : public Subject {
 public:
  // `database` must outlive this.
  ExpressionSubject(const ExpressionDatabase& database, size_t expressions,
                    bool has_views)
      : Subject(has_views ? "Hyperscan, with views" : "Hyperscan"),
        database_(database),
        has_views_(has_views),
        matches_(expressions) {}

  uint64_t Scan(const CleanCorpus& corpus) override {
    std::fill(matches_.begin(), matches_.end(), 0);
    for (const CleanFile& file : corpus.files) {
      database_.Scan(file.bytes, matches_);
      if (!has_views_) continue;
      for (const NormalisedView& view :
           views_.Make(file.bytes, FormOf(file.bytes))) {
        database_.Scan(view.bytes, matches_);
      }
    }
    uint64_t found = 0;
    for (const uint32_t count : matches_) found += count;
    return found;
  }

 private:
  const ExpressionDatabase& database_;
  const bool has_views_;
  NormalisedViews views_;
  std::vector<uint32_t> matches_;
};

std::unique_ptr<const ExpressionDatabase> CompiledExpressions(
    const std::vector<std::string>& expressions) {
  if (expressions.empty()) return nullptr;
  const double begin = ThreadSeconds();
  auto database = std::make_unique<const ExpressionDatabase>(expressions);
  (void)std::printf("%zu expressions compiled in %.2f s, %zu refused\n",
                    expressions.size(), ThreadSeconds() - begin,
                    database->left_out());
  return database;
}

// The files of each corpus, opened once: the product reads them.
using OpenFiles = std::map<std::string, std::vector<UniqueFd>>;

OpenFiles OpenAll(const std::vector<CleanCorpus>& corpora) {
  rlimit limit = {};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  OpenFiles opened;
  for (const CleanCorpus& corpus : corpora) {
    for (const CleanFile& file : corpus.files) {
      UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!fd.valid()) Fatal("cannot open " + file.path);
      opened[corpus.name].push_back(std::move(fd));
    }
  }
  return opened;
}

class ScannerSubject : public Subject {
 public:
  ScannerSubject(std::string name, std::shared_ptr<const SignatureSet> set,
                 const OpenFiles& opened)
      : Subject(std::move(name)), opened_(opened) {
    auto created = Scanner::Create(std::move(set));
    if (!created) Fatal(created.error().message);
    scanner_ = std::move(*created);
  }

  uint64_t Scan(const CleanCorpus& corpus) override {
    uint64_t found = 0;
    for (const UniqueFd& file : opened_.at(corpus.name)) {
      const Verdict verdict = scanner_->Scan(file.UnsafeFd(), {});
      found += verdict.kind == VerdictKind::kInfected ? 1U : 0U;
    }
    return found;
  }

 private:
  const OpenFiles& opened_;
  std::unique_ptr<Scanner> scanner_;
};

Signatures WithoutAnySize(Signatures signatures) {
  for (auto* hashes : {&signatures.hashes, &signatures.section_hashes}) {
    std::erase_if(*hashes, [](const HashSignature& hash) {
      return hash.size == kAnySize;
    });
  }
  return signatures;
}

using Subjects = std::vector<std::unique_ptr<Subject>>;

void Measure(const Subjects& subjects, const std::vector<CleanCorpus>& corpora,
             size_t rounds) {
  (void)std::printf("\n| corpus |");
  for (const auto& subject : subjects) {
    (void)std::printf(" %s |", subject->name().c_str());
  }
  (void)std::printf("\n|---|");
  for (size_t i = 0; i < subjects.size(); ++i) (void)std::printf("---|");
  for (const CleanCorpus& corpus : corpora) {
    std::vector<std::vector<double>> seconds(subjects.size());
    std::vector<uint64_t> found(subjects.size());
    for (size_t round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < subjects.size(); ++i) {
        const double begin = ThreadSeconds();
        found[i] = subjects[i]->Scan(corpus);
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

// What costs more than one in a hundred if nothing is done about it.
void PrintPriced(const SignatureSet& set) {
  const auto& priced = set.priced_signatures();
  (void)std::printf("%zu of %zu go another way:", priced.size(),
                    set.body_count());
  for (const PricedSignature& one : priced) {
    (void)std::printf(" %s", one.name.c_str());
  }
  (void)std::printf("\n");
}

void MeasureSet(MeasuredSet set, const Options& options,
                const std::vector<CleanCorpus>& corpora) {
  (void)std::printf("## %s: %zu signatures\n", set.name.c_str(),
                    set.signatures.bodies.size());
  const bool has_hashes = options.has_hashes && !set.signatures.hashes.empty();
  Signatures bodies;
  bodies.bodies = set.signatures.bodies;
  const auto compiled = Compiled(bodies);
  PrintPriced(*compiled);
  const auto expressions = CompiledExpressions(set.expressions);
  Subjects subjects;
  subjects.push_back(std::make_unique<BodySubject>(compiled, true));
  subjects.push_back(std::make_unique<BodySubject>(compiled, false));
  subjects.push_back(std::make_unique<OneDatabaseSubject>(std::move(bodies)));
  for (const bool has_views : {false, true}) {
    if (expressions == nullptr || (has_views && set.is_of_own_bytes)) break;
    subjects.push_back(std::make_unique<ExpressionSubject>(
        *expressions, set.expressions.size(), has_views));
  }
  OpenFiles opened;
  if (has_hashes) {
    opened = OpenAll(corpora);
    const auto hashed = Compiled(WithoutAnySize(set.signatures));
    subjects.push_back(std::make_unique<HashedSubject>(hashed));
    subjects.push_back(
        std::make_unique<ScannerSubject>("read, with hashes", hashed, opened));
    subjects.push_back(std::make_unique<ScannerSubject>(
        "read, with hashes of any size", Compiled(std::move(set.signatures)),
        opened));
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
    if (name == 'o')
      MeasureSet(OfOwnBytes(LiteralSet(source, 1000)), options, corpora);
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
