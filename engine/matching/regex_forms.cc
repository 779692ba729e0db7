#include "engine/matching/regex_forms.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace gatehouse {
namespace {

constexpr size_t kFormsMax = kRegexLiteralMembersMax;
// When there are too many forms, each side keeps so many.
constexpr size_t kFormsReduced = 4;
constexpr size_t kCopiesMax = 4;
constexpr size_t kSetsKeptMax = 2 * kRegexLiteralsMax;
// Longer ones are all equally rare.
constexpr size_t kTellingBytes = 8;

bool Contains(std::string_view text, std::string_view literal) {
  return text.find(literal) != std::string_view::npos;
}

std::string_view Front(std::string_view text) {
  return text.substr(0, kRegexLiteralBytesMax);
}
std::string_view Back(std::string_view text) {
  return text.substr(text.size() -
                     std::min(text.size(), kRegexLiteralBytesMax));
}

size_t SharedBytes(std::string_view a, std::string_view b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(ends.first - a.begin());
}

void KeepLonger(std::string& kept, std::string_view other) {
  if (other.size() > kept.size()) kept = other;
}

size_t ShortestOf(const RegexLiteralSet& set) {
  size_t shortest = kRegexLiteralBytesMax;
  for (const std::string& one : set) shortest = std::min(shortest, one.size());
  return shortest;
}

bool IsMoreTelling(const RegexLiteralSet& a, const RegexLiteralSet& b) {
  const size_t a_bytes = ShortestOf(a);
  const size_t b_bytes = ShortestOf(b);
  const size_t a_telling = std::min(a_bytes, kTellingBytes);
  const size_t b_telling = std::min(b_bytes, kTellingBytes);
  if (a_telling != b_telling) return a_telling > b_telling;
  if (a.size() != b.size()) return a.size() < b.size();
  return a_bytes > b_bytes;
}

// A text without any member of `second` has none of `first`.
bool Implies(const RegexLiteralSet& first, const RegexLiteralSet& second) {
  return std::all_of(first.begin(), first.end(), [&](const std::string& a) {
    return std::any_of(second.begin(), second.end(),
                       [&](const std::string& b) { return Contains(a, b); });
  });
}

// Where a member contains another one, that one is enough.
void AddSet(RegexLiteralSet set, std::vector<RegexLiteralSet>& sets) {
  if (ShortestOf(set) < kRegexLiteralBytesMin) return;
  RegexLiteralSet kept;
  std::stable_sort(set.begin(), set.end(),
                   [](const std::string& a, const std::string& b) {
                     return a.size() < b.size();
                   });
  for (std::string& one : set) {
    if (std::none_of(kept.begin(), kept.end(), [&](const std::string& other) {
          return Contains(one, other);
        })) {
      kept.push_back(std::move(one));
    }
  }
  sets.push_back(std::move(kept));
}

// The most telling come first; what others imply goes.
void KeepBest(std::vector<RegexLiteralSet>& sets, size_t most) {
  std::stable_sort(sets.begin(), sets.end(), IsMoreTelling);
  std::vector<RegexLiteralSet> kept;
  for (RegexLiteralSet& set : sets) {
    if (kept.size() == most) break;
    if (std::none_of(kept.begin(), kept.end(),
                     [&](const RegexLiteralSet& other) {
                       return Implies(other, set);
                     })) {
      kept.push_back(std::move(set));
    }
  }
  sets = std::move(kept);
}

// What all members contain, if that is nearly as telling: one is found sooner
// than many.
void Simplify(RegexLiteralSet& set) {
  constexpr size_t kBytesMin = 4;
  constexpr size_t kBytesLost = 2;
  const std::string first = set.front();
  const size_t least =
      std::clamp(ShortestOf(set) - kBytesLost, kBytesMin, kTellingBytes);
  for (size_t size = first.size(); set.size() > 1 && size >= least; --size) {
    for (size_t begin = 0; begin + size <= first.size(); ++begin) {
      const std::string part = first.substr(begin, size);
      if (std::all_of(set.begin(), set.end(), [&](const std::string& one) {
            return Contains(one, part);
          })) {
        set.assign(1, part);
        return;
      }
    }
  }
}

}  // namespace

RegexForms::RegexForms(std::string_view text) {
  assert(text.size() <= kRegexLiteralBytesMax);
  forms_.push_back({false, std::string(text), "", ""});
}

RegexForms RegexForms::Anything() {
  RegexForms forms("");
  forms.forms_.front().is_open = true;
  return forms;
}

RegexForms::Form RegexForms::Amid(std::string_view literal) {
  return {true, "", "", std::string(literal)};
}

