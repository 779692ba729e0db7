// FileType: what a layer is, by the names that signatures have for it.
//
// Thread-safe. Owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gatehouse {

// The types that signatures name `CL_TYPE_...`, all that ClamAV 1.4 knows.
// Those that only an unpacker or a normaliser produces are here for gates.
// Values are on disk: never renumber.
enum class FileType : uint8_t {
  kAny,      // For gates: no layer has it.
  kIgnored,  // Ogg, MP3, RealMedia, SQLite: ClamAV does not look inside.
  kTextAscii,
  kTextUtf8,
  kTextUtf16Le,
  kTextUtf16Be,
  kBinary,
  kMsExe,
  kElf,
  kMachO,
  kMachOUniversal,
  kPosixTar,
  kOldTar,
  kCpioOld,
  kCpioOdc,
  kCpioNewc,
  kCpioCrc,
  kGzip,
  kZip,
  kBzip2,
  kRar,
  kArj,
  kMsSzdd,
  kOle2,
  kMsCab,
  kMsChm,
  kSis,
  kScrEnc,
  kGraphics,
  kGif,
  kPng,
  kJpeg,
  kTiff,
  kRiff,
  kBinHex,
  kTnef,
  kCryptFf,
  kPdf,
  kUuencoded,
  kScript,
  kHtml,
  kHtmlUtf16,
  kRtf,
  kSevenZip,
  kSwf,
  kJava,
  kXar,
  kXz,
  kOoxmlWord,
  kOoxmlPpt,
  kOoxmlXl,
  kOoxmlHwp,
  kInternal,
  kHwp3,
  kXmlWord,
  kXmlXl,
  kXmlHwp,
  kHwpOle2,
  kXdp,
  kPostScript,
  kEgg,
  kOneNote,
  kLnk,
  kUdf,
  kAlz,
  kLhaLzh,
  kPythonCompiled,
  kMail,
  kSfx,
  kZipSfx,
  kRarSfx,
  kSevenZipSfx,
  kCabSfx,
  kArjSfx,
  kEggSfx,
  kNulsoft,
  kAutoIt,
  kInstallShieldMsi,
  kIso9660,
  kDmg,
  kGpt,
  kApm,
  kMbr,
  kMhtml,
  kPartitionAny,
  kPartitionHfsPlus,
};
inline constexpr FileType kLastFileType = FileType::kPartitionHfsPlus;

// Magic numbers, text and the start of HTML and mail are told from this many
// bytes. More of a text may be given: HTML is found anywhere in it.
inline constexpr size_t kTypeHeadBytes = 1024;

// The number of the signature set for a type, 0 .. 14; 0 when it has none of
// its own. Signatures of target 0 are for every type.
[[nodiscard]] uint8_t TargetOf(FileType type);

// "CL_TYPE_MSEXE", and back; std::nullopt for an unknown name.
[[nodiscard]] std::string_view TypeName(FileType type);
[[nodiscard]] std::optional<FileType> TypeNamed(std::string_view name);

}  // namespace gatehouse
