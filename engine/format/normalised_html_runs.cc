// HtmlNormaliser, the fast part: bytes that mean nothing but themselves, many
// at once. It takes exactly what the part that goes byte by byte would make of
// them; that one takes over wherever a byte may mean more.
#include <algorithm>
#include <array>
#include <cstring>

#include "engine/format/html_text_run.h"
#include "engine/format/normalised_html.h"

namespace gatehouse {
namespace {

using ByteClass = std::array<bool, 256>;

// Of these, each state has its own.
constexpr ByteClass Specials(std::string_view characters, bool has_space) {
  ByteClass special = {};
  for (size_t c = 0; c < special.size(); ++c) {
    special.at(c) =
        c >= 0x80 || (has_space && IsHtmlSpace(static_cast<uint8_t>(c)));
  }
  for (const char c : characters) special.at(static_cast<uint8_t>(c)) = true;
  return special;
}

constexpr ByteClass kEndsName = Specials(">=", true);
constexpr ByteClass kEndsValue = Specials("\"'>&", true);
constexpr ByteClass kEndsScript = Specials("<&", false);

size_t CountUntil(const ByteClass& special, ByteView bytes) {
  const auto end = std::find_if(bytes.begin(), bytes.end(),
                                [&special](uint8_t c) { return special[c]; });
  return static_cast<size_t>(end - bytes.begin());
}

}  // namespace

uint8_t* HtmlNormaliser::View::RoomFor(size_t count) {
  if (bytes_.size() - size_ < count) {
    if (first_ + kHtmlViewBytesMax - size_ < count) return nullptr;
    Grow();
  }
  return bytes_.data() + size_;
}

size_t HtmlNormaliser::TakeRun(ByteView bytes) {
  if (reference_ != Reference::kNone || !text_high_.empty()) return 0;
  switch (state_) {
    case State::kText:
      return TakeTextRun(bytes);
    case State::kTagStart:
      return TakeTag(bytes);
    case State::kTagName:
      return TakeNameRun(bytes, tag_);
    case State::kAttributeName:
      return TakeNameRun(bytes, attribute_);
    case State::kValue:
      return TakeValueRun(bytes);
    case State::kMarkup:
      return std::min(AsText(bytes).find('>'), bytes.size());
    case State::kScript:
      return TakeScriptRun(bytes);
    case State::kAttributeGap:
    case State::kValueStart:
    case State::kScriptTagStart:
    case State::kScriptEndTag:
    case State::kScriptMarkup:
      break;
  }
  return 0;
}

// Words and tags, as long as they are plain.
size_t HtmlNormaliser::TakeTextRun(ByteView bytes) {
  size_t taken = 0;
  while (state_ == State::kText) {
    taken += TakeWords(bytes.subspan(taken));
    if (taken == bytes.size() || bytes[taken] != '<') break;
    AppendAddress();
    BeginText();
    AppendSpaceToText();
    state_ = State::kTagStart;
    ++taken;
    taken += TakeTag(bytes.subspan(taken));
  }
  return taken;
}

size_t HtmlNormaliser::TakeWords(ByteView bytes) {
  size_t taken = 0;
  while (true) {
    taken += TakeSpace(bytes.subspan(taken));
    const ByteView rest = bytes.subspan(taken);
    if (rest.empty()) return taken;
    const uint8_t first = rest.front();
    if (first < ' ' || first >= 0x80 || first == '<' || first == '&') {
      return taken;
    }
    AppendAddress();
    BeginText();
    uint8_t* const text = no_tags_.RoomFor(rest.size() + kHtmlRunRoomBytes);
    uint8_t* const all = no_comments_.RoomFor(rest.size());
    if (text == nullptr || all == nullptr) return taken;
    const size_t count = CopyHtmlWords(rest, false, text);
    // White space at the end belongs to the text already, but waits for what
    // follows it here.
    pending_space_ = text[count - 1] == ' ';
    text_ends_in_space_ = pending_space_;
    std::memcpy(all, text, count);
    no_tags_.AddWritten(count);
    no_comments_.AddWritten(pending_space_ ? count - 1 : count);
    taken += count;
  }
}

// White space in text, a run of it; CR is nothing at all.
size_t HtmlNormaliser::TakeSpace(ByteView bytes) {
  size_t taken = 0;
  bool has_space = false;
  for (; taken < bytes.size() && IsHtmlSpace(bytes[taken]); ++taken) {
    has_space = has_space || bytes[taken] != '\r';
  }
  if (!has_space) return taken;
  AppendAddress();
  if (!skips_space_) {
    AppendSpaceToText();
    pending_space_ = true;
  }
  return taken;
}

// A tag, behind its '<', to its end or to the first byte that is not plain; the
// state is always that behind what was taken.
size_t HtmlNormaliser::TakeTag(ByteView bytes) {
  if (bytes.empty() || kEndsName[bytes.front()] || bytes.front() == '!') {
    return 0;
  }
  TakeTagStart(bytes.front());
  size_t taken = 1;
  taken += TakeNameRun(bytes.subspan(taken), tag_);
  while (taken < bytes.size()) {
    const uint8_t c = bytes[taken];
    if (c == '>') {
      CloseTag();
      return taken + 1;
    }
    // CR is nothing at all, and so no white space either.
    if (state_ != State::kAttributeGap && (!IsHtmlSpace(c) || c == '\r')) break;
    state_ = State::kAttributeGap;
    while (taken < bytes.size() && IsHtmlSpace(bytes[taken])) ++taken;
    const size_t attribute = TakeAttribute(bytes.subspan(taken));
    if (attribute == 0 && (taken == bytes.size() || bytes[taken] != '>')) break;
    taken += attribute;
    if (state_ == State::kValueStart || state_ == State::kValue) break;
  }
  return taken;
}

// An attribute without a value, or with a plain one in quotes.
size_t HtmlNormaliser::TakeAttribute(ByteView bytes) {
  if (bytes.empty() || kEndsName[bytes.front()]) return 0;
  TakeAttributeGap(bytes.front());
  size_t taken = 1;
  taken += TakeNameRun(bytes.subspan(taken), attribute_);
  if (taken == bytes.size() || bytes[taken] != '=') return taken;
  TakeAttributeName('=');
  ++taken;
  if (taken == bytes.size() || !IsHtmlQuote(bytes[taken])) return taken;
  TakeValueStart(bytes[taken]);
  ++taken;
  taken += TakeValueRun(bytes.subspan(taken));
  if (taken < bytes.size() && bytes[taken] == quote_ && value_high_.empty()) {
    TakeValue(quote_);
    ++taken;
  }
  return taken;
}

size_t HtmlNormaliser::TakeNameRun(ByteView bytes, Word& word) {
  const ByteView run = bytes.first(CountUntil(kEndsName, bytes));
  for (const uint8_t c : run) {
    no_comments_.Append(LowerCase(c));
    word.Append(LowerCase(c));
  }
  return run.size();
}

size_t HtmlNormaliser::TakeValueRun(ByteView bytes) {
  if (!value_high_.empty()) return 0;
  const ByteView run = bytes.first(CountUntil(kEndsValue, bytes));
  if (run.empty()) return 0;
  skips_space_ = false;
  value_is_empty_ = false;
  for (const uint8_t c : run) no_comments_.Append(LowerCase(c));
  if (keeps_address_) {
    for (const uint8_t c : run) address_.Append(c);
  }
  return run.size();
}

size_t HtmlNormaliser::TakeScriptRun(ByteView bytes) {
  const ByteView run = bytes.first(CountUntil(kEndsScript, bytes));
  uint8_t* const room = no_comments_.RoomFor(run.size());
  if (room == nullptr) return 0;
  size_t written = 0;
  for (const uint8_t c : run) {
    room[written] = c == '\'' ? uint8_t{'"'} : LowerCase(c);
    if (!IsHtmlSpace(c)) ++written;
  }
  no_comments_.AddWritten(written);
  return run.size();
}

}  // namespace gatehouse
