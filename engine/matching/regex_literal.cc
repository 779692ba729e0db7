#include "engine/matching/regex_literal.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "signatures/signature.h"

namespace gatehouse {
namespace {

// Reads an expression from left to right, but not what is in parentheses, and
// collects what must stand in a row. Whatever is not plain ends it all: to say
// nothing is always right.

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsIn(char c, std::string_view characters) {
  return characters.find(c) != std::string_view::npos;
}

std::optional<unsigned> HexDigit(char c) {
  if (IsDigit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

struct Repeats {
  bool once = true;      // Exactly, or at least once, or perhaps not at all.
  bool at_least = true;  // Once.
};

class LiteralReader {
 public:
  LiteralReader(std::string_view text, bool is_caseless)
      : text_(text), is_caseless_(is_caseless) {}

  std::vector<std::string> Read() {
    while (at_ < text_.size()) {
      if (!TakeAtom()) return {};
    }
    Flush();
    std::stable_sort(runs_.begin(), runs_.end(),
                     [](const std::string& a, const std::string& b) {
                       return a.size() > b.size();
                     });
    if (runs_.size() > kRegexLiteralsMax) runs_.resize(kRegexLiteralsMax);
    return std::move(runs_);
  }

 private:
  char Ahead(size_t count) const {
    return at_ + count < text_.size() ? text_[at_ + count] : '\0';
  }

  // False: not understood, or a choice of which nothing is certain.
  bool TakeAtom() {
    const char c = text_[at_];
    switch (c) {
      case '\\':
        return TakeEscape();
      case '[':
        return SkipClass() && TakeOther();
      case '(':
        return SkipGroup() && TakeOther();
      case '.':
      case '^':
      case '$':
        ++at_;
        return TakeOther();
      case ')':
      case '|':
      case '*':
      case '+':
      case '?':
        return false;
      case '{':
        // Elsewhere it is itself.
        if (IsDigit(Ahead(1)) || IsIn(Ahead(1), ", ")) return false;
        break;
      default:
        break;
    }
    ++at_;
    return TakeLiteral(c);
  }

  bool TakeEscape() {
    const char c = Ahead(1);
    if (c == '\0') return false;
    at_ += 2;
    if (!IsAlphanumeric(c)) return TakeLiteral(c);
    constexpr std::string_view kNames = "nrtfea";
    constexpr std::string_view kMeant = "\n\r\t\f\x1b\a";
    const size_t name = kNames.find(c);
    if (name != std::string_view::npos) return TakeLiteral(kMeant[name]);
    if (c == 'x') {
      const auto high = HexDigit(Ahead(0));
      const auto low = HexDigit(Ahead(1));
      if (!high || !low) return false;
      at_ += 2;
      return TakeLiteral(static_cast<char>(*high << 4 | *low));
    }
    if (IsDigit(c)) {  // What was matched before, or an octal number.
      while (IsDigit(Ahead(0))) ++at_;
      return TakeOther();
    }
    return IsIn(c, "dDwWsShHvVbBAZz") && TakeOther();
  }

  bool TakeLiteral(char c) {
    const auto repeats = TakeRepeats();
    if (!repeats) return false;
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      Flush();
      return true;
    }
    const bool is_upper = c >= 'A' && c <= 'Z';
    if (is_caseless_ && is_upper) c = static_cast<char>(c + ('a' - 'A'));
    if (repeats->at_least) run_ += c;
    if (!repeats->once || !repeats->at_least) Flush();
    // What follows stands behind the last one.
    if (!repeats->once && repeats->at_least) run_ += c;
    return true;
  }

  // Behind what has no literal.
  bool TakeOther() {
    Flush();
    return TakeRepeats().has_value();
  }

  std::optional<Repeats> TakeRepeats() {
    Repeats repeats;
    const char c = Ahead(0);
    if (c == '*' || c == '?') {
      repeats = {false, false};
      ++at_;
    } else if (c == '+') {
      repeats = {false, true};
      ++at_;
    } else if (c == '{' && IsIn(Ahead(1), ", ")) {
      return std::nullopt;  // Some versions of PCRE2 take it for a count.
    } else if (c == '{' && IsDigit(Ahead(1))) {
      bool is_zero = true;
      ++at_;
      for (; IsDigit(Ahead(0)); ++at_) is_zero = is_zero && Ahead(0) == '0';
      if (Ahead(0) == ',') ++at_;
      while (IsDigit(Ahead(0))) ++at_;
      if (Ahead(0) != '}') return std::nullopt;  // Perhaps itself after all.
      repeats = {false, !is_zero};
      ++at_;
    } else {
      return repeats;
    }
    if (IsIn(Ahead(0), "+?")) ++at_;
    return repeats;
  }

  // From '[' to behind its ']'.
  bool SkipClass() {
    assert(text_[at_] == '[');
    ++at_;
    if (Ahead(0) == '^') ++at_;
    if (Ahead(0) == ']') ++at_;
    while (at_ < text_.size() && text_[at_] != ']') {
      if (text_[at_] == '\\') {
        if (IsIn(Ahead(1), "QE")) return false;
        ++at_;
      } else if (text_[at_] == '[' && IsIn(Ahead(1), ":.=")) {
        return false;
      }
      ++at_;
    }
    if (at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  // From '(' to behind its ')'.
  bool SkipGroup() {
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '[') {
        if (!SkipClass()) return false;
        continue;
      }
      if (c == '\\') {
        if (IsIn(Ahead(1), "QEK")) return false;
        ++at_;
      } else if (c == '(') {
        if (!IsPlainGroup()) return false;
        ++depth;
      } else if (c == ')' && --depth == 0) {
        ++at_;
        return true;
      }
      ++at_;
    }
    return false;
  }

  // Nothing that changes options, calls another group or is a comment.
  [[nodiscard]] bool IsPlainGroup() const {
    if (Ahead(1) == '*') return false;
    if (Ahead(1) != '?') return true;
    const bool is_named = Ahead(2) == 'P' && IsIn(Ahead(3), "<=");
    return is_named || IsIn(Ahead(2), ":=!>|<'");
  }

  void Flush() {
    if (run_.size() >= kRegexLiteralBytesMin) runs_.push_back(run_);
    run_.clear();
  }

  const std::string_view text_;
  const bool is_caseless_;
  size_t at_ = 0;
  std::string run_;
  std::vector<std::string> runs_;
};

}  // namespace

std::vector<std::string> LiteralsOfRegex(std::string_view expression,
                                         uint32_t options) {
  if ((options & kRegexExtended) != 0) return {};
  return LiteralReader(expression, (options & kRegexCaseless) != 0).Read();
}

}  // namespace gatehouse
