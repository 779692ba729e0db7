// HtmlNormaliser: the two views of an HTML file that signatures for target 3
// are written for.
//
//   no_comments  tags and text in lower case, with white space reduced,
//   comments
//                left out and character references resolved
//   no_tags      the text alone, in lower case, with a space for each tag, and
//                the addresses of links and images
//
// docs/normalised-views.md has the rules, and how they were found.
//
// Thread-compatible. The normaliser borrows the vectors as long as it lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "engine/format/html_characters.h"
#include "engine/format/html_marks.h"
#include "engine/format/html_pieces.h"

namespace gatehouse {

// Whatever the file does, no view is longer than this. It is more than any file
// of kHtmlFileBytesMax bytes can make of itself.
inline constexpr size_t kHtmlViewBytesMax = size_t{96} << 20;

// Bytes of text that stand in both views, in these places.
struct HtmlTextRun {
  uint32_t no_comments = 0;
  uint32_t no_tags = 0;
  uint32_t bytes = 0;
};
// Of shorter ones it is not told.
inline constexpr size_t kHtmlTextRunBytesMin = 32;

class HtmlNormaliser {
 public:
  // Appends to the vectors; tells in `runs` what the views have in common, in
  // order, but not all of it. Allocates only where their capacity is too small.
  HtmlNormaliser(std::vector<uint8_t>& no_comments,
                 std::vector<uint8_t>& no_tags,
                 std::vector<HtmlTextRun>* runs = nullptr);
  ~HtmlNormaliser() = default;
  HtmlNormaliser(const HtmlNormaliser&) = delete;
  HtmlNormaliser& operator=(const HtmlNormaliser&) = delete;

  // Where the blocks are cut does not matter.
  void Feed(ByteView block);
  // After the last block, once.
  void Finish();

  // A view would have become longer than kHtmlViewBytesMax and was cut.
  [[nodiscard]] bool limit_reached() const {
    return no_comments_.limit_reached() || no_tags_.limit_reached();
  }

 private:
  enum class State : uint8_t {
    kText,
    kTagStart,  // Behind '<'.
    kTagName,
    kAttributeGap,  // Where the next attribute may begin.
    kAttributeName,
    kValueStart,  // Behind '='.
    kValue,
    kMarkup,          // Comments and declarations: left out.
    kScript,          // What <script> and <style> contain.
    kScriptTagStart,  // Behind '<' there.
    kScriptEndTag,    // Behind "</" there.
    kScriptMarkup,    // Behind "<!" there: kept.
  };
  enum class Reference : uint8_t { kNone, kName, kDecimal, kHexadecimal };

  // A vector that is filled byte by byte.
  class View {
   public:
    explicit View(std::vector<uint8_t>& bytes)
        : bytes_(bytes), first_(bytes.size()), size_(bytes.size()) {}
    void Append(uint8_t c) {
      if (size_ == bytes_.size()) Grow(1);
      if (size_ < bytes_.size()) bytes_[size_++] = c;
    }
    void Append(ByteView bytes) {
      for (const uint8_t c : bytes) Append(c);
    }
    // Where to write the next `count` bytes; null where there is no room.
    uint8_t* RoomFor(size_t count);
    void AddWritten(size_t count) { size_ += count; }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] bool limit_reached() const { return limit_reached_; }
    void Finish() { bytes_.resize(size_); }

   private:
    void Grow(size_t count);
    std::vector<uint8_t>& bytes_;
    size_t first_ = 0;
    size_t size_ = 0;  // What is behind it is room.
    bool limit_reached_ = false;
  };

  class MarkupRun;  // Takes text and tags as long as they are plain.

  static constexpr size_t kAddressBytesMax = 1022;
  // Longer than any word that it is compared with.
  using Word = BoundedText<16>;

  void TakePiece();
  // Several bytes at once, from `at` on: how many. None where the next one is
  // special.
  size_t TakeRun(ByteView piece, size_t at);
  size_t TakeMarkupRun(ByteView piece, size_t at);
  size_t TakeScriptRun(ByteView bytes);
  void Take(uint8_t c);
  void TakeInState(uint8_t c);
  void TakeText(uint8_t c);
  void TakeTagStart(uint8_t c);
  void TakeTagName(uint8_t c);
  void TakeAttributeGap(uint8_t c);
  void TakeAttributeName(uint8_t c);
  void TakeValueStart(uint8_t c);
  void TakeValue(uint8_t c);
  void TakeMarkup(uint8_t c);
  void TakeScript(uint8_t c);
  void TakeScriptTagStart(uint8_t c);
  void TakeScriptEndTag(uint8_t c);
  void TakeScriptMarkup(uint8_t c);
  void AppendScript(uint8_t c);

  void TakeHigh(uint8_t c);
  void FlushTextHigh();
  void FlushValueHigh();

  void StartReference(Reference kind);
  // Whether `c` was part of the reference; if not, the reference is over.
  [[nodiscard]] bool TakeReference(uint8_t c);
  [[nodiscard]] bool TakeReferenceName(uint8_t c);
  [[nodiscard]] bool TakeReferenceNumber(uint8_t c);
  void AppendUnknownName();
  void AppendNamedCode(uint16_t code);
  void AppendResolved(uint8_t c);

  void CloseTag();
  void EndTag();  // Behind its '>'.
  void BeginValue();
  [[nodiscard]] bool IsAddressAttribute() const;
  void AppendValue(uint8_t c, uint8_t in_address);
  void KeepAddress(uint8_t c);
  void EndValue();
  void BeginText();
  void AppendAddress();
  void AppendSpaceToText();

  HtmlPieces pieces_;
  HtmlMarks marks_;  // Of the piece.
  View no_comments_;
  View no_tags_;
  std::vector<HtmlTextRun>* const runs_;
  State state_ = State::kText;
  Reference reference_ = Reference::kNone;
  bool skips_space_ = true;          // At the beginning and behind a tag.
  bool pending_space_ = false;       // Of text, not yet in no_comments_.
  bool text_ends_in_space_ = false;  // High bytes do not count.
  bool closes_style_ = false;        // Whether </style> ends the script.
  uint8_t quote_ = 0;                // The one that the value is inside of.
  bool value_is_empty_ = true;
  bool began_quoted_ = false;   // The value began with a quote.
  bool keeps_address_ = false;  // The value is the address of a link or image.
  bool address_attribute_seen_ = false;
  bool has_address_ = false;
  HighBytes text_high_;
  HighBytes value_high_;
  uint64_t number_ = 0;  // Of the reference.
  Word tag_;             // In lower case, like the next two.
  Word attribute_;
  Word end_tag_;
  BoundedText<1024> reference_name_;  // As in the file.
  BoundedText<kAddressBytesMax> address_;
};

}  // namespace gatehouse
