// HtmlNormaliser, the fast part: bytes that mean nothing but themselves, many
// at once. It takes exactly what the part that goes byte by byte would make of
// them; that one takes over wherever a byte may mean more.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/format/html_text_run.h"
#include "engine/format/normalised_html.h"

namespace gatehouse {
namespace {

bool IsWhite(uint8_t c) {  // CR is nothing at all, and so no white space.
  return IsHtmlSpace(c) && c != '\r';
}

bool EndsName(uint8_t c) {
  return c >= 0x80 || c == '>' || c == '=' || IsHtmlSpace(c);
}

}  // namespace

uint8_t* HtmlNormaliser::View::RoomFor(size_t count) {
  if (bytes_.size() - size_ < count) {
    if (first_ + kHtmlViewBytesMax - size_ < count) return nullptr;
    Grow();
    assert(bytes_.size() - size_ >= count);
  }
  return bytes_.data() + size_;
}

size_t HtmlNormaliser::TakeRun(ByteView bytes) {
  if (reference_ != Reference::kNone || !text_high_.empty()) return 0;
  switch (state_) {
    case State::kText:
    case State::kTagStart:
    case State::kTagName:
    case State::kAttributeGap:
    case State::kAttributeName:
    case State::kValueStart:
    case State::kValue:
      return TakeMarkupRun(bytes);
    case State::kMarkup:
      return std::min(AsText(bytes).find('>'), bytes.size());
    case State::kScript:
      return TakeScriptRun(bytes);
    case State::kScriptTagStart:
    case State::kScriptEndTag:
    case State::kScriptMarkup:
      break;
  }
  return 0;
}

// Where to read and write, and what is known of white space, stays here as long
// as the run lasts: bytes that are written cannot change it.
//
// The functions that begin with Take return whether the run may go on; if not,
// state_ is that behind what was taken.
class HtmlNormaliser::MarkupRun {
 public:
  MarkupRun(HtmlNormaliser& html, ByteView bytes, uint8_t* all, uint8_t* text)
      : at_(bytes.data()),
        end_(bytes.data() + bytes.size()),
        all_(all),
        html_(html),
        text_(text),
        all_begin_(all),
        text_begin_(text),
        skips_space_(html.skips_space_),
        pending_space_(html.pending_space_),
        text_ends_in_space_(html.text_ends_in_space_) {}

  void Take() {
    bool goes_on = TakeRestOfTag();
    while (goes_on) goes_on = TakeText() && TakeTag();
    html_.skips_space_ = skips_space_;
    html_.pending_space_ = pending_space_;
    html_.text_ends_in_space_ = text_ends_in_space_;
  }
  [[nodiscard]] const uint8_t* at() const { return at_; }
  [[nodiscard]] const uint8_t* all() const { return all_; }
  [[nodiscard]] const uint8_t* text() const { return text_; }

 private:
  [[nodiscard]] ByteView Rest() const { return {at_, end_}; }

  bool TakeRestOfTag() {
    switch (html_.state_) {
      case State::kTagStart:
        return TakeTag();
      case State::kTagName:
        html_.tag_.Append(TakeName());
        return TakeAttributes();
      case State::kAttributeName:
        html_.attribute_.Append(TakeName());
        return TakeAttributes();
      case State::kAttributeGap:
        return TakeAttributes();
      case State::kValueStart:
        return TakeValueStart() && TakeAttributes();
      case State::kValue:
        return TakeValue() && TakeAttributes();
      case State::kText:
      case State::kMarkup:
      case State::kScript:
      case State::kScriptTagStart:
      case State::kScriptEndTag:
      case State::kScriptMarkup:
        break;
    }
    return true;
  }

  void AppendSpaceToText() {
    if (!text_ends_in_space_) *text_++ = ' ';
    text_ends_in_space_ = true;
  }

  void AppendAddress() {
    if (!html_.has_address_) return;
    const std::string_view address = html_.address_.text();
    std::memcpy(text_, address.data(), address.size());
    text_ += address.size();
    *text_++ = ' ';
    html_.has_address_ = false;
  }

