#include "tests/engine/matching/agreement.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/bytes.h"
#include "signatures/clamav/signature_line.h"

namespace gatehouse {
namespace {

using oracle::FailureKind;
using oracle::ParseFailure;
using oracle::Subject;
using oracle::SubjectOutcome;

constexpr int kHtml = 3;
constexpr int kText = 7;
// The targets of which a Scanner judges other forms, too.
bool IsNormalised(int target) { return target == kHtml || target == kText; }

std::string Listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += " " + name;
  return names.empty() ? " nothing" : text;
}

std::optional<std::string> Difference(const MatchingAnswer& answer,
                                      const SubjectOutcome& expected) {
  const auto unknown = [&](const std::string& name) {
    return expected.unjudged.contains(name);
  };
  for (const std::string& name : answer.names) {
    if (!expected.names.contains(name) && !unknown(name)) {
      return name + " matches in production only";
    }
  }
  for (const std::string& name : expected.names) {
    // Of too many only the smallest names are kept.
    const bool is_left_out =
        !answer.is_complete && name > *answer.names.rbegin();
    if (!answer.names.contains(name) && !unknown(name) && !is_left_out) {
      return name + " matches in the oracle only";
    }
  }
  return std::nullopt;
}

// About an executable whose facts are known.
std::optional<std::string> FactsDifference(const Subject& found,
                                           const Subject& made) {
  if (!made.entry_point) return std::nullopt;
  if (found.entry_point != made.entry_point) {
    return "facts: the entry point is " +
           std::to_string(found.entry_point.value_or(0));
  }
  const bool same = std::equal(found.sections.begin(), found.sections.end(),
                               made.sections.begin(), made.sections.end(),
                               [](const auto& one, const auto& other) {
                                 return one.raw_offset == other.raw_offset &&
                                        one.raw_size == other.raw_size;
                               });
  if (!same) return "facts: the sections differ";
  return std::nullopt;
}

// What one of them takes and the other does not on purpose.
struct DeliberateDifference {
  bool production_takes = false;
  std::string_view reason;  // Part of what the other one says.
  std::string_view why;
};
constexpr std::array kDeliberateDifferences = {
    DeliberateDifference{
        false, "not supported: ", "icons, HandlerType and images come later"},
    DeliberateDifference{false, "a container's type is not understood",
                         "the oracle does not judge containers"},
    DeliberateDifference{
        false, ": expression: ", "the oracle does not judge expressions"},
    DeliberateDifference{false, "range of ",
                         "a range that ends before it begins never holds; "
                         "whoever writes it should be told"},
    DeliberateDifference{
        false, "gap too large",
        "no file that is scanned has 4 GiB in between; whoever "
        "writes it should be told"},
    DeliberateDifference{true, "a literal of less than three bytes",
                         "ClamAV's limit is that of one of its matchers"},
    DeliberateDifference{true, "not a value to compare with",
                         "the oracle does not read negative numbers"},
};

bool IsDeliberate(bool production_takes, const std::string& reason) {
  return std::any_of(kDeliberateDifferences.begin(),
                     kDeliberateDifferences.end(),
                     [&](const DeliberateDifference& one) {
                       return one.production_takes == production_takes &&
                              reason.find(one.reason) != reason.npos;
                     });
}

}  // namespace

std::optional<std::string> Agreement::AddLine(const MatchingLine& line) {
  LoadedLine loaded = LoadLine(line);
  const auto form = oracle::LineFormOf(line.extension);
  auto parsed = oracle::ParseLine(*form, line.text, kFunctionalityLevel);
  const bool oracle_takes = !oracle::IsFailure(parsed);
  if (loaded.is_loaded != oracle_takes) {
    const std::string reason =
        oracle_takes ? loaded.reason : std::get<ParseFailure>(parsed).reason;
    if (IsDeliberate(loaded.is_loaded, reason)) return std::nullopt;
    return (oracle_takes ? "production refuses the line: "
                         : "the oracle refuses the line: ") +
           reason;
  }
  if (!oracle_takes) return std::nullopt;
  auto& signature = std::get<oracle::Signature>(parsed);
  const auto is_same = [&](const oracle::Signature& other) {
    return other.name == signature.name;
  };
  if (std::any_of(signatures().begin(), signatures().end(), is_same)) {
    return std::nullopt;
  }
  Signature& body = loaded.signatures.bodies.front();
  if (body.name != signature.name) return "the names differ";
  signatures_.bodies.push_back(std::move(body));
  oracle_.Add(std::move(signature));
  return std::nullopt;
}

