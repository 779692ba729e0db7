#include "tests/engine/matching/production_matcher.h"

#include <algorithm>

#include "engine/format/file_type.h"
#include "signatures/clamav/signature_text.h"
#include "tests/engine/file_of_bytes.h"

namespace gatehouse {
namespace {

// Far more than any case needs: what is judged here is the answer.
constexpr uint64_t kUnits = uint64_t{1} << 36;

size_t MostTriggers(const SignatureSet& set) {
  size_t most = 0;
  for (const ShardRecord& shard : set.tables().shards) {
    most = std::max<size_t>(most, shard.trigger_count);
  }
  return most;
}

ExecutableFacts FactsOf(const oracle::Subject& subject) {
  ExecutableFacts facts;
  facts.is_valid = subject.entry_point.has_value();
  facts.entry_point = subject.entry_point;
  for (const oracle::Section& section : subject.sections) {
    facts.sections.push_back({section.raw_offset, section.raw_size, 0, 0});
  }
  facts.version_strings = subject.version_strings;
  return facts;
}

}  // namespace

LoadedLine LoadLine(const MatchingLine& line) {
  LoadedLine loaded;
  LoadReport report;
  IgnoreList ignored;
  const std::string file = "test." + line.extension;
  SignatureTextReader reader(file, *FormatOfFile(file),
                             {.takes_unwanted = true},
                             {loaded.signatures, report, ignored});
  reader.Feed(line.text);
  reader.Finish();
  const LineCounts counts = report.Totals();
  loaded.is_loaded = counts.loaded == 1;
  loaded.is_skipped = counts.skipped() == 1;
  if (!report.problems.empty()) loaded.reason = report.problems.front().reason;
  for (const auto& [what, count] : report.files.front().unsupported) {
    loaded.reason = what;
  }
  return loaded;
}

Result<std::unique_ptr<ProductionMatcher>> ProductionMatcher::Create(
    Signatures signatures) {
  // So few signatures get no filter of grams of their own accord.
  auto set = SignatureSet::Compile(signatures, TriggerMeans::kGrams);
  if (!set) return Unexpected(set.error());
  auto triggers = TriggerScan::Create(**set);
  if (!triggers) return Unexpected(triggers.error());
  auto same_set =
      SignatureSet::Compile(std::move(signatures), TriggerMeans::kHyperscan);
  if (!same_set) return Unexpected(same_set.error());
  auto scanner = Scanner::Create(*same_set);
  if (!scanner) return Unexpected(scanner.error());
  auto scanner_with_grams = Scanner::Create(*set);
  if (!scanner_with_grams) return Unexpected(scanner_with_grams.error());
  return std::unique_ptr<ProductionMatcher>(new ProductionMatcher(
      std::move(*set), std::move(*triggers), std::move(*scanner),
      std::move(*scanner_with_grams)));
}

ProductionMatcher::ProductionMatcher(
    std::shared_ptr<const SignatureSet> set, TriggerScan triggers,
    std::unique_ptr<Scanner> scanner,
    std::unique_ptr<Scanner> scanner_with_grams)
    : set_(std::move(set)),
      triggers_(std::move(triggers)),
      hits_(MostTriggers(*set_)),
      judge_(*set_),
      scanner_(std::move(scanner)),
      scanner_with_grams_(std::move(scanner_with_grams)),
      window_(kContentWindowBytes) {}

size_t ProductionMatcher::ShardOf(const oracle::Subject& subject) const {
  return set_->tables().targets[static_cast<size_t>(subject.target)];
}

MatchingAnswer ProductionMatcher::Judge(Content& content,
                                        const oracle::Subject& subject) {
  MatchingAnswer answer;
  Layer layer{content, static_cast<Target>(subject.target), content.size()};
  const ExecutableFacts facts = FactsOf(subject);
  if (IsExecutable(layer.target)) layer.executable = &facts;
  WorkBudget budget(kUnits);
  MatchedIds matched;
  hits_.Finish();
  judge_.Judge(layer, ShardOf(subject), hits_, budget, matched);
  for (const uint32_t id : matched.ids()) {
    answer.names.emplace(set_->body_name(id));
  }
  answer.is_complete = matched.is_complete();
  if (budget.is_exhausted()) answer.trouble = "too much work";
  if (content.error_number() != 0) answer.trouble = "a read failed";
  return answer;
}

MatchingAnswer ProductionMatcher::InMemory(const oracle::Subject& subject) {
  const ByteView bytes = AsBytes(subject.bytes);
  hits_.Clear();
  if (!triggers_.Scan(ShardOf(subject), bytes, 0, 0, hits_)) {
    return {{}, true, "Hyperscan refused"};
  }
  Content content(bytes);
  return Judge(content, subject);
}

MatchingAnswer ProductionMatcher::ThroughWindow(const oracle::Subject& subject,
                                                size_t block_bytes) {
  const ByteView bytes = AsBytes(subject.bytes);
  const size_t shard = ShardOf(subject);
  hits_.Clear();
  for (size_t at = 0; at < bytes.size(); at += block_bytes) {
    const size_t seen = std::min(at, triggers_.OverlapOf(shard));
    const size_t end = std::min(bytes.size(), at + block_bytes);
    if (!triggers_.Scan(shard, bytes.subspan(at - seen, end - at + seen),
                        at - seen, seen, hits_)) {
      return {{}, true, "Hyperscan refused"};
    }
  }
  const UniqueFd file = FileOf(subject.bytes);
  Content content(file.UnsafeFd(), bytes.size(), window_);
  return Judge(content, subject);
}

MatchingAnswer ProductionMatcher::ByScanner(std::string_view bytes) {
  return AnswerOf(*scanner_, bytes);
}

MatchingAnswer ProductionMatcher::ByScannerWithGrams(std::string_view bytes) {
  return AnswerOf(*scanner_with_grams_, bytes);
}

MatchingAnswer ProductionMatcher::AnswerOf(Scanner& scanner,
                                           std::string_view bytes) {
  MatchingAnswer answer;
  const Verdict verdict = scanner.Scan(FileOf(bytes).UnsafeFd(), {});
  if (verdict.unfinished != NotScannedReason::kNone) {
    answer.trouble = "a limit of the scan";
  }
  if (verdict.kind == VerdictKind::kInfected) {
    answer.names.insert(verdict.threat_name);
    answer.names.insert(verdict.other_names.begin(), verdict.other_names.end());
    answer.is_complete = verdict.knows_all_names;
  } else if (verdict.kind != VerdictKind::kClean) {
    answer.trouble = "not scanned";
  }
  return answer;
}

oracle::Subject SubjectOfFile(std::string bytes) {
  oracle::Subject subject;
  const FileType type = DetectFileType(AsBytes(bytes), bytes.size());
  subject.target = TargetOf(type);
  Content content(AsBytes(bytes));
  ExecutableFacts facts;
  ReadExecutableFacts(type, content, facts);
  if (facts.is_valid) subject.entry_point = facts.entry_point.value_or(0);
  for (const ExecutableSection& section : facts.sections) {
    subject.sections.push_back({section.raw_offset, section.raw_bytes});
  }
  subject.version_strings = facts.version_strings;
  subject.bytes = std::move(bytes);
  return subject;
}

}  // namespace gatehouse