  // White space, a run of it.
  void TakeSpace() {
    const size_t count = CountHtmlSpace(Rest());
    const bool is_white = std::any_of(at_, at_ + count, IsWhite);
    at_ += count;
    if (!is_white) return;
    AppendAddress();
    if (skips_space_) return;
    AppendSpaceToText();
    pending_space_ = true;
  }

  // Without what may be white space at the end.
  void AddTextRun(size_t bytes) {
    if (html_.runs_ == nullptr) return;
    const auto place = [](const View& view, const uint8_t* at,
                          const uint8_t* begin) {
      return static_cast<uint32_t>(view.size() +
                                   static_cast<size_t>(at - begin));
    };
    html_.runs_->push_back({place(html_.no_comments_, all_, all_begin_),
                            place(html_.no_tags_, text_, text_begin_),
                            static_cast<uint32_t>(bytes)});
  }

  // To the '<' of a tag, and that too.
  bool TakeText() {
    while (true) {
      if (at_ != end_ && IsHtmlSpace(*at_)) TakeSpace();
      if (at_ == end_) return false;
      const uint8_t c = *at_;
      if (c < ' ' || c >= 0x80 || c == '&') return false;
      AppendAddress();
      skips_space_ = false;
      if (pending_space_) *all_++ = ' ';
      pending_space_ = false;
      if (c == '<') break;
      const HtmlRun run = CopyHtmlWords(Rest(), text_, all_);
      if (run.written > kHtmlTextRunBytesMin) AddTextRun(run.written - 1);
      at_ += run.taken;
      text_ += run.written;
      all_ += run.written;
      // White space at the end belongs to the text already, but waits for what
      // follows it here.
      pending_space_ = text_[-1] == ' ';
      text_ends_in_space_ = pending_space_;
      if (pending_space_) --all_;
    }
    AppendSpaceToText();
    ++at_;
    html_.state_ = State::kTagStart;
    return true;
  }

  bool TakeTag() {
    if (at_ == end_ || EndsName(*at_) || *at_ == '!') return false;
    *all_++ = '<';
    const ByteView name = TakeName();
    html_.tag_.Assign(name.data(), name.size());
    html_.attribute_.Clear();
    html_.address_.Clear();
    html_.address_attribute_seen_ = false;
    html_.state_ = State::kTagName;
    return TakeAttributes();
  }

  // As it was written: behind it, there is room.
  ByteView TakeName() {
    const size_t count = CopyHtmlName(Rest(), all_);
    const ByteView name(all_, count);
    at_ += count;
    all_ += count;
    return name;
  }

  // To the end of the tag.
  bool TakeAttributes() {
    const bool has_address =
        html_.tag_.text() == "a" || html_.tag_.text() == "img";
    while (at_ != end_) {
      if (html_.state_ != State::kAttributeGap && IsWhite(*at_))
        html_.state_ = State::kAttributeGap;
      if (html_.state_ == State::kAttributeGap && IsHtmlSpace(*at_)) {
        at_ += CountHtmlSpace(Rest());
        if (at_ == end_) return false;
      }
      const uint8_t c = *at_;
      if (c == '>') {
        ++at_;
        *all_++ = '>';
        html_.EndTag();
        skips_space_ = true;
        return html_.state_ == State::kText;
      }
      if (c == '=' && html_.state_ != State::kTagName) {
        ++at_;
        *all_++ = '=';
        html_.state_ = State::kValueStart;
        if (!TakeValueStart()) return false;
        continue;
      }
      if (html_.state_ != State::kAttributeGap || c >= 0x80) return false;
      TakeNames(has_address);
    }
    return false;
  }

  // Names of attributes: only one if it matters which.
  void TakeNames(bool has_address) {
    *all_++ = ' ';
    html_.state_ = State::kAttributeName;
    if (has_address) {
      html_.address_attribute_seen_ |= html_.IsAddressAttribute();
      const ByteView name = TakeName();
      html_.attribute_.Assign(name.data(), name.size());
      return;
    }
    const HtmlRun run = CopyHtmlNames(Rest(), all_);
    at_ += run.taken;
    all_ += run.written;
    if (all_[-1] != ' ') return;
    --all_;
    html_.state_ = State::kAttributeGap;
  }

