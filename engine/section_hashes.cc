#include "engine/section_hashes.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "engine/format/pe_imports.h"
#include "engine/range_digest.h"

namespace gatehouse {
namespace {

bool IsSameRange(const ExecutableSection& a, const ExecutableSection& b) {
  return a.raw_offset == b.raw_offset && a.raw_bytes == b.raw_bytes;
}

}  // namespace

SectionHashes::SectionHashes(const SignatureSet& signatures,
                             FileDigests digests)
    : signatures_(&signatures), digests_(std::move(digests)) {}

Result<SectionHashes> SectionHashes::Create(const SignatureSet& signatures) {
  DigestNeeds algorithms = signatures.section_hashes().algorithms();
  const DigestNeeds of_imports = signatures.import_hashes().algorithms();
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    algorithms.at(i) |= of_imports.at(i);
  }
  Result<FileDigests> digests = FileDigests::Create(algorithms);
  if (!digests) return Unexpected(digests.error());
  return SectionHashes(signatures, std::move(*digests));
}

bool SectionHashes::has_any() const {
  return !signatures_->section_hashes().empty() ||
         !signatures_->import_hashes().empty();
}

NotScannedReason SectionHashes::Find(Content& content,
                                     const ExecutableFacts& facts,
                                     const ScanLimits& limits,
                                     WorkBudget& budget,
                                     std::vector<std::string_view>& names) {
  assert(facts.is_valid);
  // First: it costs little, and what is above it may use up the budget.
  if (!signatures_->import_hashes().empty()) {
    FindImports(content, facts, names);
  }
  if (signatures_->section_hashes().empty()) return NotScannedReason::kNone;
  return FindSections(content, facts, limits, budget, names);
}

NotScannedReason SectionHashes::FindSections(
    Content& content, const ExecutableFacts& facts, const ScanLimits& limits,
    WorkBudget& budget, std::vector<std::string_view>& names) {
  const HashStore& store = signatures_->section_hashes();
  for (auto section = facts.sections.begin(); section != facts.sections.end();
       ++section) {
    if (section->raw_bytes == 0) continue;
    const DigestNeeds needs = store.NeedsFor(section->raw_bytes);
    const auto algorithms = std::count(needs.begin(), needs.end(), true);
    if (algorithms == 0) continue;
    const bool is_known = std::any_of(facts.sections.begin(), section,
                                      [section](const ExecutableSection& s) {
                                        return IsSameRange(s, *section);
                                      });
    if (is_known) continue;
    assert(section->raw_bytes <= content.size());
    if (!budget.Take(section->raw_bytes * static_cast<uint64_t>(algorithms))) {
      return NotScannedReason::kWorkLimit;
    }
    digests_.Start(needs);
    const NotScannedReason ended = DigestRange(
        content, {section->raw_offset, section->raw_bytes}, limits, digests_);
    if (ended != NotScannedReason::kNone) return ended;
    AddNamesOfDigests(store, section->raw_bytes, digests_, names);
  }
  return NotScannedReason::kNone;
}

void SectionHashes::FindImports(Content& content, const ExecutableFacts& facts,
                                std::vector<std::string_view>& names) {
  const std::optional<std::string> text = ReadImportText(content, facts);
  if (!text || text->empty()) return;
  digests_.Start(signatures_->import_hashes().NeedsFor(text->size()));
  digests_.Update(AsBytes(*text));
  AddNamesOfDigests(signatures_->import_hashes(), text->size(), digests_,
                    names);
}

}  // namespace gatehouse
