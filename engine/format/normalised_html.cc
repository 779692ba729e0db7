#include "engine/format/normalised_html.h"

#include <algorithm>
#include <cassert>
#include <optional>

#include "engine/format/html_character_names.h"

namespace gatehouse {
namespace {

// As much as a piece has, and not so much that to clear it costs a small file.
constexpr size_t kRoomBytes = size_t{16} << 10;
// A further digit ends a number of this size.
constexpr uint64_t kNumberMax = 922'337'203'685'477'580;

}  // namespace

void HtmlNormaliser::View::Grow(size_t count) {
  const size_t left = first_ + kHtmlViewBytesMax - size_;
  if (left == 0) limit_reached_ = true;
  bytes_.resize(size_ + std::min(std::max(kRoomBytes, count), left));
}

HtmlNormaliser::HtmlNormaliser(std::vector<uint8_t>& no_comments,
                               std::vector<uint8_t>& no_tags,
                               std::vector<HtmlTextRun>* runs)
    : no_comments_(no_comments), no_tags_(no_tags), runs_(runs) {}

void HtmlNormaliser::Feed(ByteView block) {
  while (!block.empty()) {
    block = pieces_.Fill(block);
    if (pieces_.full()) TakePiece();
  }
}

void HtmlNormaliser::TakePiece() {
  const ByteView piece = pieces_.Piece();
  marks_.Mark(piece);
  size_t at = 0;
  while (at < piece.size()) {
    at += TakeRun(piece, at);
    if (at == piece.size()) break;
    const uint8_t c = piece[at++];
    if (c >= 0x80) {
      TakeHigh(c);
    } else if (c != '\r') {
      Take(c);
    }
  }
  pieces_.DropPiece();
}

void HtmlNormaliser::Finish() {
  TakePiece();
  // High bytes, white space and numbers at the end are lost; names are not.
  if (reference_ == Reference::kName) {
    if (const auto code = CodeOfHtmlName(reference_name_.text())) {
      AppendNamedCode(*code);
    } else if (!reference_name_.empty()) {
      AppendUnknownName();
    }
  }
  if (state_ == State::kTagStart) no_comments_.Append('<');
  no_comments_.Finish();
  no_tags_.Finish();
}

void HtmlNormaliser::Take(uint8_t c) {
  if (!text_high_.empty()) {
    if (text_high_.MakesFullStopWith(c)) {
      text_high_.Clear();
      text_high_.Append(0);  // Lost if another byte from 0x80 on follows.
      no_comments_.Append('.');
      return no_tags_.Append('.');
    }
    FlushTextHigh();
  }
  if (reference_ != Reference::kNone && TakeReference(c)) return;
  TakeInState(c);
}

void HtmlNormaliser::TakeInState(uint8_t c) {
  switch (state_) {
    case State::kText:
      return TakeText(c);
    case State::kTagStart:
      return TakeTagStart(c);
    case State::kTagName:
      return TakeTagName(c);
    case State::kAttributeGap:
      return TakeAttributeGap(c);
    case State::kAttributeName:
      return TakeAttributeName(c);
    case State::kValueStart:
      return TakeValueStart(c);
    case State::kValue:
      return TakeValue(c);
    case State::kMarkup:
      return TakeMarkup(c);
    case State::kScript:
      return TakeScript(c);
    case State::kScriptTagStart:
      return TakeScriptTagStart(c);
    case State::kScriptEndTag:
      return TakeScriptEndTag(c);
    case State::kScriptMarkup:
      return TakeScriptMarkup(c);
  }
}

// Text.

void HtmlNormaliser::AppendSpaceToText() {
  if (!text_ends_in_space_) no_tags_.Append(' ');
  text_ends_in_space_ = true;
}

void HtmlNormaliser::BeginText() {
  skips_space_ = false;
  if (pending_space_) no_comments_.Append(' ');
  pending_space_ = false;
}

void HtmlNormaliser::AppendAddress() {
  if (!has_address_) return;
  no_tags_.Append(AsBytes(address_.text()));
  no_tags_.Append(' ');
  has_address_ = false;
}

void HtmlNormaliser::TakeText(uint8_t c) {
  AppendAddress();
  if (IsHtmlSpace(c)) {
    if (skips_space_) return;
    AppendSpaceToText();
    pending_space_ = true;
    return;
  }
  BeginText();
  if (c == '<') {
    AppendSpaceToText();
    state_ = State::kTagStart;
    return;
  }
  if (c == '&') {
    AppendSpaceToText();
    return StartReference(Reference::kName);
  }
  no_comments_.Append(LowerCase(c));
  if (c < 0x20) {
    AppendSpaceToText();
  } else {
    no_tags_.Append(LowerCase(c));
    text_ends_in_space_ = false;
  }
}

void HtmlNormaliser::TakeMarkup(uint8_t c) {
  if (c != '>') return;
  state_ = State::kText;
  skips_space_ = true;
}

// Tags.

void HtmlNormaliser::TakeTagStart(uint8_t c) {
  if (IsHtmlSpace(c)) return;
  if (c == '!') {
    state_ = State::kMarkup;
    return;
  }
  no_comments_.Append('<');
  tag_.Clear();
  attribute_.Clear();
  address_.Clear();
  address_attribute_seen_ = false;
  state_ = State::kTagName;
  TakeTagName(c);
}

void HtmlNormaliser::TakeTagName(uint8_t c) {
  if (c == '>') return CloseTag();
  if (IsHtmlSpace(c)) {
    state_ = State::kAttributeGap;
    return;
  }
  no_comments_.Append(LowerCase(c));
  tag_.Append(LowerCase(c));
}

void HtmlNormaliser::TakeAttributeGap(uint8_t c) {
  if (IsHtmlSpace(c)) return;
  if (c == '>') return CloseTag();
  if (c != '=') {
    no_comments_.Append(' ');
    // Only the first one counts, also when it has no value.
    address_attribute_seen_ |= IsAddressAttribute();
    attribute_.Clear();
  }
  state_ = State::kAttributeName;
  TakeAttributeName(c);
}

void HtmlNormaliser::TakeAttributeName(uint8_t c) {
  if (c == '>') return CloseTag();
  if (IsHtmlSpace(c)) {
    state_ = State::kAttributeGap;
    return;
  }
  no_comments_.Append(LowerCase(c));
  if (c == '=') {
    state_ = State::kValueStart;
  } else {
    attribute_.Append(LowerCase(c));
  }
}

void HtmlNormaliser::TakeValueStart(uint8_t c) {
  if (IsHtmlSpace(c)) return;
  if (c == '>') return CloseTag();
  BeginValue();
  TakeValue(c);
}

void HtmlNormaliser::BeginValue() {
  state_ = State::kValue;
  skips_space_ = false;
  value_is_empty_ = true;
  began_quoted_ = false;
  quote_ = 0;
  keeps_address_ = !address_attribute_seen_ && IsAddressAttribute();
  address_attribute_seen_ |= keeps_address_;
}

bool HtmlNormaliser::IsAddressAttribute() const {
  const std::string_view tag = tag_.text();
  const std::string_view attribute = attribute_.text();
  return (tag == "a" && attribute == "href") ||
         (tag == "img" && attribute == "src");
}

// The first white space or '>' in a quoted value ends what the quotes protect:
// from there on, the value ends like one without quotes.
void HtmlNormaliser::TakeValue(uint8_t c) {
  const bool ends = IsHtmlSpace(c) || c == '>';
  if (quote_ == 0 && ends) {
    if (IsHtmlSpace(c) && skips_space_) return;
    // Where the closing quote would be.
    if (began_quoted_ && keeps_address_) address_.DropLast();
    EndValue();
    return TakeAttributeGap(c);
  }
  if (quote_ == 0 && IsHtmlQuote(c) && value_is_empty_ && !began_quoted_) {
    quote_ = c;
    began_quoted_ = true;
    return no_comments_.Append('"');
  }
  if (c == quote_) {
    no_comments_.Append('"');
    return EndValue();
  }
  if (value_high_.MakesFullStopWith(c)) {
    value_high_.Clear();
    return AppendValue('.', '.');
  }
  if (c == '&') {
    skips_space_ = false;
    return StartReference(Reference::kName);
  }
  if (!ends && !IsHtmlQuote(c)) FlushValueHigh();
  skips_space_ = ends;
  if (ends) quote_ = 0;
  const uint8_t kept = IsHtmlQuote(c) ? '"' : c;
  AppendValue(c == '\n' ? uint8_t{' '} : kept,
              IsHtmlSpace(c) ? uint8_t{' '} : kept);
}

// `c` in the view of the tags, `in_address` in the other one.
void HtmlNormaliser::AppendValue(uint8_t c, uint8_t in_address) {
  value_is_empty_ = false;
  no_comments_.Append(LowerCase(c));
  KeepAddress(in_address);
}

void HtmlNormaliser::KeepAddress(uint8_t c) {
  if (keeps_address_) address_.Append(c);
}

void HtmlNormaliser::EndValue() {
  keeps_address_ = false;
  state_ = State::kAttributeGap;
}

void HtmlNormaliser::CloseTag() {
  no_comments_.Append('>');
  EndTag();
}

void HtmlNormaliser::EndTag() {
  has_address_ = !address_.empty();
  skips_space_ = true;
  const std::string_view name = tag_.text();
  closes_style_ = name == "style";
  const bool is_script = name == "script" || closes_style_;
  state_ = is_script ? State::kScript : State::kText;
}

// Scripts and styles.

void HtmlNormaliser::TakeScript(uint8_t c) {
  if (c == '&') return StartReference(Reference::kName);
  AppendScript(c);
  if (c == '<') state_ = State::kScriptTagStart;
}

void HtmlNormaliser::TakeScriptTagStart(uint8_t c) {
  if (IsHtmlSpace(c)) return;
  no_comments_.Append(LowerCase(c));
  end_tag_.Clear();
  state_ = State::kScript;
  if (c == '!') state_ = State::kScriptMarkup;
  if (c == '/') state_ = State::kScriptEndTag;
}

void HtmlNormaliser::TakeScriptEndTag(uint8_t c) {
  if (!IsHtmlSpace(c)) no_comments_.Append(LowerCase(c));
  if (!IsHtmlSpace(c) && c != '>') return end_tag_.Append(LowerCase(c));
  const std::string_view name = end_tag_.text();
  if (name != "script" && (name != "style" || !closes_style_)) {
    state_ = State::kScript;
    return;
  }
  // A '>' behind white space is taken for text.
  state_ = State::kText;
  skips_space_ = true;
}

void HtmlNormaliser::TakeScriptMarkup(uint8_t c) {
  AppendScript(c);
  if (c == '>') state_ = State::kScript;
}

void HtmlNormaliser::AppendScript(uint8_t c) {
  if (!IsHtmlSpace(c)) no_comments_.Append(c == '\'' ? '"' : LowerCase(c));
}

// Bytes from 0x80 on.

void HtmlNormaliser::TakeHigh(uint8_t c) {
  assert(c >= 0x80);
  // It ends a reference, and is not taken by it.
  if (reference_ != Reference::kNone) (void)TakeReference(c);
  switch (state_) {
    case State::kText:
      AppendAddress();
      BeginText();
      [[fallthrough]];
    case State::kScript:
      if (text_high_.full()) FlushTextHigh();
      return text_high_.Append(c);
    case State::kValueStart:
    case State::kValue:
      skips_space_ = false;
      if (state_ == State::kValueStart) BeginValue();
      if (value_high_.full()) FlushValueHigh();
      return value_high_.Append(c);
    case State::kTagStart:
    case State::kTagName:
    case State::kAttributeGap:
    case State::kAttributeName:
    case State::kMarkup:
    case State::kScriptTagStart:
    case State::kScriptEndTag:
    case State::kScriptMarkup:
      return TakeInState(c);
  }
}

void HtmlNormaliser::FlushTextHigh() {
  const ByteView bytes = text_high_.Take();
  no_comments_.Append(bytes);
  if (bytes.size() == 1) return no_tags_.Append(bytes[0] < 0x80 ? bytes[0] : 0);
  // The last one of them is lost, and the one before it stands twice.
  no_tags_.Append(bytes.first(bytes.size() - 1));
  no_tags_.Append(bytes[bytes.size() - 2]);
}

void HtmlNormaliser::FlushValueHigh() {
  for (const uint8_t c : value_high_.Take()) AppendValue(c, c);
}

// References.

void HtmlNormaliser::StartReference(Reference kind) {
  reference_ = kind;
  reference_name_.Clear();
  number_ = 0;
}

bool HtmlNormaliser::TakeReference(uint8_t c) {
  return reference_ == Reference::kName ? TakeReferenceName(c)
                                        : TakeReferenceNumber(c);
}

bool HtmlNormaliser::TakeReferenceName(uint8_t c) {
  if (c == '#' && reference_name_.empty()) {
    reference_ = Reference::kDecimal;
    return true;
  }
  if (IsReferenceNameCharacter(c) && !reference_name_.full()) {
    reference_name_.Append(c);
    return true;
  }
  reference_ = Reference::kNone;
  const auto code =
      c == ';' ? CodeOfHtmlName(reference_name_.text()) : std::nullopt;
  if (code) {
    AppendNamedCode(*code);
    return true;
  }
  AppendUnknownName();
  if (c != ';') return false;
  AppendResolved(';');
  return true;
}

void HtmlNormaliser::AppendUnknownName() {
  AppendResolved('&');
  for (const uint8_t c : AsBytes(reference_name_.text())) AppendResolved(c);
}

void HtmlNormaliser::AppendNamedCode(uint16_t code) {
  if (code <= kCodeAsByteMax) return AppendResolved(static_cast<uint8_t>(code));
  for (const uint8_t c : HexReference(code)) AppendResolved(c);
}

bool HtmlNormaliser::TakeReferenceNumber(uint8_t c) {
  if (number_ == 0 && LowerCase(c) == 'x') {
    reference_ = Reference::kHexadecimal;
    return true;
  }
  const uint32_t base = reference_ == Reference::kDecimal ? 10 : 16;
  if (const auto digit = DigitValue(c, base)) {
    if (number_ >= kNumberMax) {
      reference_ = Reference::kNone;
      no_comments_.Append(static_cast<uint8_t>(number_ & 0xff));
      return true;
    }
    number_ = number_ * base + *digit;
    return true;
  }
  reference_ = Reference::kNone;
  const auto low_byte = static_cast<uint8_t>(number_ & 0xff);
  if (c != ';') {
    no_comments_.Append(low_byte);
    return false;
  }
  value_is_empty_ = false;
  const auto code = static_cast<uint16_t>(number_ & 0xffff);
  if (code <= kCodeAsByteMax) {
    // Numbers beyond 16 bits do not lose their upper case, only their rest.
    no_comments_.Append(code == number_ ? LowerCase(low_byte) : low_byte);
    KeepAddress(low_byte);
    return true;
  }
  no_comments_.Append(HexReference(code));
  KeepAddress(low_byte);
  return true;
}

void HtmlNormaliser::AppendResolved(uint8_t c) {
  if (state_ == State::kValue) {
    AppendValue(c, c);
  } else {
    no_comments_.Append(LowerCase(c));
  }
}

}  // namespace gatehouse
