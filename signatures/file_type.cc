#include "signatures/file_type.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace gatehouse {
namespace {

struct TypeRow {
  FileType type = FileType::kAny;
  std::string_view name;
  uint8_t target = 0;
};

// In the order of the enum: a type is its row's index. Targets as ClamAV 1.4.6
// was seen to choose them: of the types without a target of their own, only
// unrecognised bytes and compiled Python count as "other", 14.
constexpr auto kTypes = std::to_array<TypeRow>({
    {FileType::kAny, "CL_TYPE_ANY", 0},
    {FileType::kIgnored, "CL_TYPE_IGNORED", 0},
    {FileType::kTextAscii, "CL_TYPE_TEXT_ASCII", 7},
    {FileType::kTextUtf8, "CL_TYPE_TEXT_UTF8", 7},
    {FileType::kTextUtf16Le, "CL_TYPE_TEXT_UTF16LE", 7},
    {FileType::kTextUtf16Be, "CL_TYPE_TEXT_UTF16BE", 7},
    {FileType::kBinary, "CL_TYPE_BINARY_DATA", 14},
    {FileType::kMsExe, "CL_TYPE_MSEXE", 1},
    {FileType::kElf, "CL_TYPE_ELF", 6},
    {FileType::kMachO, "CL_TYPE_MACHO", 9},
    {FileType::kMachOUniversal, "CL_TYPE_MACHO_UNIBIN", 9},
    {FileType::kPosixTar, "CL_TYPE_POSIX_TAR", 0},
    {FileType::kOldTar, "CL_TYPE_OLD_TAR", 0},
    {FileType::kCpioOld, "CL_TYPE_CPIO_OLD", 0},
    {FileType::kCpioOdc, "CL_TYPE_CPIO_ODC", 0},
    {FileType::kCpioNewc, "CL_TYPE_CPIO_NEWC", 0},
    {FileType::kCpioCrc, "CL_TYPE_CPIO_CRC", 0},
    {FileType::kGzip, "CL_TYPE_GZ", 0},
    {FileType::kZip, "CL_TYPE_ZIP", 0},
    {FileType::kBzip2, "CL_TYPE_BZ", 0},
    {FileType::kRar, "CL_TYPE_RAR", 0},
    {FileType::kArj, "CL_TYPE_ARJ", 0},
    {FileType::kMsSzdd, "CL_TYPE_MSSZDD", 0},
    {FileType::kOle2, "CL_TYPE_MSOLE2", 2},
    {FileType::kMsCab, "CL_TYPE_MSCAB", 0},
    {FileType::kMsChm, "CL_TYPE_MSCHM", 0},
    {FileType::kSis, "CL_TYPE_SIS", 0},
    {FileType::kScrEnc, "CL_TYPE_SCRENC", 0},
    {FileType::kGraphics, "CL_TYPE_GRAPHICS", 5},
    {FileType::kGif, "CL_TYPE_GIF", 5},
    {FileType::kPng, "CL_TYPE_PNG", 5},
    {FileType::kJpeg, "CL_TYPE_JPEG", 5},
    {FileType::kTiff, "CL_TYPE_TIFF", 5},
    {FileType::kRiff, "CL_TYPE_RIFF", 0},
    {FileType::kBinHex, "CL_TYPE_BINHEX", 0},
    {FileType::kTnef, "CL_TYPE_TNEF", 0},
    {FileType::kCryptFf, "CL_TYPE_CRYPTFF", 0},
    {FileType::kPdf, "CL_TYPE_PDF", 10},
    {FileType::kUuencoded, "CL_TYPE_UUENCODED", 0},
    {FileType::kScript, "CL_TYPE_SCRIPT", 7},
    {FileType::kHtml, "CL_TYPE_HTML", 3},
    {FileType::kHtmlUtf16, "CL_TYPE_HTML_UTF16", 3},
    {FileType::kRtf, "CL_TYPE_RTF", 0},
    {FileType::kSevenZip, "CL_TYPE_7Z", 0},
    {FileType::kSwf, "CL_TYPE_SWF", 11},
    {FileType::kJava, "CL_TYPE_JAVA", 12},
    {FileType::kXar, "CL_TYPE_XAR", 0},
    {FileType::kXz, "CL_TYPE_XZ", 0},
    {FileType::kOoxmlWord, "CL_TYPE_OOXML_WORD", 0},
    {FileType::kOoxmlPpt, "CL_TYPE_OOXML_PPT", 0},
    {FileType::kOoxmlXl, "CL_TYPE_OOXML_XL", 0},
    {FileType::kOoxmlHwp, "CL_TYPE_OOXML_HWP", 0},
    {FileType::kInternal, "CL_TYPE_INTERNAL", 13},
    {FileType::kHwp3, "CL_TYPE_HWP3", 0},
    {FileType::kXmlWord, "CL_TYPE_XML_WORD", 0},
    {FileType::kXmlXl, "CL_TYPE_XML_XL", 0},
    {FileType::kXmlHwp, "CL_TYPE_XML_HWP", 0},
    {FileType::kHwpOle2, "CL_TYPE_HWPOLE2", 0},
    {FileType::kXdp, "CL_TYPE_XDP", 0},
    {FileType::kPostScript, "CL_TYPE_PS", 0},
    {FileType::kEgg, "CL_TYPE_EGG", 0},
    {FileType::kOneNote, "CL_TYPE_ONENOTE", 0},
    {FileType::kLnk, "CL_TYPE_LNK", 0},
    {FileType::kUdf, "CL_TYPE_UDF", 0},
    {FileType::kAlz, "CL_TYPE_ALZ", 0},
    {FileType::kLhaLzh, "CL_TYPE_LHA_LZH", 0},
    {FileType::kPythonCompiled, "CL_TYPE_PYTHON_COMPILED", 14},
    {FileType::kMail, "CL_TYPE_MAIL", 4},
    {FileType::kSfx, "CL_TYPE_SFX", 0},
    {FileType::kZipSfx, "CL_TYPE_ZIPSFX", 0},
    {FileType::kRarSfx, "CL_TYPE_RARSFX", 0},
    {FileType::kSevenZipSfx, "CL_TYPE_7ZSFX", 0},
    {FileType::kCabSfx, "CL_TYPE_CABSFX", 0},
    {FileType::kArjSfx, "CL_TYPE_ARJSFX", 0},
    {FileType::kEggSfx, "CL_TYPE_EGGSFX", 0},
    {FileType::kNulsoft, "CL_TYPE_NULSFT", 0},
    {FileType::kAutoIt, "CL_TYPE_AUTOIT", 0},
    {FileType::kInstallShieldMsi, "CL_TYPE_ISHIELD_MSI", 0},
    {FileType::kIso9660, "CL_TYPE_ISO9660", 0},
    {FileType::kDmg, "CL_TYPE_DMG", 0},
    {FileType::kGpt, "CL_TYPE_GPT", 0},
    {FileType::kApm, "CL_TYPE_APM", 0},
    {FileType::kMbr, "CL_TYPE_MBR", 0},
    {FileType::kMhtml, "CL_TYPE_MHTML", 0},
    {FileType::kPartitionAny, "CL_TYPE_PART_ANY", 0},
    {FileType::kPartitionHfsPlus, "CL_TYPE_PART_HFSPLUS", 0},
});

constexpr bool IsInOrder() {
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (static_cast<size_t>(kTypes[i].type) != i) return false;
  }
  return true;
}
static_assert(IsInOrder());
static_assert(kTypes.back().type == kLastFileType);

const TypeRow& RowOf(FileType type) {
  const size_t index = static_cast<size_t>(type);
  assert(index < kTypes.size());
  return kTypes[index];
}

}  // namespace

uint8_t TargetOf(FileType type) { return RowOf(type).target; }

std::string_view TypeName(FileType type) { return RowOf(type).name; }

std::optional<FileType> TypeNamed(std::string_view name) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(),
                   [name](const TypeRow& row) { return row.name == name; });
  if (found == kTypes.end()) return std::nullopt;
  return found->type;
}

}  // namespace gatehouse