bool RegexForms::IsOpen() const {
  return std::all_of(forms_.begin(), forms_.end(),
                     [](const Form& form) { return form.is_open; });
}
bool RegexForms::IsClosed() const {
  return std::none_of(forms_.begin(), forms_.end(),
                      [](const Form& form) { return form.is_open; });
}

const std::string& RegexForms::Longest(const Form& form) {
  if (form.amid.size() >= std::max(form.begin.size(), form.end.size())) {
    return form.amid;
  }
  return form.begin.size() >= form.end.size() ? form.begin : form.end;
}

RegexForms::Form RegexForms::Joined(Form left, const Form& right) {
  // What is side by side.
  std::string seam = std::move(left.is_open ? left.end : left.begin);
  seam += right.begin;
  Form both;
  both.is_open =
      left.is_open || right.is_open || seam.size() > kRegexLiteralBytesMax;
  if (!both.is_open) {
    both.begin = std::move(seam);
    return both;
  }
  both.amid = std::move(left.amid);
  KeepLonger(both.amid, right.amid);
  if (left.is_open && right.is_open) KeepLonger(both.amid, Front(seam));
  both.begin = left.is_open ? std::move(left.begin) : std::string(Front(seam));
  both.end = right.is_open ? right.end : std::string(Back(seam));
  return both;
}

// Whatever has the other form has this one.
bool RegexForms::Covers(const Form& form, const Form& other) {
  if (!form.is_open) return !other.is_open && form.begin == other.begin;
  const std::string_view begin = other.begin;
  const std::string_view end = other.is_open ? other.end : other.begin;
  return begin.substr(0, form.begin.size()) == form.begin &&
         end.size() >= form.end.size() &&
         end.substr(end.size() - form.end.size()) == form.end &&
         (Contains(begin, form.amid) || Contains(end, form.amid) ||
          Contains(other.amid, form.amid));
}

// Without those that others cover.
void RegexForms::Tidy(Forms& forms) {
  auto end = forms.begin();  // Of those that are kept.
  for (auto one = forms.begin(); one != forms.end(); ++one) {
    if (std::any_of(forms.begin(), end,
                    [&](const Form& other) { return Covers(other, *one); })) {
      continue;
    }
    if (one->is_open) {
      end = std::remove_if(forms.begin(), end, [&](const Form& other) {
        return Covers(*one, other);
      });
    }
    if (end != one) *end = std::move(*one);
    ++end;
  }
  forms.erase(end, forms.end());
}

// Of those whose literals begin with the same bytes, only that these are there:
// as many bytes as leaves at most so many forms, or two.
void RegexForms::Merge(Forms& forms, size_t most) {
  std::sort(forms.begin(), forms.end(), [](const Form& a, const Form& b) {
    return Longest(a) < Longest(b);
  });
  std::vector<size_t> shared(forms.size());  // With the one before.
  for (size_t i = 1; i < forms.size(); ++i) {
    shared[i] = SharedBytes(Longest(forms[i - 1]), Longest(forms[i]));
  }
  size_t bytes = 0;
  constexpr std::array<size_t, 5> kBytes = {16, 8, 4, 3, kRegexLiteralBytesMin};
  for (const size_t one : kBytes) {
    bytes = one;
    const auto left = std::count_if(shared.begin(), shared.end(),
                                    [&](size_t same) { return same < one; });
    if (static_cast<size_t>(left) <= most) break;
  }
  Forms merged;
  for (size_t i = 0; i < forms.size(); ++i) {
    if (shared[i] < bytes) {
      merged.push_back(std::move(forms[i]));
    } else {
      const std::string& before = Longest(merged.back());
      merged.back() = Amid(before.substr(0, shared[i]));
    }
  }
  forms = std::move(merged);
  Tidy(forms);
}

// To at most so many, if that goes.
void RegexForms::Reduce(Forms& forms, size_t most) {
  if (forms.size() <= most) return;
  for (Form& form : forms) {
    if (form.is_open && Longest(form).size() >= kRegexLiteralBytesMin) {
      form = Amid(Longest(form));
    }
  }
  Tidy(forms);
  if (forms.size() > most) Merge(forms, most);
}

// Of each form one literal: those that it begins with, that it ends with, and
// the longest.
void RegexForms::AddSets(const Forms& forms,
                         std::vector<RegexLiteralSet>& sets) {
  if (std::any_of(forms.begin(), forms.end(), [](const Form& form) {
        return Longest(form).size() < kRegexLiteralBytesMin;
      })) {
    return;
  }
  RegexLiteralSet begins;
  RegexLiteralSet ends;
  RegexLiteralSet longest;
  for (const Form& form : forms) {
    begins.push_back(form.begin);
    ends.push_back(form.is_open ? form.end : form.begin);
    longest.push_back(Longest(form));
  }
  AddSet(std::move(longest), sets);
  AddSet(std::move(begins), sets);
  AddSet(std::move(ends), sets);
}

