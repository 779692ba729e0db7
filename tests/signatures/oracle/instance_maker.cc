#include "tests/signatures/oracle/instance_maker.h"

#include <algorithm>
#include <array>

#include "tests/signatures/oracle/canvas.h"
#include "tests/signatures/oracle/carrier.h"
#include "tests/signatures/oracle/executable_builder.h"
#include "tests/signatures/oracle/fragment.h"
#include "tests/signatures/oracle/wanted_counts.h"

namespace gatehouse::oracle {
namespace {

constexpr size_t kCountsTried = 6;
constexpr uint64_t kPicksTried = 3;
constexpr size_t kBytesBroken = 24;
constexpr uint64_t kSearchStepsMax = 400'000'000;

ParseFailure Fail(std::string reason) {
  return {std::move(reason), FailureKind::kMalformed};
}

bool IsExecutable(int target) {
  return target == 1 || target == 6 || target == 9;
}

// One way to try.
struct Attempt {
  Counts counts;
  uint64_t pick = 0;
  std::optional<Carrier> carrier;  // None: an executable.
  uint64_t pe_header_offset = 0x80;
};

struct Wanted {
  const Subsignature* subsignature = nullptr;
  Fragment fragment;
};

// A file with everything in its place, before it is verified.
struct Draft {
  Canvas canvas;
  Subject subject;
  uint64_t payload_first = 0;
};

std::vector<Wanted> WantedFragments(const Signature& signature,
                                    const Attempt& attempt) {
  FragmentStyle style;
  style.pick = attempt.pick;
  // Short at first; then so that parts keep out of a header's way.
  constexpr std::array<uint64_t, kPicksTried> kGapExtras = {0, 40, 4096};
  style.gap_extra = kGapExtras[attempt.pick];
  if (attempt.carrier) {
    style.filler = attempt.carrier->filler;
    style.lower_case = attempt.carrier->normalised;
  }
  std::vector<Wanted> wanted;
  for (size_t index = 0; index < attempt.counts.size(); ++index) {
    const Subsignature& subsignature = signature.subsignatures[index];
    if (subsignature.kind != SubsignatureKind::kHex) continue;
    // Normalised text has no zero bytes, so its variant is the ASCII one.
    const bool ascii = attempt.carrier && attempt.carrier->normalised;
    const auto& variants = subsignature.variants;
    const Pattern& pattern =
        ascii ? variants.back() : variants[attempt.pick % variants.size()];
    for (uint64_t count = 0; count < attempt.counts[index]; ++count) {
      wanted.push_back({&subsignature, MakeFragment(pattern, style)});
    }
  }
  return wanted;
}

// How large the sections must be for what is bound to them.
ExecutableLayout LayoutFor(const Signature& signature,
                           const std::vector<Wanted>& wanted,
                           const Attempt& attempt) {
  ExecutableLayout layout;
  layout.target = signature.target;
  layout.header_offset = attempt.pe_header_offset;
  layout.entry_in_first_section = 0x40;
  uint64_t count = 2;
  if (signature.section_count) {
    count = std::clamp<uint64_t>(
        count, signature.section_count->min,
        std::max<uint64_t>(1, signature.section_count->max));
  }
  for (const Wanted& one : wanted) {
    const OffsetField& field = one.subsignature->offset;
    if (field.base == OffsetBase::kSection ||
        field.base == OffsetBase::kInSection) {
      count = std::max(count, field.number + 1);
    }
    if (field.base == OffsetBase::kEntryPoint && field.value < 0) {
      layout.entry_in_first_section =
          std::max(layout.entry_in_first_section,
                   static_cast<uint64_t>(-field.value) + 0x40);
    }
  }
  constexpr uint64_t kSectionsMax = 90;
  layout.section_bytes.assign(std::min(count, kSectionsMax), 0x200);
  const auto need = [&](uint64_t number, uint64_t bytes) {
    if (number < layout.section_bytes.size()) {
      uint64_t& size = layout.section_bytes[number];
      size = std::max(size, std::min(bytes, Canvas::kFileBytesMax));
    }
  };
  uint64_t in_section = 0;
  for (const Wanted& one : wanted) {
    const OffsetField& field = one.subsignature->offset;
    const uint64_t length = one.fragment.bytes.size();
    const auto value = static_cast<uint64_t>(std::max<int64_t>(0, field.value));
    in_section += length + 2;
    if (field.base == OffsetBase::kEntryPoint) {
      need(0, layout.entry_in_first_section + value + length);
    } else if (field.base == OffsetBase::kSection) {
      need(field.number, value + length);
    } else if (field.base == OffsetBase::kLastSection) {
      need(layout.section_bytes.size() - 1, value + length);
    } else if (field.base == OffsetBase::kInSection) {
      need(field.number, in_section);
    }
  }
  need(0, layout.entry_in_first_section + 0x80);
  return layout;
}

Draft StartDraft(const Signature& signature, const std::vector<Wanted>& wanted,
                 const Attempt& attempt) {
  if (attempt.carrier) {
    const Carrier& carrier = *attempt.carrier;
    Draft draft{
        Canvas(carrier.head, std::vector<bool>(carrier.head.size(), true),
               carrier.filler),
        Subject(), carrier.head.size()};
    draft.subject.target = carrier.target;
    return draft;
  }
  ExecutableLayout layout = LayoutFor(signature, wanted, attempt);
  Executable file = BuildExecutable(layout);
  if (signature.entry_point && file.entry_point < signature.entry_point->min &&
      signature.entry_point->min < Canvas::kFileBytesMax) {
    layout.entry_in_first_section +=
        signature.entry_point->min - file.entry_point;
    layout.section_bytes[0] += signature.entry_point->min - file.entry_point;
    file = BuildExecutable(layout);
  }
  Draft draft{Canvas(file.bytes, file.fixed, '\0'), Subject(),
              file.sections.front().raw_offset};
  draft.subject.target = signature.target;
  draft.subject.entry_point = file.entry_point;
  draft.subject.sections = file.sections;
  return draft;
}

bool PlaceBound(Draft& draft, const Wanted& one) {
  for (const StartWindow& window :
       WindowsOf(one.subsignature->offset, draft.subject)) {
    if (draft.canvas.Place(one.fragment, window)) return true;
  }
  return false;
}

// What counts from the end comes last, when the size is known.
bool PlaceAtEnd(Draft& draft, const Signature& signature,
                const std::vector<Wanted>& wanted) {
  uint64_t room = 0;
  for (const Wanted& one : wanted) {
    const OffsetField& field = one.subsignature->offset;
    if (field.base == OffsetBase::kFileEnd) {
      room = std::max(room, static_cast<uint64_t>(-field.value));
    }
  }
  uint64_t size = draft.canvas.bytes().size() + room;
  if (room > 0) size += 2;
  if (signature.file_size) {
    size = std::max(size, signature.file_size->min);
    size = std::min(size, std::max<uint64_t>(draft.canvas.bytes().size(),
                                             signature.file_size->max));
  }
  if (!draft.canvas.GrowTo(size)) return false;
  draft.subject.bytes = draft.canvas.bytes();
  return std::all_of(wanted.begin(), wanted.end(), [&](const Wanted& one) {
    return one.subsignature->offset.base != OffsetBase::kFileEnd ||
           PlaceBound(draft, one);
  });
}

std::optional<Draft> MakeDraft(const Signature& signature,
                               const Attempt& attempt) {
  const std::vector<Wanted> wanted = WantedFragments(signature, attempt);
  Draft draft = StartDraft(signature, wanted, attempt);
  for (const Wanted& one : wanted) {
    const OffsetBase base = one.subsignature->offset.base;
    if (base == OffsetBase::kAny || base == OffsetBase::kFileEnd) continue;
    if (!PlaceBound(draft, one)) return std::nullopt;
  }
  for (const Wanted& one : wanted) {
    if (one.subsignature->offset.base != OffsetBase::kAny) continue;
    if (!draft.canvas.PlaceAnywhere(one.fragment, draft.payload_first)) {
      return std::nullopt;
    }
  }
  if (attempt.carrier && !attempt.carrier->tail.empty()) {
    const std::string& tail = attempt.carrier->tail;
    const Fragment fragment{tail, std::vector<bool>(tail.size(), true), 0};
    if (!draft.canvas.PlaceAnywhere(fragment, draft.canvas.bytes().size())) {
      return std::nullopt;
    }
  }
  // A last byte of nobody, so that no match touches the end by chance.
  if (!draft.canvas.GrowTo(draft.canvas.bytes().size() + 2)) {
    return std::nullopt;
  }
  if (!PlaceAtEnd(draft, signature, wanted)) return std::nullopt;
  draft.subject.bytes = draft.canvas.bytes();
  if (attempt.carrier && attempt.carrier->normalised &&
      !IsNormalised(draft.subject.bytes, attempt.carrier->target == 3)) {
    return std::nullopt;
  }
  return draft;
}

bool Matches(const Signature& signature, const Subject& subject) {
  const SlowMatcher matcher(kSearchStepsMax);
  const SignatureOutcome outcome = matcher.MatchOne(signature, subject);
  return outcome.matches && outcome.unjudged.empty();
}

bool Misses(const Signature& signature, const Subject& subject) {
  const SlowMatcher matcher(kSearchStepsMax);
  const SignatureOutcome outcome = matcher.MatchOne(signature, subject);
  return !outcome.matches && outcome.unjudged.empty();
}

std::optional<Subject> Break(const Signature& signature, const Draft& draft) {
  const std::vector<uint64_t>& places = draft.canvas.demanded();
  const size_t step = std::max<size_t>(1, places.size() / kBytesBroken);
  // From the middle: the ends may be wild, or what another part begins with.
  for (size_t index = 0; index < places.size(); index += step) {
    const uint64_t at = places[(index + places.size() / 2) % places.size()];
    Subject broken = draft.subject;
    for (const char byte : {'q', 'z', '7'}) {
      broken.bytes[at] = byte;
      if (broken.bytes[at] == draft.subject.bytes[at]) continue;
      if (Misses(signature, broken)) return broken;
    }
  }
  return std::nullopt;
}

std::vector<Attempt> AttemptsFor(const Signature& signature) {
  std::vector<Counts> counts = {{1}};
  if (signature.form == LineForm::kLdb) {
    counts = WantedCounts(signature.logic, signature.subsignatures.size());
  }
  if (counts.size() > kCountsTried) counts.resize(kCountsTried);
  const std::vector<Carrier> carriers = CarriersFor(signature.target);
  std::vector<Attempt> attempts;
  for (const Counts& one : counts) {
    for (uint64_t pick = 0; pick < kPicksTried; ++pick) {
      for (const Carrier& carrier : carriers) {
        attempts.push_back({one, pick, carrier, 0});
      }
      if (!IsExecutable(signature.target)) continue;
      constexpr std::array<uint64_t, 4> kHeaderOffsets = {0x80, 0x40, 0x400,
                                                          0x2000};
      const size_t offsets = signature.target == 1 ? kHeaderOffsets.size() : 1;
      for (size_t index = 0; index < offsets; ++index) {
        attempts.push_back({one, pick, std::nullopt, kHeaderOffsets[index]});
      }
    }
  }
  return attempts;
}

std::optional<ParseFailure> WhyNot(const Signature& signature) {
  if (signature.hash) return Fail("a digest does not say of what it is");
  if (!signature.surroundings.empty()) {
    return Fail("needs extraction, not comparable: " +
                signature.surroundings.front());
  }
  for (const Subsignature& subsignature : signature.subsignatures) {
    switch (subsignature.kind) {
      case SubsignatureKind::kHex:
        break;
      case SubsignatureKind::kByteCompare:
        return Fail("a byte compare");
      case SubsignatureKind::kMacro:
        return Fail("a macro");
      case SubsignatureKind::kRegex:
        return Fail("a regex");
      case SubsignatureKind::kFuzzyImage:
        return Fail("an image");
    }
  }
  return std::nullopt;
}

}  // namespace

Parsed<Instance> MakeInstance(const Signature& signature) {
  if (const auto failure = WhyNot(signature)) return *failure;
  const std::vector<Attempt> attempts = AttemptsFor(signature);
  if (attempts.empty()) return Fail("no counts, or no file of that target");
  size_t drafts = 0;
  for (const Attempt& attempt : attempts) {
    const auto draft = MakeDraft(signature, attempt);
    if (!draft) continue;
    ++drafts;
    if (!Matches(signature, draft->subject)) continue;
    return Instance{draft->subject, Break(signature, *draft)};
  }
  return Fail(drafts == 0 ? "what it wants is in its own way, or not normal"
                          : "no attempt matches");
}

}  // namespace gatehouse::oracle
