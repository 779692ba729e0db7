#include "engine/matching/type_magics.h"

#include <algorithm>

#include "engine/format/content.h"
#include "engine/matching/work_budget.h"
#include "signatures/byte_pattern.h"

namespace gatehouse {
namespace {

// Of one magic in kTypeHeadBytes: a pattern that needs more does not fit.
constexpr uint64_t kMagicWork = uint64_t{1} << 20;

bool IsOpen(FileType type) {
  return type >= FileType::kTextAscii && type <= FileType::kBinary;
}

// The longest run of the first part.
std::string_view RunOf(ByteView code) {
  std::string_view longest;
  const auto parts = PartsOf(code);
  if (!parts || parts->empty()) return longest;
  for (const FixedRun& run : parts->front().runs) {
    if (!run.is_folded && run.bytes.size() > longest.size()) {
      longest = AsText(run.bytes);
    }
  }
  return longest;
}

}  // namespace

TypeMagics::TypeMagics(const MagicTable& table) {
  for (const MagicRecord& record : table.records) {
    std::vector<Magic>& list = record.is_searched != 0 ? searched_ : fixed_;
    const ByteView code = table.Code(record);
    list.push_back({record, code, RunOf(code)});
  }
}

void TypeMagics::NotePairs(ByteView head) {
  pairs_.reset();
  for (size_t i = 0; i + 1 < head.size(); ++i) {
    pairs_.set(size_t{head[i]} << 8U | head[i + 1]);
  }
}

bool TypeMagics::HasPairsOf(std::string_view run) const {
  const ByteView bytes = AsBytes(run);
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (!pairs_.test(size_t{bytes[i]} << 8U | bytes[i + 1])) return false;
  }
  return true;
}

bool TypeMagics::Fits(const Magic& magic, ByteView head) {
  if (!HasPairsOf(magic.run)) return false;
  if (AsText(head).find(magic.run) == std::string_view::npos) return false;
  Content content(head);
  WorkBudget budget(kMagicWork);
  const MatchCount found = search_.Count(
      content, magic.code,
      {{magic.record.first_place, magic.record.last_place}}, 1, budget);
  return found.count != 0;
}

FileType TypeMagics::TypeOf(ByteView head, FileType detected) {
  if (!IsOpen(detected) || (fixed_.empty() && searched_.empty())) {
    return detected;
  }
  head = head.first(std::min(head.size(), kTypeHeadBytes));
  NotePairs(head);
  FileType type = detected;
  for (const Magic& magic : fixed_) {
    if (!Fits(magic, head)) continue;
    type = magic.record.type;
    break;
  }
  if (!IsOpen(type)) return type;
  FileType greatest = FileType::kAny;
  for (const Magic& magic : searched_) {
    const bool is_required = magic.record.required == FileType::kAny ||
                             magic.record.required == type;
    if (!is_required || magic.record.type <= greatest) continue;
    if (Fits(magic, head)) greatest = magic.record.type;
  }
  return greatest == FileType::kAny ? type : greatest;
}

}  // namespace gatehouse
