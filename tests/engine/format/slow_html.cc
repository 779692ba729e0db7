#include "tests/engine/format/slow_html.h"

#include <cctype>
#include <cstdint>
#include <cstdio>

namespace gatehouse {
namespace {

using std::string_literals::operator""s;

bool IsSpace(int c) { return c < 0x80 && std::isspace(c) != 0; }
char Low(int c) { return static_cast<char>(c < 0x80 ? std::tolower(c) : c); }

class Slow {
 public:
  void Take(int c) {
    if (c >= 0x80) return TakeHigh(c);
    if (c == '\r') return;
    if (!text_high_.empty()) {
      const bool is_stop =
          text_high_ == "\xa1" && "CDO"s.find(static_cast<char>(c)) < 3;
      if (is_stop) {
        text_high_ = "\0"s;
        views_.no_comments += '.';
        views_.no_tags += '.';
        return;
      }
      FlushTextHigh();
    }
    if (reference_ != 0 && TakeReference(c)) return;
    TakePlain(c);
  }

  SlowHtmlViews Finish() {
    if (reference_ == '&') {
      const int code = CodeOf(name_);
      if (code >= 0) {
        Resolve(code);
      } else if (!name_.empty()) {
        for (const char c : "&" + name_) Emit(c);
      }
    }
    if (in_ == "<") views_.no_comments += '<';
    return views_;
  }

 private:
  void TakePlain(int c) {
    if (in_ == "text") return TakeText(c);
    if (in_ == "<") return TakeTagStart(c);
    if (in_ == "name") return TakeName(c);
    if (in_ == "gap") return TakeGap(c);
    if (in_ == "attribute") return TakeAttribute(c);
    if (in_ == "=") return TakeValueStart(c);
    if (in_ == "value") return TakeValue(c);
    if (in_ == "markup") {
      if (c == '>') ToText();
      return;
    }
    TakeScript(c);
  }

  void ToText() {
    in_ = "text";
    skips_space_ = true;
  }
  void SpaceInText() {
    if (!ends_in_space_) views_.no_tags += ' ';
    ends_in_space_ = true;
  }
  void Address() {
    if (shows_address_) views_.no_tags += address_ + " ";
    shows_address_ = false;
  }
  void WaitingSpace() {
    skips_space_ = false;
    if (space_waits_) views_.no_comments += ' ';
    space_waits_ = false;
  }

  void TakeText(int c) {
    Address();
    if (IsSpace(c)) {
      if (skips_space_) return;
      SpaceInText();
      space_waits_ = true;
      return;
    }
    WaitingSpace();
    if (c == '<' || c == '&') {
      SpaceInText();
      if (c == '<') {
        in_ = "<";
      } else {
        Refer();
      }
      return;
    }
    views_.no_comments += Low(c);
    if (c < 0x20) return SpaceInText();
    views_.no_tags += Low(c);
    ends_in_space_ = false;
  }

  void TakeTagStart(int c) {
    if (IsSpace(c)) return;
    if (c == '!') {
      in_ = "markup";
      return;
    }
    views_.no_comments += '<';
    tag_.clear();
    attribute_.clear();
    address_.clear();
    had_address_ = false;
    in_ = "name";
    TakeName(c);
  }

  void Close() {
    views_.no_comments += '>';
    shows_address_ = !address_.empty();
    ToText();
    is_style_ = tag_ == "style";
    if (is_style_ || tag_ == "script") in_ = "script";
  }

  void TakeName(int c) {
    if (c == '>') return Close();
    if (IsSpace(c)) {
      in_ = "gap";
      return;
    }
    views_.no_comments += Low(c);
    tag_ += Low(c);
  }

  [[nodiscard]] bool IsAddress() const {
    return (tag_ == "a" && attribute_ == "href") ||
           (tag_ == "img" && attribute_ == "src");
  }

  void TakeGap(int c) {
    if (IsSpace(c)) return;
    if (c == '>') return Close();
    if (c != '=') {
      views_.no_comments += ' ';
      had_address_ = had_address_ || IsAddress();
      attribute_.clear();
    }
    in_ = "attribute";
    TakeAttribute(c);
  }

