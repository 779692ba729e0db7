#include "engine/format/file_type.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <optional>

#include "engine/format/content_marks.h"

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
    // Their first byte decides nearly always.
    if (magic.offset < head.size() &&
        head[magic.offset] == magic.bytes.front() &&
        StandsAt(head, magic.offset, magic.bytes)) {
      return magic.type;
    }
  }
  if (IsLha(head)) return FileType::kLhaLzh;
  if (IsCompiledPython(head)) return FileType::kPythonCompiled;
  if (IsApplePartitionMap(head)) return FileType::kApm;
  return JavaOrUniversal(head);
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

bool HasHtmlTag(ByteView text) { return HasTagOfHtml(AsText(text), 1); }

FileType DetectFileType(ByteView head, [[maybe_unused]] uint64_t file_bytes) {
  assert(head.size() <= file_bytes);
  const std::string_view all = AsText(head);
  const std::string_view start = all.substr(0, kTypeHeadBytes);
  if (start.empty()) return FileType::kBinary;
  if (const auto type = TypeByMagic(start)) return *type;
  if (const auto type = TypeByMarks(start)) return *type;
  if (IsOldTar(start)) return FileType::kOldTar;
  if (IsText(start)) {
    return HasTagOfHtml(all, 1) ? FileType::kHtml : FileType::kTextAscii;
  }
  const bool is_big_marked = start.starts_with("\xfe\xff");
  if (const auto type = Utf16(start)) {
    // Big endian: the zero stands in front of each character.
    return is_big_marked && HasTagOfHtml(start.substr(1), 2) ? FileType::kHtml
                                                             : *type;
  }
  return FileType::kBinary;
}

}  // namespace gatehouse
