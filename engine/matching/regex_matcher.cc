#include "engine/matching/regex_matcher.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <time.h>

#include <algorithm>
#include <vector>

#include "engine/matching/probe_search.h"
#include "engine/matching/regex_literal.h"
#include "signatures/regex_check.h"

namespace gatehouse {
namespace {

// Of this thread. How long an expression takes, nothing else tells.
uint64_t CpuNanoseconds() {
  struct timespec now = {};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const {
    pcre2_match_data_free(match);
  }
};
struct FreeLimits {
  void operator()(pcre2_match_context* limits) const {
    pcre2_match_context_free(limits);
  }
};
using Code = std::unique_ptr<pcre2_code, FreeCode>;

bool IsWordByte(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z');
}

// What an expression is shown, and how. Where it has an offset, nothing in
// front of it exists for it: `^` and `\b` hold there.
struct Sight {
  ByteView view;
  size_t begin = 0;  // Of the view in the subject.
  uint32_t options = PCRE2_NO_UTF_CHECK;
  size_t last_start = ~size_t{0};  // In the view.
};

Sight SightOf(const RegexMatcher::Task& task, ByteView subject) {
  Sight sight{subject};
  if (task.is_anywhere) return sight;
  const uint64_t shift = task.start.last - task.start.first;
  sight.begin = task.start.first;
  sight.view = subject.subspan(sight.begin);
  if (shift == 0) {
    const bool is_rolling = (task.options & kRegexRolling) != 0;
    if (!is_rolling) sight.options |= PCRE2_ANCHORED;
    return sight;
  }
  sight.last_start = shift;
  if ((task.options & kRegexEncompass) != 0) {
    sight.view = sight.view.first(std::min<uint64_t>(sight.view.size(), shift));
  }
  return sight;
}

// Or nobody knows, as the budget is used up.
bool HasAny(const std::vector<ProbeSearch>& literals, ByteView view,
            WorkBudget& budget) {
  return std::any_of(
      literals.begin(), literals.end(), [&](const ProbeSearch& literal) {
        return budget.Take(view.size() / kSearchDivisor + 1) &&
               literal.Find(view, literal.distance_min()) != ProbeSearch::kNone;
      });
}

bool IsWholeWord(ByteView subject, size_t begin, size_t end) {
  return (begin == 0 || !IsWordByte(subject[begin - 1])) &&
         (end == subject.size() || !IsWordByte(subject[end]));
}

}  // namespace

struct RegexMatcher::State {
  struct Regex {
    Code code;
    // Every match has something of each of them.
    std::vector<std::vector<ProbeSearch>> literals;
  };
  std::unordered_map<uint32_t, Regex> regexes;
  std::unique_ptr<pcre2_match_data, FreeMatch> match{
      pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_match_context, FreeLimits> limits{
      pcre2_match_context_create(nullptr)};

  const Regex& RegexOf(const Task& task);
};

RegexMatcher::RegexMatcher() : state_(std::make_unique<State>()) {
  (void)pcre2_set_match_limit(state_->limits.get(), kRegexMatchLimit);
  (void)pcre2_set_heap_limit(state_->limits.get(), kRegexHeapKibMax);
}
RegexMatcher::~RegexMatcher() = default;

// Without a code: it cannot be compiled, which was found out when it was
// loaded.
const RegexMatcher::State::Regex& RegexMatcher::State::RegexOf(
    const Task& task) {
  const auto found = regexes.find(task.key);
  if (found != regexes.end()) return found->second;
  if (regexes.size() >= kRegexesKeptMax) regexes.clear();
  int error = 0;
  PCRE2_SIZE place = 0;
  const ByteView text = AsBytes(task.expression);
  Code code(pcre2_compile(text.data(), text.size(), Pcre2Options(task.options),
                          &error, &place, nullptr));
  Regex& regex = regexes[task.key];
  regex.code = std::move(code);
  const bool is_folded = (task.options & kRegexCaseless) != 0;
  for (const auto& set : LiteralSetsOfRegex(task.expression, task.options)) {
    std::vector<ProbeSearch>& searches = regex.literals.emplace_back();
    for (const std::string& one : set) {
      PatternPart part;
      part.runs.push_back({AsBytes(one), is_folded, 0, 0});
      searches.emplace_back(part);
    }
  }
  return regex;
}

MatchCount RegexMatcher::Count(const Task& task, ByteView subject,
                               WorkBudget& budget) {
  const State::Regex& regex = state_->RegexOf(task);
  const pcre2_code* const code = regex.code.get();
  if (code == nullptr || state_->match == nullptr) return {};
  if (!task.is_anywhere && task.start.first > subject.size()) return {};
  const auto [view, view_begin, options, last_start] = SightOf(task, subject);
  size_t from = 0;
  const bool is_global = (task.options & kRegexGlobal) != 0;
  MatchCount found;
  // Nearly always one of them is missing, and that is soon found out.
  for (const std::vector<ProbeSearch>& any : regex.literals) {
    if (!HasAny(any, view, budget)) return found;
  }
  while (from <= view.size()) {
    const uint64_t begin = CpuNanoseconds();
    const int status =
        pcre2_match(code, view.data(), view.size(), from, options,
                    state_->match.get(), state_->limits.get());
    if (!budget.Take(CpuNanoseconds() - begin)) break;
    if (status == PCRE2_ERROR_NOMATCH) break;
    if (status < 0) {
      (void)budget.Take(~uint64_t{0});  // Nobody knows.
      break;
    }
    const PCRE2_SIZE* const ends =
        pcre2_get_ovector_pointer(state_->match.get());
    if (ends[0] > last_start) break;
    const bool counts =
        (task.options & kRegexWholeWord) == 0 ||
        IsWholeWord(subject, view_begin + ends[0], view_begin + ends[1]);
    if (counts) {
      found.last_begin = view_begin + ends[0];
      ++found.count;
      if (!is_global || found.count >= task.enough) break;
    }
    from = std::max<size_t>(ends[1], from + 1);
  }
  return found;
}

}  // namespace gatehouse
