#include "tests/signatures/oracle/slow_matcher.h"

#include <algorithm>

#include "tests/signatures/oracle/byte_compare.h"

namespace gatehouse::oracle {
namespace {

bool IsExecutable(int target) {
  return target == 1 || target == 6 || target == 9;
}

// From `start`, or nowhere when that is before the file.
std::vector<StartWindow> WindowAt(int64_t start, uint64_t shift) {
  if (start < 0) return {};
  const auto first = static_cast<uint64_t>(start);
  const uint64_t last = shift > UINT64_MAX - first ? UINT64_MAX : first + shift;
  return {{first, last}};
}

// What was found of one subsignature.
struct Found {
  uint64_t count = 0;
  std::set<uint64_t> starts;  // Of the last part; what macros follow.
  // Where byte compares that refer to it start from.
  std::optional<uint64_t> base;
  std::set<uint64_t> counted;
};

Found FindHex(const Subsignature& subsignature, const Subject& subject,
              Work& work) {
  Found found;
  for (const StartWindow& window : WindowsOf(subsignature.offset, subject)) {
    for (const Pattern& variant : subsignature.variants) {
      Places places = FindPattern(variant, subject.bytes, window, work);
      found.counted.merge(places.counted);
      for (const auto& span : places.last_part) {
        found.starts.insert(span.first);
      }
    }
  }
  found.count = found.counted.size();
  if (!found.starts.empty()) found.base = *found.starts.rbegin();
  return found;
}

// Subsignatures of one logical signature, in order, each seeing those before.
class Counting {
 public:
  Counting(const Subject& subject, const std::vector<Signature>& all,
           Work& work)
      : subject_(subject), all_(all), work_(work) {}

  void Count(const Subsignature& subsignature) {
    Found found;
    switch (subsignature.kind) {
      case SubsignatureKind::kHex:
        found = FindHex(subsignature, subject_, work_);
        break;
      case SubsignatureKind::kByteCompare:
        found = CompareBytes(subsignature.compare);
        break;
      case SubsignatureKind::kMacro:
        found = FindMacro(subsignature);
        break;
      case SubsignatureKind::kRegex:
        unjudged_ = "a regex";
        break;
      case SubsignatureKind::kFuzzyImage:
        unjudged_ = "an image";
        break;
    }
    found_.push_back(std::move(found));
  }

  std::vector<uint64_t> counts() const {
    std::vector<uint64_t> counts;
    for (const Found& found : found_) counts.push_back(found.count);
    return counts;
  }
  const std::string& unjudged() const { return unjudged_; }

 private:
  Found CompareBytes(const ByteCompare& compare) const {
    Found result;
    const Found& reference = found_.at(compare.reference);
    if (!reference.base ||
        !ByteCompareHolds(compare, subject_.bytes, *reference.base)) {
      return result;
    }
    result.count = 1;
    result.base = 0;  // As clamscan has it.
    return result;
  }

  // A macro holds when one of its group stands at the right distance behind
  // a match of the subsignature before it.
  Found FindMacro(const Subsignature& macro) {
    Found result;
    for (const Signature& signature : all_) {
      if (signature.form != LineForm::kNdb) continue;
      const Subsignature& member = signature.subsignatures.front();
      if (member.offset.base == OffsetBase::kMacro &&
          member.offset.number == macro.macro_group) {
        FindMember(member, macro, result);
      }
    }
    result.count = result.counted.size();
    if (result.count > 0) result.base = *result.counted.rbegin();
    return result;
  }

  void FindMember(const Subsignature& member, const Subsignature& macro,
                  Found& result) {
    for (const Pattern& variant : member.variants) {
      const Places places =
          FindPattern(variant, subject_.bytes, StartWindow(), work_);
      for (const auto& span : places.last_part) {
        if (Follows(found_.back(), macro.macro_distance, span.first)) {
          result.counted.insert(span.first);
        }
      }
    }
  }

  static bool Follows(const Found& before, const Range& distance,
                      uint64_t start) {
    return std::any_of(
        before.starts.begin(), before.starts.end(), [&](uint64_t earlier) {
          return start >= earlier && distance.Has(start - earlier);
        });
  }