  void TakeAttribute(int c) {
    if (c == '>') return Close();
    if (IsSpace(c)) {
      in_ = "gap";
      return;
    }
    views_.no_comments += Low(c);
    if (c == '=') {
      in_ = "=";
    } else {
      attribute_ += Low(c);
    }
  }

  void TakeValueStart(int c) {
    if (IsSpace(c)) return;
    if (c == '>') return Close();
    BeginValue();
    TakeValue(c);
  }

  void BeginValue() {
    in_ = "value";
    skips_space_ = false;
    is_empty_ = true;
    was_quoted_ = false;
    quote_ = 0;
    keeps_ = !had_address_ && IsAddress();
    had_address_ = had_address_ || keeps_;
  }

  void TakeValue(int c) {
    const bool ends = IsSpace(c) || c == '>';
    const bool is_quote = c == '"' || c == '\'';
    if (quote_ == 0 && ends) {
      if (IsSpace(c) && skips_space_) return;
      if (was_quoted_ && keeps_ && !address_.empty()) address_.pop_back();
      EndValue();
      return TakeGap(c);
    }
    if (quote_ == 0 && is_quote && is_empty_ && !was_quoted_) {
      quote_ = c;
      was_quoted_ = true;
      views_.no_comments += '"';
      return;
    }
    if (c == quote_) {
      views_.no_comments += '"';
      return EndValue();
    }
    if (value_high_ == "\xa1" && (c == 'C' || c == 'D' || c == 'O')) {
      value_high_.clear();
      return Valued('.', '.');
    }
    if (c == '&') {
      skips_space_ = false;
      return Refer();
    }
    if (!ends && !is_quote) FlushValueHigh();
    skips_space_ = ends;
    if (ends) quote_ = 0;
    const int kept = is_quote ? '"' : c;
    Valued(c == '\n' ? ' ' : kept, IsSpace(c) ? ' ' : kept);
  }

  void Valued(int c, int in_address) {
    is_empty_ = false;
    views_.no_comments += Low(c);
    Keep(in_address);
  }
  void Keep(int c) {
    if (keeps_ && address_.size() < 1022) address_ += static_cast<char>(c);
  }
  void EndValue() {
    keeps_ = false;
    in_ = "gap";
  }

  void TakeScript(int c) {
    if (in_ == "script" && c == '&') return Refer();
    if (in_ == "script" || in_ == "script!") {
      if (!IsSpace(c)) views_.no_comments += c == '\'' ? '"' : Low(c);
      if (in_ == "script" && c == '<') in_ = "script<";
      if (in_ == "script!" && c == '>') in_ = "script";
      return;
    }
    if (in_ == "script<") {
      if (IsSpace(c)) return;
      views_.no_comments += Low(c);
      end_.clear();
      in_ = c == '!' ? "script!" : c == '/' ? "script/" : "script";
      return;
    }
    if (!IsSpace(c)) views_.no_comments += Low(c);
    if (!IsSpace(c) && c != '>') {
      end_ += Low(c);
    } else if (end_ == "script" || (end_ == "style" && is_style_)) {
      ToText();
    } else {
      in_ = "script";
    }
  }

  void TakeHigh(int c) {
    if (reference_ != 0) (void)TakeReference(c);
    if (in_ == "text") {
      Address();
      WaitingSpace();
    }
    if (in_ == "text" || in_ == "script") {
      if (text_high_.size() == 3) FlushTextHigh();
      Wait(text_high_, c);
    } else if (in_ == "=" || in_ == "value") {
      skips_space_ = false;
      if (in_ == "=") BeginValue();
      if (value_high_.size() == 3) FlushValueHigh();
      Wait(value_high_, c);
    } else {
      TakePlain(c);
    }
  }
  static void Wait(std::string& high, int c) {
    if (high == "\0"s) high.clear();
    high += static_cast<char>(c);
  }
  static std::string Stopped(std::string high) {
    const bool is_stop = high == "\xe3\x80\x82" || high == "\xef\xb9\x92" ||
                         high == "\xef\xbc\x8e";
    return is_stop ? "." : high;
  }
  void FlushTextHigh() {
    std::string high = Stopped(std::exchange(text_high_, ""));
    views_.no_comments += high;
    const bool is_one = high.size() == 1;
    high.back() = is_one ? high.front() : high[high.size() - 2];
    if (is_one && static_cast<uint8_t>(high.front()) >= 0x80) high = "\0"s;
    views_.no_tags += high;
  }
  void FlushValueHigh() {
    for (const char c : Stopped(std::exchange(value_high_, ""))) {
      Valued(static_cast<uint8_t>(c), c);
    }
  }