// Nothing stands side by side across what follows.
void RegexForms::Break() {
  AddSets(forms_, sets_);
  if (sets_.size() > kSetsKeptMax) KeepBest(sets_, kSetsKeptMax);
  for (Form& form : forms_) form.amid.clear();
}

// Behind one string forms are as different as they were.
void RegexForms::Append(std::string_view text) {
  for (Form& form : forms_) {
    std::string& last = form.is_open ? form.end : form.begin;
    if (last.size() + text.size() <= kRegexLiteralBytesMax) {
      last += text;
    } else {
      form = Joined(std::move(form), {false, std::string(text), "", ""});
    }
  }
}

void RegexForms::Append(RegexForms next) {
  std::move(next.sets_.begin(), next.sets_.end(), std::back_inserter(sets_));
  if (next.IsOpen()) {
    Break();
    AddSets(next.forms_, sets_);
    for (Form& form : next.forms_) form.amid.clear();
  } else if (next.forms_.size() == 1) {
    Append(next.forms_.front().begin);
    return;
  }
  if (forms_.size() * next.forms_.size() > kFormsMax) {
    Reduce(forms_, kFormsReduced);
    Reduce(next.forms_, kFormsReduced);
  }
  if (forms_.size() * next.forms_.size() > kFormsMax) {
    Break();
    forms_.assign(1, Amid(""));
  }
  Forms both;
  both.reserve(forms_.size() * next.forms_.size());
  for (const Form& left : forms_) {
    for (const Form& right : next.forms_) both.push_back(Joined(left, right));
  }
  forms_ = std::move(both);
  Tidy(forms_);
  assert(forms_.size() <= kFormsMax);
}

// What is told of it, without what sets_ say besides.
RegexForms::Forms RegexForms::TakeForms() && {
  KeepBest(sets_, 1);
  if (sets_.empty() || IsClosed()) return std::move(forms_);
  const RegexLiteralSet& best = sets_.front();
  std::vector<RegexLiteralSet> of_forms;
  AddSets(forms_, of_forms);
  KeepBest(of_forms, 1);
  if (!of_forms.empty() && !IsMoreTelling(best, of_forms.front())) {
    return std::move(forms_);
  }
  if (best.size() == 1) {
    for (Form& form : forms_) {
      if (form.is_open) KeepLonger(form.amid, best.front());
    }
    return std::move(forms_);
  }
  Forms forms;
  for (const std::string& one : best) forms.push_back(Amid(one));
  return forms;
}

void RegexForms::AddChoice(RegexForms other) {
  Forms forms = std::move(*this).TakeForms();
  Forms others = std::move(other).TakeForms();
  std::move(others.begin(), others.end(), std::back_inserter(forms));
  Tidy(forms);
  Reduce(forms, kFormsMax);
  if (forms.size() > kFormsMax) forms.assign(1, Amid(""));
  forms_ = std::move(forms);
  sets_.clear();
}

// It begins with what the first one begins with, and ends with the end of the
// last one, which may be the first.
void RegexForms::BeOnceOrMore() {
  const bool has_ends = forms_.size() * forms_.size() < kFormsMax;
  Forms all;
  for (const Form& first : forms_) {
    Form form = first;
    form.is_open = true;
    if (!has_ends) {
      form.end.clear();
      all.push_back(std::move(form));
      continue;
    }
    for (const Form& last : forms_) {
      form.end = last.is_open ? last.end : last.begin;
      all.push_back(form);
    }
  }
  forms_ = std::move(all);
  Tidy(forms_);
}

void RegexForms::Repeat(uint32_t min, uint32_t max) {
  assert(min <= max);
  const bool is_empty =
      forms_.size() == 1 && !forms_[0].is_open && forms_[0].begin.empty();
  if (is_empty || (min == 1 && max == 1)) return;
  if (max == 0) {
    *this = RegexForms("");
    return;
  }
  const RegexForms once = *this;
  const auto copies = std::clamp<uint32_t>(min, 1, kCopiesMax);
  for (uint32_t i = 1; i < copies; ++i) Append(once);
  if (copies < max && max <= kCopiesMax && once.IsClosed()) {
    RegexForms more = *this;
    for (uint32_t i = copies; i < max; ++i) {
      more.Append(once);
      AddChoice(more);
    }
  } else if (copies < max) {
    BeOnceOrMore();
  }
  if (min == 0) AddChoice(RegexForms(""));
}

std::vector<RegexLiteralSet> RegexForms::LiteralSets() && {
  AddSets(forms_, sets_);
  KeepBest(sets_, kSetsKeptMax);
  for (RegexLiteralSet& set : sets_) Simplify(set);
  KeepBest(sets_, kRegexLiteralsMax);
  return std::move(sets_);
}

}  // namespace gatehouse
