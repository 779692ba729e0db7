#include "engine/format/content_marks.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "engine/format/byte_pairs.h"
#include "engine/format/file_type.h"

namespace gatehouse {
namespace {

bool StandsAt(std::string_view text, size_t offset, std::string_view bytes) {
  return text.size() >= offset && text.substr(offset).starts_with(bytes);
}

char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr BytePair kTagPair('<', "ahiost");
constexpr BytePair kWideTagPair('<', std::string_view("\0", 1));
constexpr BytePair kMimePair('-', "v");       // Of "mime-version: ".
constexpr BytePair kMailPair('\n', "frdmc");  // Of all MailLines.

// Reads every `stride`th character of a text, from the first on: with 2, one
// byte of each 16-bit unit.
class Characters {
 public:
  Characters(std::string_view text, size_t stride)
      : text_(text), stride_(stride) {}

  // Whether `lower_case` stands at `offset`, in any case. With a stride, what
  // lies between its characters must be zero.
  bool StandsAt(size_t offset, std::string_view lower_case) const {
    const size_t bytes = (lower_case.size() - 1) * stride_ + 1;
    if (offset > text_.size() || bytes > text_.size() - offset) return false;
    for (size_t i = 0; i < lower_case.size(); ++i) {
      const size_t at = offset + i * stride_;
      if (LowerCase(text_[at]) != lower_case[i]) return false;
      if (stride_ == 2 && i != 0 && text_[at - 1] != '\0') return false;
    }
    return true;
  }

  // Where one of the tags below, or a link, may begin. Behind each character
  // of UTF-16 comes a zero.
  size_t FindTag(size_t from) const {
    return FindPair(stride_ == 1 ? kTagPair : kWideTagPair, text_, from);
  }

  size_t stride() const { return stride_; }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  size_t stride_ = 1;
};

constexpr auto kHtmlTags = std::to_array<std::string_view>(
    {"<html>", "<head>", "<iframe", "<img", "<object", "<script", "<table"});
static_assert(std::all_of(kHtmlTags.begin(), kHtmlTags.end(),
                          [](std::string_view tag) {
                            return tag.size() <= kHtmlTagBytesMax;
                          }));

constexpr std::string_view kLinkTag = "<a ";

constexpr uint16_t TwoCharacters(char first, char second) {
  return static_cast<uint16_t>(static_cast<uint8_t>(first) |
                               static_cast<uint8_t>(second) << 8);
}

// What tags have behind their '<'.
constexpr auto kTagStarts = [] {
  std::array<uint16_t, kHtmlTags.size() + 1> starts = {};
  for (size_t i = 0; i < kHtmlTags.size(); ++i) {
    starts.at(i) = TwoCharacters(kHtmlTags.at(i)[1], kHtmlTags.at(i)[2]);
  }
  starts.back() = TwoCharacters(kLinkTag[1], kLinkTag[2]);
  return starts;
}();

// Most of what FindTag finds ends here.
bool MayBeTag(const Characters& characters, size_t at) {
  const std::string_view text = characters.text();
  if (characters.stride() != 1) return true;
  if (text.size() - at <= 2) return false;
  const uint16_t start =
      TwoCharacters(LowerCase(text[at + 1]), LowerCase(text[at + 2]));
  return std::find(kTagStarts.begin(), kTagStarts.end(), start) !=
         kTagStarts.end();
}

// From `from` on.
bool HasAddress(const Characters& characters, size_t from) {
  const std::string_view behind =
      characters.stride() == 1 ? "r" : std::string_view("\0", 1);
  for (const char first : {'h', 'H'}) {
    const BytePair pair(first, behind);
    for (size_t at = FindPair(pair, characters.text(), from);
         at != std::string_view::npos;
         at = FindPair(pair, characters.text(), at + 1)) {
      if (characters.StandsAt(at, "href")) return true;
    }
  }
  return false;
}

bool HasTag(const Characters& characters) {
  size_t anchor_end = std::string_view::npos;
  for (size_t at = characters.FindTag(0); at != std::string_view::npos;
       at = characters.FindTag(at + 1)) {
    if (at % characters.stride() != 0 || !MayBeTag(characters, at)) continue;
    for (const std::string_view tag : kHtmlTags) {
      if (characters.StandsAt(at, tag)) return true;
    }
    if (anchor_end == std::string_view::npos &&
        characters.StandsAt(at, kLinkTag)) {
      anchor_end = at + kLinkTag.size() * characters.stride();
    }
  }
  return anchor_end != std::string_view::npos &&
         HasAddress(characters, anchor_end);
}

// What is behind the first `words` in `text`, in any case; `words` is given in
// lower case. Nothing: it does not stand there. Searched for by the first of
// its characters that is no letter, which has no case and is rarer, and by the
// next one.
std::optional<std::string_view> Behind(std::string_view text,
                                       std::string_view words) {
  const size_t distance = words.find_first_of("\n-");
  assert(distance != std::string_view::npos);
  const BytePair pair(words[distance], words.substr(distance + 1, 1));
  for (size_t at = FindPair(pair, text, distance); at != std::string_view::npos;
       at = FindPair(pair, text, at + 1)) {
    if (Characters(text, 1).StandsAt(at - distance, words)) {
      return text.substr(at - distance + words.size());
    }
  }
  return std::nullopt;
}

bool IsMhtml(std::string_view head) {
  const auto rest = Behind(head, "mime-version: ");
  return rest && Behind(*rest, "\ncontent-type: ");
}

// Where lines begin that a header of mail begins with; of those that come first
// in a mail the first one, of the others the last one.
struct MailLines {
  enum : uint8_t { kFrom, kReceived, kDeliveredTo, kMessageId };
  static constexpr std::array<std::string_view, 4> kFirst = {
      "\nfrom: ", "\nreceived: ", "\ndelivered-to: ", "\nmessage-id: "};
  enum : uint8_t { kContentType, kMimeVersion, kReceivedLater };
  static constexpr std::array<std::string_view, 3> kLater = {
      "\ncontent-type: ", "\nmime-version: ", "\nreceived: "};