std::optional<std::string> Agreement::Compile() {
  auto production = ProductionMatcher::Create(std::move(signatures_));
  if (!production) return "does not compile: " + production.error().message;
  production_ = std::move(*production);
  return std::nullopt;
}

std::optional<std::string> Agreement::Compare(const Subject& subject,
                                              size_t block_bytes) {
  const SubjectOutcome expected = oracle_.Match(subject);
  counts_.cases += signatures().size() - expected.unjudged.size();
  counts_.matches += expected.names.size();
  counts_.unjudged += expected.unjudged.size();
  const auto check =
      [&](const char* way, const MatchingAnswer& answer,
          const SubjectOutcome& wanted) -> std::optional<std::string> {
    if (!answer.trouble.empty()) {
      ++counts_.limited;
      return std::nullopt;
    }
    const auto difference = Difference(answer, wanted);
    if (!difference) return std::nullopt;
    return std::string(way) + ": " + *difference +
           "\n  production:" + Listed(answer.names) +
           "\n  oracle:    " + Listed(wanted.names) +
           "\n  unjudged:  " + Listed(wanted.unjudged);
  };
  auto wrong = check("in memory", production_->InMemory(subject), expected);
  if (wrong) return wrong;
  wrong = check("through a window",
                production_->ThroughWindow(subject, block_bytes), expected);
  if (wrong) return wrong;
  const Subject as_file = SubjectOfFile(subject.bytes);
  const bool is_same =
      as_file.target == subject.target && !IsNormalised(subject.target);
  if (is_same) {
    if (const auto difference = FactsDifference(as_file, subject)) {
      return difference;
    }
  }
  const SubjectOutcome of_file = is_same ? expected : ExpectedOfFile(as_file);
  wrong = check("by a Scanner", production_->ByScanner(subject.bytes), of_file);
  if (wrong) return wrong;
  return check("by a Scanner with grams",
               production_->ByScannerWithGrams(subject.bytes), of_file);
}

SubjectOutcome Agreement::ExpectedOfFile(const Subject& file) const {
  if (!IsNormalised(file.target)) return oracle_.Match(file);
  Subject own = file;
  own.target = 0;
  SubjectOutcome expected = oracle_.Match(own);
  NormalisedViews views;
  const auto form =
      file.target == kText ? NormalisedForm::kText : NormalisedForm::kHtml;
  for (const NormalisedView& view : views.Make(AsBytes(file.bytes), form)) {
    AddOutcomeOfView(view, file.bytes.size(), expected);
  }
  // One layer is enough.
  for (const std::string& name : expected.names) expected.unjudged.erase(name);
  return expected;
}

void Agreement::AddOutcomeOfView(const NormalisedView& view,
                                 uint64_t file_bytes,
                                 SubjectOutcome& expected) const {
  Subject subject;
  subject.bytes = AsText(view.bytes);
  subject.target = static_cast<int>(TargetOfView(view.kind));
  const bool is_text = view.kind == ViewKind::kText;
  for (oracle::Signature signature : signatures()) {
    if (is_text && signature.file_size) {
      if (!signature.file_size->Has(file_bytes)) continue;
      signature.file_size.reset();
    }
    const auto outcome = oracle_.MatchOne(signature, subject);
    if (!outcome.unjudged.empty()) {
      expected.unjudged.insert(outcome.name);
    } else if (outcome.matches) {
      expected.names.insert(outcome.name);
    }
  }
}

}  // namespace gatehouse
