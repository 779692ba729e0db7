#include "engine/matching/regex_literal.h"

#include <algorithm>
#include <bitset>
#include <cassert>
#include <optional>
#include <utility>

#include "engine/matching/regex_forms.h"
#include "signatures/signature.h"

namespace gatehouse {
namespace {

// Reads an expression and tells what its matches look like. What is sure to
// have no say in what follows is taken for anything; the rest that is not plain
// ends it all: to say nothing is always right.

// PCRE2 allows no more.
constexpr size_t kDepthMax = 250;
// Classes with more bytes say next to nothing.
constexpr size_t kClassBytesMax = 4;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
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
  uint32_t min = 1;
  uint32_t max = 1;
};

// What stands for one byte.
struct Escape {
  enum class Kind : uint8_t { kByte, kAnything, kNothing };
  Kind kind = Kind::kAnything;
  char byte = '\0';
};

using Bytes = std::bitset<256>;

class ExpressionReader {
 public:
  ExpressionReader(std::string_view text, bool is_caseless)
      : text_(text), is_caseless_(is_caseless) {}

  // Nothing: not understood.
  std::optional<RegexForms> Read() {
    auto forms = TakeChoice();
    if (at_ < text_.size()) return std::nullopt;
    return forms;
  }

 private:
  [[nodiscard]] char Ahead(size_t count) const {
    return at_ + count < text_.size() ? text_[at_ + count] : '\0';
  }
  bool TakeIf(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // To behind the first of these.
  bool SkipTo(char c) {
    const size_t found = text_.find(c, at_);
    if (found == std::string_view::npos) return false;
    at_ = found + 1;
    return true;
  }

  std::optional<RegexForms> TakeChoice() {
    auto forms = TakeRow();
    while (forms && TakeIf('|')) {
      auto other = TakeRow();
      if (!other) return std::nullopt;
      forms->AddChoice(*std::move(other));
    }
    return forms;
  }

  std::optional<RegexForms> TakeRow() {
    RegexForms row("");
    while (at_ < text_.size() && !IsIn(text_[at_], "|)")) {
      if (const auto c = TakePlain()) {
        row.Append(std::string_view(&*c, 1));
        continue;
      }
      auto next = TakeAtom();
      if (!next) return std::nullopt;
      const auto repeats = TakeRepeats();
      if (!repeats) return std::nullopt;
      next->Repeat(repeats->min, repeats->max);
      row.Append(*std::move(next));
    }
    return row;
  }

  // A character that is itself, once: most are.
  std::optional<char> TakePlain() {
    const char c = text_[at_];
    if (static_cast<unsigned char>(c) >= 0x80 || IsIn(c, "\\[(.^$*+?{") ||
        IsIn(Ahead(1), "*+?{")) {
      return std::nullopt;
    }
    ++at_;
    return Lower(c);
  }

  std::optional<RegexForms> TakeAtom() {
    const char c = text_[at_];
    switch (c) {
      case '\\':
        return TakeEscaped();
      case '[':
        return TakeClass();
      case '(':
        return TakeGroup();
      case '.':
        ++at_;
        return RegexForms::Anything();
      case '^':
      case '$':
        ++at_;
        return RegexForms("");
      case '*':
      case '+':
      case '?':
        return std::nullopt;
      case '{':
        // Elsewhere it is itself.
        if (IsDigit(Ahead(1)) || IsIn(Ahead(1), ", ")) return std::nullopt;
        break;
      default:
        break;
    }
    ++at_;
    return OfByte(c);
  }

  [[nodiscard]] char Lower(char c) const {
    const bool is_upper = c >= 'A' && c <= 'Z';
    return is_caseless_ && is_upper ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  [[nodiscard]] RegexForms OfByte(char c) const {
    if (static_cast<unsigned char>(c) >= 0x80) return RegexForms::Anything();
    const char byte = Lower(c);
    return RegexForms(std::string_view(&byte, 1));
  }

  std::optional<RegexForms> TakeEscaped() {
    const auto escape = TakeEscape(false);
    if (!escape) return std::nullopt;
    switch (escape->kind) {
      case Escape::Kind::kByte:
        return OfByte(escape->byte);
      case Escape::Kind::kAnything:
        return RegexForms::Anything();
      case Escape::Kind::kNothing:
        break;
    }
    return RegexForms("");
  }

  std::optional<Escape> TakeEscape(bool is_in_class) {
    assert(text_[at_] == '\\');
    if (at_ + 1 >= text_.size()) return std::nullopt;
    const char c = Ahead(1);
    at_ += 2;
    if (!IsDigit(c) && !IsLetter(c)) return Escape{Escape::Kind::kByte, c};
    constexpr std::string_view kNames = "nrtfea";
    constexpr std::string_view kMeant = "\n\r\t\f\x1b\a";
    const size_t name = kNames.find(c);
    if (name != std::string_view::npos) {
      return Escape{Escape::Kind::kByte, kMeant[name]};
    }
    if (c == 'x') return TakeHex();
    // What was matched before, or a number; the digits behind it are lost.
    if (IsDigit(c)) {
      while (IsDigit(Ahead(0))) ++at_;
      return Escape{};
    }
    if (is_in_class && c == 'b') return Escape{Escape::Kind::kByte, '\b'};
    if (IsIn(c, "dDwWsShHvV")) return Escape{};
    if (IsIn(c, "pP")) return TakeProperty();
    if (is_in_class) return std::nullopt;
    if (IsIn(c, "NRX")) return Escape{};
    if (IsIn(c, "bBAZzG")) return Escape{Escape::Kind::kNothing};
    if (IsIn(c, "gk")) return TakeReference(c == 'g');
    return std::nullopt;
  }

  // Behind \x.
  std::optional<Escape> TakeHex() {
    const bool is_braced = TakeIf('{');
    const auto high = HexDigit(Ahead(0));
    const auto low = HexDigit(Ahead(1));
    if (!high || !low) return std::nullopt;
    at_ += 2;
    if (is_braced && !TakeIf('}')) return std::nullopt;
    return Escape{Escape::Kind::kByte, static_cast<char>(*high << 4 | *low)};
  }

  // Behind \p or \P.
  std::optional<Escape> TakeProperty() {
    if (TakeIf('{')) return SkippedTo('}');
    if (!IsLetter(Ahead(0))) return std::nullopt;
    ++at_;
    return Escape{};
  }

  // Behind \g or \k: what was matched before, or what a group may match.
  std::optional<Escape> TakeReference(bool may_be_bare) {
    if (TakeIf('{')) return SkippedTo('}');
    if (TakeIf('<')) return SkippedTo('>');
    if (TakeIf('\'')) return SkippedTo('\'');
    if (!may_be_bare) return std::nullopt;
    if (IsIn(Ahead(0), "+-")) ++at_;
    if (!IsDigit(Ahead(0))) return std::nullopt;
    while (IsDigit(Ahead(0))) ++at_;
    return Escape{};
  }
  std::optional<Escape> SkippedTo(char c) {
    if (!SkipTo(c)) return std::nullopt;
    return Escape{};
  }

  std::optional<Repeats> TakeRepeats() {
    Repeats repeats;
    const char c = Ahead(0);
    if (c == '*' || c == '+') {
      repeats = {c == '+' ? 1U : 0U, RegexForms::kEndless};
      ++at_;
    } else if (c == '?') {
      repeats.min = 0;
      ++at_;
    } else if (c == '{' && IsIn(Ahead(1), ", ")) {
      return std::nullopt;  // Some versions of PCRE2 take it for a count.
    } else if (c == '{' && IsDigit(Ahead(1))) {
      ++at_;
      repeats.min = TakeNumber();
      repeats.max = repeats.min;
      if (TakeIf(',')) {
        repeats.max = IsDigit(Ahead(0)) ? TakeNumber() : RegexForms::kEndless;
      }
      // Perhaps itself after all.
      if (!TakeIf('}') || repeats.max < repeats.min) return std::nullopt;
    } else {
      return repeats;
    }
    if (IsIn(Ahead(0), "+?")) ++at_;
    return repeats;
  }
  uint32_t TakeNumber() {
    constexpr uint32_t kLarge = 100'000;  // More than PCRE2 allows.
    uint32_t number = 0;
    for (; IsDigit(Ahead(0)); ++at_) {
      number =
          std::min(kLarge, number * 10 + static_cast<uint32_t>(Ahead(0) - '0'));
    }
    return number;
  }

  // From '[' to behind its ']'.
  std::optional<RegexForms> TakeClass() {
    ++at_;
    const bool is_negated = TakeIf('^');
    bool is_large = is_negated;
    Bytes bytes;
    for (bool is_first = true; is_first || Ahead(0) != ']'; is_first = false) {
      const auto first = TakeMember();
      if (!first) return std::nullopt;
      auto last = first;
      if (Ahead(0) == '-' && Ahead(1) != ']') {
        ++at_;
        last = TakeMember();
        if (!last) return std::nullopt;
      }
      if (first->kind != Escape::Kind::kByte ||
          last->kind != Escape::Kind::kByte) {
        is_large = true;
        continue;
      }
      const auto begin = static_cast<unsigned char>(first->byte);
      const auto end = static_cast<unsigned char>(last->byte);
      if (end < begin) return std::nullopt;
      if (end >= 0x80) is_large = true;
      for (size_t byte = begin; byte <= end; ++byte) {
        bytes.set(static_cast<unsigned char>(Lower(static_cast<char>(byte))));
      }
    }
    ++at_;
    return is_large ? RegexForms::Anything() : OfClass(bytes);
  }

  // One byte, or what stands for many.
  std::optional<Escape> TakeMember() {
    if (at_ >= text_.size()) return std::nullopt;
    const char c = text_[at_];
    if (c == '\\') return TakeEscape(true);
    if (c == '[' && IsIn(Ahead(1), ":.=")) return TakeNamedClass();
    ++at_;
    return Escape{Escape::Kind::kByte, c};
  }

  std::optional<Escape> TakeNamedClass() {
    if (Ahead(1) != ':') return std::nullopt;
    at_ += 2;
    (void)TakeIf('^');
    while (IsLetter(Ahead(0))) ++at_;
    if (!TakeIf(':') || !TakeIf(']')) return std::nullopt;
    return Escape{};
  }

  static RegexForms OfClass(const Bytes& bytes) {
    if (bytes.count() > kClassBytesMax) return RegexForms::Anything();
    std::optional<RegexForms> forms;
    for (size_t byte = 0; byte < bytes.size(); ++byte) {
      if (!bytes.test(byte)) continue;
      const auto c = static_cast<char>(byte);
      RegexForms one(std::string_view(&c, 1));
      if (forms) {
        forms->AddChoice(std::move(one));
      } else {
        forms = std::move(one);
      }
    }
    assert(forms.has_value());
    return *std::move(forms);
  }

  // From '(' to behind its ')'.
  std::optional<RegexForms> TakeGroup() {
    assert(text_[at_] == '(');
    if (depth_ == kDepthMax || Ahead(1) == '*') return std::nullopt;
    ++depth_;
    ++at_;
    auto forms = TakeIf('?') ? TakeSpecialGroup() : TakeBody();
    --depth_;
    return forms;
  }

  std::optional<RegexForms> TakeBody() {
    auto forms = TakeChoice();
    if (!TakeIf(')')) return std::nullopt;
    return forms;
  }

  // What looks around matches nothing itself.
  std::optional<RegexForms> TakeLookaround() {
    if (!TakeBody()) return std::nullopt;
    return RegexForms("");
  }

  // Behind "(?".
  std::optional<RegexForms> TakeSpecialGroup() {
    const char c = Ahead(0);
    const char next = Ahead(1);
    const bool is_call = IsIn(c, "R&") || IsDigit(c) ||
                         (IsIn(c, "+-") && IsDigit(next)) ||
                         (c == 'P' && IsIn(next, "=>"));
    if (is_call) {
      if (!SkipTo(')')) return std::nullopt;
      return RegexForms::Anything();
    }
    if (c == '(') return TakeConditional();
    if (c == 'P' && next != '<') return std::nullopt;
    if (c == 'P') ++at_;
    if (c == '<' && IsIn(next, "=!*")) ++at_;
    const char kind = Ahead(0);
    if (IsIn(kind, "=!*")) {
      ++at_;
      return TakeLookaround();
    }
    if (kind == '<' || kind == '\'') {
      ++at_;
      if (!SkipTo(kind == '<' ? '>' : '\'')) return std::nullopt;
      return TakeBody();
    }
    if (IsIn(kind, ":|>")) {
      ++at_;
      return TakeBody();
    }
    return TakeOptions();
  }

  // Those that are of no account here. That some is caseless cannot be told;
  // that some is not need not be.
  std::optional<RegexForms> TakeOptions() {
    bool is_set = true;
    for (; !IsIn(Ahead(0), ":)"); ++at_) {
      const char c = Ahead(0);
      if (!IsIn(c, "^-imsxnUJ")) return std::nullopt;
      if (c == '-') is_set = false;
      if (is_set && (c == 'x' || (c == 'i' && !is_caseless_))) {
        return std::nullopt;
      }
    }
    if (TakeIf(')')) return RegexForms("");
    ++at_;
    return TakeBody();
  }

  // Behind "(?", at the condition.
  std::optional<RegexForms> TakeConditional() {
    if (Ahead(1) == '?' ? !TakeGroup() : Ahead(1) == '*' || !SkipTo(')')) {
      return std::nullopt;
    }
    if (!TakeBody()) return std::nullopt;
    return RegexForms::Anything();
  }

  const std::string_view text_;
  const bool is_caseless_;
  size_t at_ = 0;
  size_t depth_ = 0;
};

}  // namespace

std::vector<RegexLiteralSet> LiteralSetsOfRegex(std::string_view expression,
                                                uint32_t options) {
  if ((options & kRegexExtended) != 0 ||
      expression.size() > kRegexBytesToldMax) {
    return {};
  }
  auto forms =
      ExpressionReader(expression, (options & kRegexCaseless) != 0).Read();
  if (!forms) return {};
  return (*std::move(forms)).LiteralSets();
}

}  // namespace gatehouse