  bool TakeValueStart() {
    if (at_ != end_ && IsHtmlSpace(*at_)) at_ += CountHtmlSpace(Rest());
    if (at_ == end_ || !html_.value_high_.empty()) return false;
    const uint8_t c = *at_;
    if (c >= 0x80 || c == '&') return false;
    if (c == '>') {
      html_.state_ = State::kAttributeGap;
      return true;
    }
    html_.BeginValue();
    skips_space_ = false;
    if (IsHtmlQuote(c)) {
      html_.quote_ = c;
      html_.began_quoted_ = true;
      ++at_;
      *all_++ = '"';
    }
    return TakeValue();
  }

  void TakePlainValue() {
    const size_t count = CopyHtmlValue(Rest(), all_);
    if (count == 0) return;
    if (html_.keeps_address_) html_.address_.Append(Rest().first(count));
    at_ += count;
    all_ += count;
    skips_space_ = false;
    html_.value_is_empty_ = false;
  }

  bool TakeValue() {
    while (html_.value_high_.empty()) {
      if (skips_space_) at_ += CountHtmlSpace(Rest());
      TakePlainValue();
      if (at_ == end_) return false;
      const uint8_t c = *at_;
      const bool ends = c == '>' || IsWhite(c);
      if (c == html_.quote_) {
        ++at_;
        *all_++ = '"';
        html_.EndValue();
        return true;
      }
      if (ends && html_.quote_ == 0) {
        if (html_.began_quoted_ && html_.keeps_address_) {
          html_.address_.DropLast();
        }
        html_.EndValue();
        return true;
      }
      const bool is_first = html_.value_is_empty_ && !html_.began_quoted_;
      if (!ends && (!IsHtmlQuote(c) || is_first)) return false;
      TakeMarkInValue(c);
    }
    return false;
  }

  // A quote, or what ends the protection by quotes.
  void TakeMarkInValue(uint8_t c) {
    ++at_;
    if (IsHtmlQuote(c)) c = '"';
    *all_++ = c == '\n' ? uint8_t{' '} : c;
    html_.KeepAddress(IsHtmlSpace(c) ? uint8_t{' '} : c);
    html_.value_is_empty_ = false;
    skips_space_ = c != '"';
    if (skips_space_) html_.quote_ = 0;
  }

  const uint8_t* at_;
  const uint8_t* const end_;
  uint8_t* all_;
  HtmlNormaliser& html_;
  uint8_t* text_;
  const uint8_t* const all_begin_;
  const uint8_t* const text_begin_;
  bool skips_space_;
  bool pending_space_;
  bool text_ends_in_space_;
};

size_t HtmlNormaliser::TakeMarkupRun(ByteView bytes) {
  // No attribute has less than four bytes, and each may get a space. The text
  // may get an address from before.
  constexpr size_t kMore = 2 * kHtmlRunRoomBytes;
  const size_t all_room = bytes.size() + bytes.size() / 4 + kMore;
  const size_t text_room = bytes.size() + kAddressBytesMax + kMore;
  uint8_t* const all = no_comments_.RoomFor(all_room);
  uint8_t* const text = no_tags_.RoomFor(text_room);
  if (all == nullptr || text == nullptr) return 0;
  MarkupRun run(*this, bytes, all, text);
  run.Take();
  no_comments_.AddWritten(static_cast<size_t>(run.all() - all));
  no_tags_.AddWritten(static_cast<size_t>(run.text() - text));
  return static_cast<size_t>(run.at() - bytes.data());
}

size_t HtmlNormaliser::TakeScriptRun(ByteView bytes) {
  uint8_t* const room = no_comments_.RoomFor(bytes.size() + kHtmlRunRoomBytes);
  if (room == nullptr) return 0;
  const HtmlRun run = CopyHtmlScript(bytes, room);
  no_comments_.AddWritten(run.written);
  return run.taken;
}

}  // namespace gatehouse