  void Refer() {
    reference_ = '&';
    name_.clear();
    number_ = 0;
  }
  static int CodeOf(const std::string& name) {
    for (const auto& [known, code] : kSlowHtmlNames) {
      if (known == name) return code;
    }
    return -1;
  }
  void Emit(int c) {
    if (in_ == "value") {
      Valued(static_cast<uint8_t>(c), c);
    } else {
      views_.no_comments += Low(static_cast<uint8_t>(c));
    }
  }
  static std::string Hexadecimal(uint64_t code) {
    std::array<char, 16> text = {};
    (void)std::snprintf(text.data(), text.size(), "&#x%04x;",
                        static_cast<unsigned>(code));
    return text.data();
  }
  void Resolve(int code) {
    if (code <= 0xfe) return Emit(code);
    for (const char c : Hexadecimal(static_cast<uint64_t>(code))) Emit(c);
  }

  bool TakeReference(int c) {
    if (reference_ != '&') return TakeNumber(c);
    if (c == '#' && name_.empty()) {
      reference_ = 10;
      return true;
    }
    const bool is_name_byte =
        c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == ':' || c == '_');
    if (is_name_byte && name_.size() < 1024) {
      name_ += static_cast<char>(c);
      return true;
    }
    reference_ = 0;
    const int code = c == ';' ? CodeOf(name_) : -1;
    if (code >= 0) {
      Resolve(code);
      return true;
    }
    for (const char one : "&" + name_) Emit(one);
    if (c == ';') Emit(';');
    return c == ';';
  }

  // Of fewer digits than any number that is too large.
  bool TakeNumber(int c) {
    if (number_ == 0 && (c == 'x' || c == 'X')) {
      reference_ = 16;
      return true;
    }
    const bool is_digit =
        c < 0x80 &&
        (reference_ == 10 ? std::isdigit(c) != 0 : std::isxdigit(c) != 0);
    if (is_digit) {
      const int digit = std::isdigit(c) != 0 ? c - '0' : Low(c) - 'a' + 10;
      number_ = number_ * static_cast<uint64_t>(reference_) +
                static_cast<uint64_t>(digit);
      return true;
    }
    reference_ = 0;
    const auto low = static_cast<uint8_t>(number_ & 0xff);
    if (c != ';') {
      views_.no_comments += static_cast<char>(low);
      return false;
    }
    is_empty_ = false;
    const uint64_t code = number_ & 0xffff;
    if (code > 0xfe) {
      views_.no_comments += Hexadecimal(code);
    } else {
      views_.no_comments += code == number_ ? Low(low) : static_cast<char>(low);
    }
    Keep(low);
    return true;
  }

  SlowHtmlViews views_;
  std::string in_ = "text";
  bool skips_space_ = true;
  bool space_waits_ = false;
  bool ends_in_space_ = false;
  std::string tag_;
  std::string attribute_;
  std::string end_;
  bool is_style_ = false;
  int quote_ = 0;
  bool is_empty_ = true;
  bool was_quoted_ = false;
  bool keeps_ = false;
  bool had_address_ = false;
  bool shows_address_ = false;
  std::string address_;
  std::string text_high_;
  std::string value_high_;
  int reference_ = 0;  // '&': a name; else the base of a number.
  std::string name_;
  uint64_t number_ = 0;
};

}  // namespace

SlowHtmlViews SlowHtml(std::string_view html) {
  Slow slow;
  bool has_begun = false;  // White space in front of a piece is lost.
  for (const char c : html) {
    const auto byte = static_cast<uint8_t>(c);
    has_begun = has_begun || (byte != 0 && !IsSpace(byte));
    if (has_begun && byte != 0) slow.Take(byte);
  }
  return slow.Finish();
}

}  // namespace gatehouse