  explicit MailLines(std::string_view head) {
    first.fill(std::string_view::npos);
    const Characters characters(head, 1);
    for (size_t at = FindPair(kMailPair, head, 0); at != std::string_view::npos;
         at = FindPair(kMailPair, head, at + 1)) {
      for (size_t i = 0; i < kFirst.size(); ++i) {
        if (first[i] == std::string_view::npos &&
            characters.StandsAt(at, kFirst[i])) {
          first[i] = at;
        }
      }
      for (size_t i = 0; i < kLater.size(); ++i) {
        if (characters.StandsAt(at, kLater[i])) last[i] = at;
      }
    }
  }

  bool Are(size_t one, size_t later) const { return first[one] < last[later]; }

  std::array<size_t, kFirst.size()> first = {};
  std::array<size_t, kLater.size()> last = {};
};

// A mail with something in front of its headers.
bool IsMailInside(std::string_view head) {
  const MailLines lines(head);
  return lines.Are(MailLines::kFrom, MailLines::kContentType) ||
         lines.Are(MailLines::kFrom, MailLines::kMimeVersion) ||
         lines.Are(MailLines::kReceived, MailLines::kContentType) ||
         lines.Are(MailLines::kDeliveredTo, MailLines::kReceivedLater) ||
         lines.Are(MailLines::kMessageId, MailLines::kContentType);
}

// Whether `words` stand in `text`; by their first two bytes, of which the first
// alone is frequent in XML.
bool Has(std::string_view text, std::string_view words) {
  const char second = LowerCase(words[1]);
  const BytePair pair(words[0], {&second, 1});
  for (size_t at = FindPair(pair, text, 0); at != std::string_view::npos;
       at = FindPair(pair, text, at + 1)) {
    if (StandsAt(text, at, words)) return true;
  }
  return false;
}

// What is looked for anywhere in the first KiB begins with one of these pairs,
// or has it near its beginning. Most files have few of them.
enum ContentPair : uint8_t { kPdf, kXdp, kMhtml, kTag, kWideTag, kMail };
constexpr BytePairs kContentPairs = {{'%', "p"}, {'<', "x"},   kMimePair,
                                     kTagPair,   kWideTagPair, kMailPair};

class ContentPairs {
 public:
  explicit ContentPairs(std::string_view head)
      : found_(PairsIn(kContentPairs, head)) {}
  [[nodiscard]] bool MayHave(ContentPair pair) const {
    return (found_ >> pair & 1) != 0;
  }

 private:
  unsigned found_ = 0;
};

bool IsPdf(std::string_view head) {
  for (size_t at = head.find("%PDF-"); at != std::string_view::npos;
       at = head.find("%PDF-", at + 1)) {
    if (StandsAt(head, at + 6, ".")) return true;  // "%PDF-1."
  }
  return false;
}

}  // namespace

bool HasTagOfHtml(std::string_view text, size_t stride) {
  return HasTag(Characters(text, stride));
}

std::optional<FileType> TypeByMarks(std::string_view head) {
  const ContentPairs pairs(head);
  if (pairs.MayHave(kPdf) && IsPdf(head)) return FileType::kPdf;
  if (pairs.MayHave(kXdp) && Has(head, "<xdp:xdp")) return FileType::kXdp;
  if (head.starts_with("<?xml version")) {
    if (Has(head, "<?mso-application progid=\"Word.Document\"") ||
        Has(head, "<w:wordDocument")) {
      return FileType::kXmlWord;
    }
    if (Has(head, "<Workbook")) return FileType::kXmlXl;
  }
  if (pairs.MayHave(kMhtml) && IsMhtml(head)) return FileType::kMhtml;
  if (pairs.MayHave(kTag) && HasTag(Characters(head, 1))) {
    return FileType::kHtml;
  }
  if (pairs.MayHave(kWideTag) && HasTag(Characters(head, 2))) {
    return FileType::kHtmlUtf16;
  }
  if (pairs.MayHave(kMail) && IsMailInside(head)) return FileType::kMail;
  return std::nullopt;
}

}  // namespace gatehouse