  const Subject& subject_;
  const std::vector<Signature>& all_;
  Work& work_;
  std::vector<Found> found_;
  std::string unjudged_;
};

bool GatesHold(const Signature& signature, const Subject& subject) {
  if (signature.target != 0 && signature.target != subject.target) {
    return false;
  }
  if (signature.file_size && !signature.file_size->Has(subject.bytes.size())) {
    return false;
  }
  if (signature.entry_point &&
      (!subject.entry_point ||
       !signature.entry_point->Has(*subject.entry_point))) {
    return false;
  }
  return !signature.section_count ||
         (subject.entry_point &&
          signature.section_count->Has(subject.sections.size()));
}

}  // namespace

SlowMatcher::SlowMatcher(uint64_t steps_max)
    : SlowMatcher(steps_max, DigestOf) {}

SlowMatcher::SlowMatcher(uint64_t steps_max, Digest digest)
    : steps_max_(steps_max), digest_(std::move(digest)) {}

std::optional<ParseFailure> SlowMatcher::AddLine(LineForm form,
                                                 std::string_view line) {
  Parsed<Signature> signature = ParseLine(form, line);
  if (IsFailure(signature)) return std::get<ParseFailure>(signature);
  Add(std::get<Signature>(std::move(signature)));
  return std::nullopt;
}

SubjectOutcome SlowMatcher::Match(const Subject& subject) const {
  SubjectOutcome outcome;
  for (const Signature& signature : signatures_) {
    SignatureOutcome one = MatchOne(signature, subject);
    if (!one.unjudged.empty()) {
      outcome.unjudged.insert(one.name);
    } else if (one.matches) {
      outcome.names.insert(one.name);
    }
    outcome.signatures.push_back(std::move(one));
  }
  return outcome;
}

SignatureOutcome SlowMatcher::MatchOne(const Signature& signature,
                                       const Subject& subject) const {
  SignatureOutcome outcome;
  outcome.name = signature.name;
  if (signature.hash) {
    outcome.matches = MatchesHash(signature, subject);
    return outcome;
  }
  Work work(steps_max_);
  Counting counting(subject, signatures_, work);
  for (const Subsignature& subsignature : signature.subsignatures) {
    counting.Count(subsignature);
  }
  outcome.counts = counting.counts();
  const bool holds = signature.form == LineForm::kLdb
                         ? Evaluate(signature.logic, outcome.counts).holds
                         : outcome.counts.front() > 0;
  outcome.matches = holds && GatesHold(signature, subject);
  if (!GatesHold(signature, subject)) return outcome;
  outcome.unjudged = counting.unjudged();
  if (!signature.surroundings.empty()) {
    outcome.unjudged = "attribute " + signature.surroundings.front();
  }
  if (work.exhausted()) outcome.unjudged = "too hard";
  return outcome;
}

bool SlowMatcher::MatchesHash(const Signature& signature,
                              const Subject& subject) const {
  const HashRule& rule = *signature.hash;
  const auto holds = [&](std::string_view bytes) {
    return (!rule.size || *rule.size == bytes.size()) &&
           digest_(bytes, rule.digest.size()) == rule.digest;
  };
  if (signature.form == LineForm::kImport) {
    return subject.import_text && holds(*subject.import_text);
  }
  if (signature.form == LineForm::kHash) return holds(subject.bytes);
  const std::string_view bytes = subject.bytes;
  return std::any_of(
      subject.sections.begin(), subject.sections.end(),
      [&](const Section& section) {
        return section.raw_offset <= bytes.size() &&
               section.raw_size <= bytes.size() - section.raw_offset &&
               holds(bytes.substr(section.raw_offset, section.raw_size));
      });
}

std::vector<StartWindow> WindowsOf(const OffsetField& field,
                                   const Subject& subject) {
  const std::vector<Section>& sections = subject.sections;
  const auto at = [](uint64_t place) { return static_cast<int64_t>(place); };
  const bool unreadable = IsExecutable(subject.target) && !subject.entry_point;
  if (unreadable && field.base != OffsetBase::kAny &&
      field.base != OffsetBase::kFileStart) {
    return {};
  }
  switch (field.base) {
    case OffsetBase::kAny:
      return {StartWindow()};
    case OffsetBase::kFileStart:
      return WindowAt(field.value, field.shift);
    case OffsetBase::kFileEnd:
      return WindowAt(at(subject.bytes.size()) + field.value, field.shift);
    case OffsetBase::kEntryPoint:
      if (!subject.entry_point) return {};
      return WindowAt(at(*subject.entry_point) + field.value, field.shift);
    case OffsetBase::kSection:
      if (field.number >= sections.size()) return {};
      return WindowAt(at(sections[field.number].raw_offset) + field.value,
                      field.shift);
    case OffsetBase::kLastSection:
      if (sections.empty()) return {};
      return WindowAt(at(sections.back().raw_offset) + field.value,
                      field.shift);
    case OffsetBase::kInSection: {
      if (field.number >= sections.size()) return {};
      const Section& section = sections[field.number];
      return WindowAt(at(section.raw_offset), section.raw_size + field.shift);
    }
    case OffsetBase::kVersionText: {
      std::vector<StartWindow> windows;
      for (const uint64_t place : subject.version_strings) {
        windows.push_back({place, place});
      }
      return windows;
    }
    case OffsetBase::kMacro:
      return {};
  }
  return {};
}

}  // namespace gatehouse::oracle
