#include "engine/format/file_type.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstring>

#include "engine/format/byte_pairs.h"

namespace gatehouse {

// Types are told in the order of how much a file commits itself: magic numbers
// at fixed places; then things that stand anywhere in the first KiB (PDF, HTML,
// mail, XML office formats, old tar); then text or not. The order and the
// rules are those that ClamAV 1.4.6 shows from outside, for signatures are
// written for one target. On purpose different: tags of HTML in any mixture of
// upper and lower case, of which ClamAV knows three.
//
// Not here: what is embedded in another file, and disk images, whose marks lie
// beyond the head (ISO 9660, UDF, DMG).

namespace {

using std::string_view_literals::operator""sv;

struct Magic {
  size_t offset = 0;
  std::string_view bytes;
  FileType type = FileType::kBinary;
};

constexpr auto kMagics = std::to_array<Magic>({
    {0, "MZ"sv, FileType::kMsExe},
    {0, "\x7f\x45LF"sv, FileType::kElf},
    {0, "\xce\xfa\xed\xfe"sv, FileType::kMachO},
    {0, "\xcf\xfa\xed\xfe"sv, FileType::kMachO},
    {0, "\xfe\xed\xfa\xce"sv, FileType::kMachO},
    {0, "\xfe\xed\xfa\xcf"sv, FileType::kMachO},
    {0, "GIF"sv, FileType::kGif},
    {0, "\x89PNG"sv, FileType::kPng},
    {0, "\xff\xd8\xff"sv, FileType::kJpeg},
    {0, "II*\0"sv, FileType::kTiff},
    {0, "MM"sv, FileType::kTiff},
    {0, "BM"sv, FileType::kGraphics},
    {0, "\0\0\0\x0cjP  \r\n\x87\n"sv, FileType::kGraphics},
    {0, "PK\x03\x04"sv, FileType::kZip},
    {0, "PK00PK\x03\x04"sv, FileType::kZip},
    {0, "\x1f\x8b"sv, FileType::kGzip},
    {0, "BZh"sv, FileType::kBzip2},
    {0, "\xfd\x37zXZ\0"sv, FileType::kXz},
    {0, "7z\xbc\xaf\x27\x1c"sv, FileType::kSevenZip},
    {0, "Rar!"sv, FileType::kRar},
    {0, "MSCF\0\0\0\0"sv, FileType::kMsCab},
    {0, "\x60\xea"sv, FileType::kArj},
    {0, "070707"sv, FileType::kCpioOdc},
    {0, "070701"sv, FileType::kCpioNewc},
    {0, "070702"sv, FileType::kCpioCrc},
    {0, "\xc7q"sv, FileType::kCpioOld},
    {0, "q\xc7"sv, FileType::kCpioOld},
    {0, "xar!"sv, FileType::kXar},
    {0, "EGGA"sv, FileType::kEgg},
    {0, "ALZ\x01"sv, FileType::kAlz},
    {0, "SZDD"sv, FileType::kMsSzdd},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, FileType::kOle2},
    {0, "%PDF-"sv, FileType::kPdf},
    {0, "{\\rt"sv, FileType::kRtf},
    {0, "%!PS-Adobe-"sv, FileType::kPostScript},
    {0, "x\x9f>\""sv, FileType::kTnef},
    {0, "ITSF"sv, FileType::kMsChm},
    {0, "FWS"sv, FileType::kSwf},
    {0, "CWS"sv, FileType::kSwf},
    {0, "ZWS"sv, FileType::kSwf},
    {0, "RIFF"sv, FileType::kRiff},
    {0, "RIFX"sv, FileType::kRiff},
    {0, "begin "sv, FileType::kUuencoded},
    {0, "(This file must be converted with BinHex 4.0)"sv, FileType::kBinHex},
    {0, "#@~^"sv, FileType::kScrEnc},
    {0, "\xb6\xb9\xac\xae\xfe\xff\xff\xff"sv, FileType::kCryptFf},
    {0, "L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F"sv, FileType::kLnk},
    {0, "\xe4R\\{\x8c\xd8\xa7M\xae\xb1Sx\xd0)\x96\xd3"sv, FileType::kOneNote},
    {0, "HWP Document File V3.00 \x1a\x01\x02\x03\x04\x05"sv, FileType::kHwp3},
    // Media and databases that ClamAV leaves alone.
    {0, "OggS"sv, FileType::kIgnored},
    {0, "ID3"sv, FileType::kIgnored},
    {0, "\xff\xfb\x90"sv, FileType::kIgnored},
    {0, ".RMF"sv, FileType::kIgnored},
    {0, "SQLite format 3\0"sv, FileType::kIgnored},
    // Mail, by the header line that it starts with.
    {0, "From "sv, FileType::kMail},
    {0, ">From "sv, FileType::kMail},
    {0, "From: "sv, FileType::kMail},
    {0, "For: "sv, FileType::kMail},
    {0, "To: "sv, FileType::kMail},
    {0, "Date: "sv, FileType::kMail},
    {0, "Subject: "sv, FileType::kMail},
    {0, "Received: "sv, FileType::kMail},
    {0, "Received-SPF:"sv, FileType::kMail},
    {0, "Return-Path: "sv, FileType::kMail},
    {0, "Return-path: "sv, FileType::kMail},
    {0, "Delivered-To: "sv, FileType::kMail},
    {0, "Delivery-date: "sv, FileType::kMail},
    {0, "Envelope-to: "sv, FileType::kMail},
    {0, "Message-ID: "sv, FileType::kMail},
    {0, "Message-Id: "sv, FileType::kMail},
    {0, "X-Apparently-To: "sv, FileType::kMail},
    {0, "X-EVS"sv, FileType::kMail},
    {0, "X-Envelope-From: "sv, FileType::kMail},
    {0, "X-Original-To: "sv, FileType::kMail},
    {0, "X-Real-To: "sv, FileType::kMail},
    {0, "X-Sieve: "sv, FileType::kMail},
    {0, "X-Symantec-"sv, FileType::kMail},
    {0, "X-UIDL: "sv, FileType::kMail},
    {0, "Hi. This is the qmail-send"sv, FileType::kMail},
    // The rest commits itself less, or further in.
    {2, "-lz4-"sv, FileType::kLhaLzh},
    {2, "-lz5-"sv, FileType::kLhaLzh},
    {2, "-lzs-"sv, FileType::kLhaLzh},
    {2, "-pm0-"sv, FileType::kLhaLzh},
    {8, "\x19\x04\0\x10"sv, FileType::kSis},
    {257, "ustar"sv, FileType::kPosixTar},
    {512, "EFI PART"sv, FileType::kGpt},
    {510, "\x55\xaa"sv, FileType::kMbr},
});

// Those that stand at the front come first; each file is compared with the few
// that begin as it does.
constexpr size_t kFrontMagics = static_cast<size_t>(
    std::find_if(kMagics.begin(), kMagics.end(),
                 [](const Magic& magic) { return magic.offset != 0; }) -
    kMagics.begin());
static_assert(std::none_of(kMagics.begin() + kFrontMagics, kMagics.end(),
                           [](const Magic& magic) {
                             return magic.offset == 0;
                           }));

// By first byte: where it begins in `order`, which keeps the order above.
struct FrontMagics {
  std::array<uint8_t, 257> begin = {};
  std::array<uint8_t, kFrontMagics> order = {};
};

constexpr FrontMagics SortFrontMagics() {
  FrontMagics sorted;
  size_t count = 0;
  for (size_t byte = 0; byte < 256; ++byte) {
    sorted.begin.at(byte) = static_cast<uint8_t>(count);
    for (size_t i = 0; i < kFrontMagics; ++i) {
      if (static_cast<uint8_t>(kMagics.at(i).bytes.front()) != byte) continue;
      sorted.order.at(count++) = static_cast<uint8_t>(i);
    }
  }
  sorted.begin.back() = static_cast<uint8_t>(count);
  return sorted;
}

constexpr FrontMagics kSortedFrontMagics = SortFrontMagics();

bool StandsAt(std::string_view text, size_t offset, std::string_view bytes) {
  return text.size() >= offset && text.substr(offset).starts_with(bytes);
}

uint8_t ByteAt(std::string_view text, size_t offset) {
  return static_cast<uint8_t>(text[offset]);
}

// A table of universal slices counts them where a class file has its version,
// and nobody has 32 slices.
std::optional<FileType> JavaOrUniversal(std::string_view head) {
  constexpr uint8_t kJavaVersionMin = 32;
  constexpr uint8_t kJavaVersionMax = 63;
  if (!head.starts_with("\xca\xfe\xba\xbe"sv) || head.size() < 8) {
    return std::nullopt;
  }
  if (head.substr(4, 3) != "\0\0\0"sv) return std::nullopt;
  const uint8_t number = ByteAt(head, 7);
  if (number == 0 || number > kJavaVersionMax) return std::nullopt;
  return number < kJavaVersionMin ? FileType::kMachOUniversal : FileType::kJava;
}

// -lh0- .. -lh7-, -lhd-, -lhx-.
bool IsLha(std::string_view head) {
  if (!StandsAt(head, 2, "-lh") || head.size() < 7 || head[6] != '-') {
    return false;
  }
  const char method = head[5];
  return (method >= '0' && method <= '7') || method == 'd' || method == 'x';
}

// The magic numbers of released Pythons: 2.x is above 60,000, 3.x is in
// 3,000 .. 3,999, each followed by CR LF.
bool IsCompiledPython(std::string_view head) {
  if (!StandsAt(head, 2, "\r\n")) return false;
  const unsigned number = ByteAt(head, 0) + 256U * ByteAt(head, 1);
  return (number >= 3000 && number < 4000) || (number >= 60000);
}

bool IsApplePartitionMap(std::string_view head) {
  return head.starts_with("ER") && StandsAt(head, 512, "PM\0\0"sv);
}

// The first header's checksum, which is all that an old tar commits itself to.
bool IsOldTar(std::string_view head) {
  constexpr size_t kHeaderBytes = 512;
  constexpr size_t kSumOffset = 148;
  constexpr size_t kSumBytes = 8;
  if (head.size() < kHeaderBytes || head[0] == '\0') return false;
  const std::string_view field = head.substr(kSumOffset, kSumBytes);
  unsigned expected = 0;
  size_t i = field.find_first_not_of(' ');
  if (i == std::string_view::npos) return false;
  const size_t first_digit = i;
  for (; i < field.size() && field[i] >= '0' && field[i] <= '7'; ++i) {
    expected = expected * 8 + static_cast<unsigned>(field[i] - '0');
  }
  if (i == first_digit) return false;
  unsigned sum = kSumBytes * unsigned{' '};
  for (size_t at = 0; at < kHeaderBytes; ++at) {
    const bool is_sum = at >= kSumOffset && at < kSumOffset + kSumBytes;
    if (!is_sum) sum += ByteAt(head, at);
  }
  return sum == expected;
}

std::optional<FileType> TypeByMagic(std::string_view head) {
  const uint8_t first = ByteAt(head, 0);
  for (size_t i = kSortedFrontMagics.begin[first];
       i < kSortedFrontMagics.begin[first + size_t{1}]; ++i) {
    const Magic& magic = kMagics[kSortedFrontMagics.order[i]];
    if (head.starts_with(magic.bytes)) return magic.type;
  }
  for (size_t i = kFrontMagics; i < kMagics.size(); ++i) {
    const Magic& magic = kMagics[i];
    if (StandsAt(head, magic.offset, magic.bytes)) return magic.type;
  }
  if (IsLha(head)) return FileType::kLhaLzh;
  if (IsCompiledPython(head)) return FileType::kPythonCompiled;
  if (IsApplePartitionMap(head)) return FileType::kApm;
  return JavaOrUniversal(head);
}

char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

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
    static constexpr BytePair kTag('<', "ahiost");
    static constexpr BytePair kWideTag('<', std::string_view("\0", 1));
    return FindPair(stride_ == 1 ? kTag : kWideTag, text_, from);
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

bool HasTag(const Characters& characters) {
  const std::string_view text = characters.text();
  size_t anchor_end = std::string_view::npos;
  for (size_t at = characters.FindTag(0); at != std::string_view::npos;
       at = characters.FindTag(at + 1)) {
    if (at % characters.stride() != 0) continue;
    for (const std::string_view tag : kHtmlTags) {
      if (characters.StandsAt(at, tag)) return true;
    }
    if (anchor_end == std::string_view::npos &&
        characters.StandsAt(at, "<a ")) {
      anchor_end = at + 3 * characters.stride();
    }
  }
  if (anchor_end == std::string_view::npos) return false;
  for (size_t at = text.find_first_of("hH", anchor_end);
       at != std::string_view::npos; at = text.find_first_of("hH", at + 1)) {
    if (characters.StandsAt(at, "href")) return true;
  }
  return false;
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

  static constexpr BytePair kStart{'\n', "frdmc"};  // Of all of them.

  explicit MailLines(std::string_view head) {
    first.fill(std::string_view::npos);
    const Characters characters(head, 1);
    for (size_t at = FindPair(kStart, head, 0); at != std::string_view::npos;
         at = FindPair(kStart, head, at + 1)) {
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

// What stands anywhere in the first KiB, in text and binary files alike.
std::optional<FileType> TypeByContent(std::string_view head) {
  for (size_t at = head.find("%PDF-"); at != std::string_view::npos;
       at = head.find("%PDF-", at + 1)) {
    if (StandsAt(head, at + 6, ".")) return FileType::kPdf;  // "%PDF-1."
  }
  if (Has(head, "<xdp:xdp")) return FileType::kXdp;
  if (head.starts_with("<?xml version")) {
    if (Has(head, "<?mso-application progid=\"Word.Document\"") ||
        Has(head, "<w:wordDocument")) {
      return FileType::kXmlWord;
    }
    if (Has(head, "<Workbook")) return FileType::kXmlXl;
  }
  if (IsMhtml(head)) return FileType::kMhtml;
  if (HasTag(Characters(head, 1))) return FileType::kHtml;
  if (HasTag(Characters(head, 2))) return FileType::kHtmlUtf16;
  if (IsMailInside(head)) return FileType::kMail;
  if (IsOldTar(head)) return FileType::kOldTar;
  return std::nullopt;
}

// Control characters that text has: BEL BS TAB LF, FF CR, ESC.
bool IsTextByte(uint8_t byte) {
  if (byte >= 0x20) return byte != 0x7f;
  return (byte >= 7 && byte <= 10) || byte == 12 || byte == 13 || byte == 27;
}

// Vectors of the compiler's own kind: SSE2 on x86-64, NEON on arm64.
constexpr size_t kLanes = 16;
using Lanes = uint8_t __attribute__((vector_size(kLanes)));

// Not zero where the byte is none of a text.
Lanes AreForeign(Lanes bytes) {
  const auto is_low = static_cast<Lanes>(bytes < 0x20);
  const auto is_text = static_cast<Lanes>((bytes - 7 <= 3) | (bytes == 12) |
                                          (bytes == 13) | (bytes == 27));
  return (is_low & ~is_text) | static_cast<Lanes>(bytes == 0x7f);
}

// Nearly always to the end: not to stop in between is faster.
bool IsText(std::string_view head) {
  Lanes foreign = {};
  for (; head.size() >= kLanes; head.remove_prefix(kLanes)) {
    Lanes bytes;
    std::memcpy(&bytes, head.data(), kLanes);
    foreign |= AreForeign(bytes);
  }
  std::array<uint64_t, 2> words = {};
  std::memcpy(words.data(), &foreign, kLanes);
  return (words[0] | words[1]) == 0 &&
         std::all_of(head.begin(), head.end(), [](char c) {
           return IsTextByte(static_cast<uint8_t>(c));
         });
}

// Without a mark of byte order, or with that of big endian, a unit must not be
// a control character; the first one is the mark's, or goes unchecked.
std::optional<FileType> Utf16(std::string_view head) {
  constexpr unsigned kSwappedMark = 0xfffe;
  const bool is_little = head.starts_with("\xff\xfe");
  for (size_t i = 2; i + 1 < head.size(); i += 2) {
    const uint8_t first = ByteAt(head, i);
    const uint8_t second = ByteAt(head, i + 1);
    const unsigned unit =
        is_little ? second * 256U + first : first * 256U + second;
    if (unit == kSwappedMark) return std::nullopt;
    if (!is_little && first == 0 && second < 0x80 && !IsTextByte(second)) {
      return std::nullopt;
    }
  }
  return is_little ? FileType::kTextUtf16Le : FileType::kTextUtf16Be;
}

}  // namespace

bool HasHtmlTag(ByteView text) { return HasTag(Characters(AsText(text), 1)); }

FileType DetectFileType(ByteView head, [[maybe_unused]] uint64_t file_bytes) {
  assert(head.size() <= file_bytes);
  const std::string_view all = AsText(head);
  const std::string_view start = all.substr(0, kTypeHeadBytes);
  if (start.empty()) return FileType::kBinary;
  if (const auto type = TypeByMagic(start)) return *type;
  if (const auto type = TypeByContent(start)) return *type;
  if (IsText(start)) {
    return HasTag(Characters(all, 1)) ? FileType::kHtml : FileType::kTextAscii;
  }
  const bool is_big_marked = start.starts_with("\xfe\xff");
  if (const auto type = Utf16(start)) {
    // Big endian: the zero stands in front of each character.
    return is_big_marked && HasTag(Characters(start.substr(1), 2))
               ? FileType::kHtml
               : *type;
  }
  return FileType::kBinary;
}

}  // namespace gatehouse
