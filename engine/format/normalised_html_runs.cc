// HtmlNormaliser, the fast part: bytes that mean nothing but themselves, many
// at once. It takes exactly what the part that goes byte by byte would make of
// them; that one takes over wherever a byte may mean more.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/format/html_reference.h"
#include "engine/format/html_script_run.h"
#include "engine/format/normalised_html.h"

namespace gatehouse {
namespace {

// A short name as the bytes of a word.
consteval uint64_t NameWord(std::string_view name) {
  uint64_t word = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    word |= uint64_t{static_cast<uint8_t>(name[i])} << (8 * i);
  }
  return word;
}

}  // namespace

uint8_t* HtmlNormaliser::View::RoomFor(size_t count) {
  if (bytes_.size() - size_ < count) {
    if (first_ + kHtmlViewBytesMax - size_ < count) return nullptr;
    Grow(count);
    assert(bytes_.size() - size_ >= count);
  }
  return bytes_.data() + size_;
}

size_t HtmlNormaliser::TakeRun(ByteView piece, size_t at) {
  const ByteView bytes = piece.subspan(at);
  if (reference_ != Reference::kNone || !text_high_.empty()) return 0;
  switch (state_) {
    case State::kText:
    case State::kTagStart:
    case State::kTagName:
    case State::kAttributeGap:
    case State::kAttributeName:
    case State::kValueStart:
    case State::kValue:
      return TakeMarkupRun(piece, at);
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

// Where to read and write, and what is known of text and tag, stays here as
// long as the run lasts, in registers: bytes that are written cannot change it.
// So everything is inlined, and nothing takes the address of the run.
//
// The functions that begin with Take return whether the run may go on; if not,
// state_ is that behind what was taken. There is a NUL behind the last word.
class HtmlNormaliser::MarkupRun {
 public:
  MarkupRun(HtmlNormaliser& html, ByteView piece, size_t at, uint8_t* all,
            uint8_t* text)
      : html_(&html),
        piece_(piece.data()),
        words_(html.marks_.words()),
        at_(at),
        all_(all),
        text_(text),
        all_begin_(all),
        text_begin_(text),
        state_(html.state_),
        skips_space_(html.skips_space_),
        pending_space_(html.pending_space_),
        text_ends_in_space_(html.text_ends_in_space_),
        quote_(html.quote_),
        value_is_empty_(html.value_is_empty_),
        began_quoted_(html.began_quoted_),
        keeps_address_(html.keeps_address_) {}

  [[gnu::always_inline]] void Take() {
    bool goes_on = true;
    if (state_ != State::kText) {
      MarkupRun copy = *this;
      goes_on = TakeRestOfTag(copy);
      *this = copy;
    }
    while (goes_on) goes_on = TakeText() && TakeTag() && TakeAttributes();
    html_->state_ = state_;
    html_->skips_space_ = skips_space_;
    html_->pending_space_ = pending_space_;
    html_->text_ends_in_space_ = text_ends_in_space_;
    html_->quote_ = quote_;
    html_->value_is_empty_ = value_is_empty_;
    html_->began_quoted_ = began_quoted_;
    html_->keeps_address_ = keeps_address_;
  }
  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] const uint8_t* all() const { return all_; }
  [[nodiscard]] const uint8_t* text() const { return text_; }

 private:
  [[gnu::noinline]] static bool TakeRestOfTag(MarkupRun& run) {
    HtmlNormaliser& html = *run.html_;
    const ByteView rest =
        run.state_ == State::kTagName || run.state_ == State::kAttributeName
            ? run.TakeName()
            : ByteView();
    if (run.state_ == State::kTagStart) {
      if (!run.TakeTag()) return false;
    } else {
      if (run.state_ == State::kTagName) html.tag_.Append(rest);
      const std::string_view tag = html.tag_.text();
      run.KnowTag(AsBytes(tag).data(), tag.size());
    }
    if (run.state_ == State::kAttributeName) html.attribute_.Append(rest);
    if (run.state_ == State::kValueStart && !run.TakeValueStart()) return false;
    if (run.state_ == State::kValue && !run.TakeValue()) return false;
    return run.TakeAttributes();
  }

  [[gnu::always_inline]] bool IsAtSpace() const {
    return words_[at_] == ' ' || words_[at_] == '\r';
  }

  // Whether there was any; CR is nothing at all, and so none.
  [[gnu::always_inline]] bool SkipSpace() {
    bool is_white = false;
    while (true) {
      const size_t end = html_->marks_.blanks().NextNot(at_);
      is_white |= end != at_;
      at_ = end;
      if (words_[at_] != '\r') [[likely]]
        return is_white;
      ++at_;
    }
  }

  [[gnu::always_inline]] void CopyToAll(size_t end) {
    constexpr size_t kStep = 16;
    const uint8_t* const from = words_ + at_;
    const size_t count = end - at_;
    std::memcpy(all_, from, kStep);
    for (size_t i = kStep; i < count; i += kStep) {
      std::memcpy(all_ + i, from + i, kStep);
    }
    all_ += count;
    at_ = end;
  }

  // Text.

  [[gnu::always_inline]] void AppendSpaceToText() {
    *text_ = ' ';
    text_ += text_ends_in_space_ ? 0 : 1;
    text_ends_in_space_ = true;
  }

  [[gnu::always_inline]] void AppendAddress() {
    if (!html_->has_address_) return;
    const std::string_view address = html_->address_.text();
    std::memcpy(text_, address.data(), address.size());
    text_ += address.size();
    *text_++ = ' ';
    html_->has_address_ = false;
  }

  [[gnu::always_inline]] void BeginText() {
    AppendAddress();
    skips_space_ = false;
    *all_ = ' ';
    all_ += pending_space_ ? 1 : 0;
    pending_space_ = false;
  }

  // To the '<' of a tag, and that too.
  [[gnu::always_inline]] bool TakeText() {
    while (true) {
      if (IsAtSpace()) TakeSpace();
      const uint8_t c = words_[at_];
      if (c == '<') break;
      if (c < ' ') return false;
      if (c == '&') {
        if (!TakeReference()) return false;
      } else if (c >= 0x80) {
        if (!TakeHigh()) return false;
      } else {
        TakeWords();
      }
    }
    BeginText();
    AppendSpaceToText();
    ++at_;
    state_ = State::kTagStart;
    return true;
  }

  [[gnu::always_inline]] void TakeSpace() {
    if (!SkipSpace()) return;
    AppendAddress();
    if (skips_space_) return;
    AppendSpaceToText();
    pending_space_ = true;
  }

  [[gnu::always_inline]] void TakeWords() {
    BeginText();
    const uint8_t* const begin = text_;
    do {
      CopyToBoth(html_->marks_.text_ends().Next(at_));
      if (words_[at_] != ' ') break;
      at_ = html_->marks_.blanks().NextNot(at_);
    } while (html_->marks_.text_ends().Next(at_) != at_);
    const auto bytes = static_cast<size_t>(text_ - begin);
    if (bytes > kHtmlTextRunBytesMin) {
      AddTextRun(*html_, all_ - bytes - all_begin_, begin - text_begin_,
                 bytes - 1);
    }
    // White space at the end belongs to the text already, but waits for what
    // follows it here.
    pending_space_ = words_[at_ - 1] == ' ';
    text_ends_in_space_ = pending_space_;
    all_ -= pending_space_ ? 1 : 0;
  }

  [[gnu::always_inline]] void CopyToBoth(size_t end) {
    constexpr size_t kStep = 32;
    const uint8_t* const from = words_ + at_;
    const size_t count = end - at_;
    size_t i = 0;
    do {
      std::memcpy(text_ + i, from + i, kStep);
      std::memcpy(all_ + i, from + i, kStep);
      i += kStep;
    } while (i < count);
    all_ += count;
    text_ += count;
    at_ = end;
  }

  // Without what may be white space at the end.
  [[gnu::noinline]] static void AddTextRun(HtmlNormaliser& html, ptrdiff_t all,
                                           ptrdiff_t text, size_t bytes) {
    if (html.runs_ == nullptr) return;
    const auto place = [](const View& view, ptrdiff_t at) {
      return static_cast<uint32_t>(view.size() + static_cast<size_t>(at));
    };
    html.runs_->push_back({place(html.no_comments_, all),
                           place(html.no_tags_, text),
                           static_cast<uint32_t>(bytes)});
  }

  // Bytes from 0x80 on, if what follows them is there and cannot change them.
  [[gnu::always_inline]] bool TakeHigh() {
    size_t end = at_ + 1;
    while (words_[end] >= 0x80) ++end;
    const bool is_over = words_[end] != 0 && words_[end] != '\r';
    if (!is_over || words_[end - 1] == kBigFiveLead) return false;
    BeginText();
    while (at_ != end) {
      const uint8_t* const from = words_ + at_;
      const size_t count = std::min(end - at_, HighBytes::kBytesMax);
      at_ += count;
      if (IsWideFullStop({from, count})) {
        *all_++ = '.';
        *text_++ = '.';
        continue;
      }
      std::memcpy(all_, from, HighBytes::kBytesMax);
      std::memcpy(text_, from, HighBytes::kBytesMax);
      text_[count - 1] = count == 1 ? 0 : from[count - 2];
      all_ += count;
      text_ += count;
    }
    return true;
  }

  [[gnu::always_inline]] bool TakeReference() {
    const HtmlReference reference = HtmlReferenceAt(piece_ + at_, words_ + at_);
    if (reference.bytes == 0) return false;
    BeginText();
    AppendSpaceToText();
    at_ += reference.bytes;
    if (reference.code <= kCodeAsByteMax) {
      *all_++ = reference.byte;
      return true;
    }
    const auto hex = HexReference(reference.code);
    std::memcpy(all_, hex.data(), hex.size());
    all_ += hex.size();
    return true;
  }

  // Tags.

  // What matters of its name, of which Word::kBytesMax bytes can be read.
  [[gnu::always_inline]] void KnowTag(const uint8_t* name, size_t bytes) {
    uint64_t word = 0;
    std::memcpy(&word, name, sizeof(word));
    if (bytes < sizeof(word)) word &= (uint64_t{1} << (8 * bytes)) - 1;
    has_address_ = word == NameWord("a") || word == NameWord("img");
    is_script_ = word == NameWord("script") || word == NameWord("style");
  }

  [[gnu::always_inline]] bool TakeTag() {
    const size_t end = html_->marks_.name_ends().Next(at_);
    if (end == at_ || words_[at_] == '!') return false;
    *all_++ = '<';
    KnowTag(words_ + at_, end - at_);
    html_->tag_.Assign(words_ + at_, end - at_);
    html_->attribute_.Clear();
    html_->address_.Clear();
    html_->address_attribute_seen_ = false;
    state_ = State::kTagName;
    CopyToAll(end);
    return true;
  }

  [[gnu::always_inline]] ByteView TakeName() {
    const uint8_t* const name = words_ + at_;
    CopyToAll(html_->marks_.name_ends().Next(at_));
    return {name, words_ + at_};
  }

  // To the end of the tag.
  [[gnu::always_inline]] bool TakeAttributes() {
    while (true) {
      if (words_[at_] == ' ') state_ = State::kAttributeGap;
      if (state_ == State::kAttributeGap && IsAtSpace()) (void)SkipSpace();
      const uint8_t c = words_[at_];
      if (c == '>') return EndTag();
      if (c == '=' && state_ != State::kTagName) {
        ++at_;
        *all_++ = '=';
        state_ = State::kValueStart;
        if (!TakeValueStart()) return false;
        continue;
      }
      if (state_ != State::kAttributeGap || c >= 0x80 || c == 0) return false;
      TakeAttributeName();
    }
  }

  [[gnu::always_inline]] bool EndTag() {
    ++at_;
    *all_++ = '>';
    skips_space_ = true;
    if (is_script_) [[unlikely]] {
      html_->EndTag();
      state_ = html_->state_;
      return false;
    }
    html_->has_address_ = !html_->address_.empty();
    state_ = State::kText;
    return true;
  }

  [[gnu::always_inline]] void TakeAttributeName() {
    *all_++ = ' ';
    state_ = State::kAttributeName;
    // Else it does not matter which one it is.
    if (has_address_) {
      html_->address_attribute_seen_ |= html_->IsAddressAttribute();
    }
    const ByteView name = TakeName();
    if (has_address_) html_->attribute_.Assign(name.data(), name.size());
  }

  [[gnu::always_inline]] bool TakeValueStart() {
    if (IsAtSpace()) (void)SkipSpace();
    const uint8_t c = words_[at_];
    if (c == 0 || c >= 0x80 || c == '&') return false;
    if (!html_->value_high_.empty()) return false;
    if (c == '>') {
      state_ = State::kAttributeGap;
      return true;
    }
    BeginValue();
    if (IsHtmlQuote(c)) {
      quote_ = c;
      began_quoted_ = true;
      ++at_;
      *all_++ = '"';
    }
    return TakeValue();
  }

  [[gnu::always_inline]] void BeginValue() {
    state_ = State::kValue;
    skips_space_ = false;
    value_is_empty_ = true;
    began_quoted_ = false;
    quote_ = 0;
    keeps_address_ = has_address_ && !html_->address_attribute_seen_ &&
                     html_->IsAddressAttribute();
    if (keeps_address_) html_->address_attribute_seen_ = true;
  }

  [[gnu::always_inline]] void TakePlainValue() {
    const size_t end = html_->marks_.value_ends().Next(at_);
    if (end == at_) return;
    if (keeps_address_) {
      html_->address_.Append(ByteView(piece_ + at_, piece_ + end));
    }
    CopyToAll(end);
    skips_space_ = false;
    value_is_empty_ = false;
  }

  [[gnu::always_inline]] bool TakeValue() {
    if (!html_->value_high_.empty()) return false;
    while (true) {
      if (skips_space_) (void)SkipSpace();
      TakePlainValue();
      const uint8_t c = words_[at_];
      if (c == 0) return false;
      if (c == quote_) {
        ++at_;
        *all_++ = '"';
        break;
      }
      const bool ends = c == '>' || c == ' ';
      if (ends && quote_ == 0) {
        if (began_quoted_ && keeps_address_) html_->address_.DropLast();
        break;
      }
      const bool is_first = value_is_empty_ && !began_quoted_;
      if (!ends && (!IsHtmlQuote(c) || is_first)) return false;
      TakeMarkInValue(piece_[at_]);
    }
    keeps_address_ = false;
    state_ = State::kAttributeGap;
    return true;
  }

  // A quote, or what ends the protection by quotes.
  [[gnu::always_inline]] void TakeMarkInValue(uint8_t c) {
    ++at_;
    if (IsHtmlQuote(c)) c = '"';
    *all_++ = c == '\n' ? uint8_t{' '} : c;
    if (keeps_address_) {
      html_->address_.Append(IsHtmlSpace(c) ? uint8_t{' '} : c);
    }
    value_is_empty_ = false;
    skips_space_ = c != '"';
    if (skips_space_) quote_ = 0;
  }

  HtmlNormaliser* html_;
  const uint8_t* piece_;
  const uint8_t* words_;  // The piece, as HtmlMarks has it.
  size_t at_;
  uint8_t* all_;
  uint8_t* text_;
  const uint8_t* all_begin_;
  const uint8_t* text_begin_;
  State state_;
  bool skips_space_;
  bool pending_space_;
  bool text_ends_in_space_;
  uint8_t quote_;
  bool value_is_empty_;
  bool began_quoted_;
  bool keeps_address_;
  bool has_address_ = false;  // The tag may have one.
  bool is_script_ = false;    // The tag begins one.
};

size_t HtmlNormaliser::TakeMarkupRun(ByteView piece, size_t at) {
  // A reference of four bytes may become one of eight. The text may get an
  // address from before.
  constexpr size_t kMoreBytes = 64;  // A copy has its steps.
  const size_t bytes = piece.size() - at;
  const size_t all_room = 2 * bytes + kMoreBytes;
  const size_t text_room = bytes + kAddressBytesMax + kMoreBytes;
  uint8_t* const all = no_comments_.RoomFor(all_room);
  uint8_t* const text = no_tags_.RoomFor(text_room);
  if (all == nullptr || text == nullptr) return 0;
  MarkupRun run(*this, piece, at, all, text);
  run.Take();
  no_comments_.AddWritten(static_cast<size_t>(run.all() - all));
  no_tags_.AddWritten(static_cast<size_t>(run.text() - text));
  return run.at() - at;
}

size_t HtmlNormaliser::TakeScriptRun(ByteView bytes) {
  uint8_t* const room =
      no_comments_.RoomFor(bytes.size() + kHtmlScriptRoomBytes);
  if (room == nullptr) return 0;
  const HtmlScriptRun run = CopyHtmlScript(bytes, room);
  no_comments_.AddWritten(run.written);
  return run.taken;
}

}  // namespace gatehouse
