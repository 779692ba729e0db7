#include "tests/signatures/oracle/signature_maker.h"

#include <algorithm>
#include <array>

#include "tests/signatures/oracle/pattern_maker.h"
#include "tests/signatures/oracle/slow_matcher.h"
#include "tests/signatures/oracle/text.h"

namespace gatehouse::oracle {
namespace {

constexpr std::string_view kEngine = "Engine:81-255";

std::string Number(uint64_t value) { return std::to_string(value); }

bool IsOneOf(std::string_view extension,
             const std::vector<std::string_view>& extensions) {
  return std::find(extensions.begin(), extensions.end(), extension) !=
         extensions.end();
}

bool IsHash(std::string_view extension) {
  return IsOneOf(extension, {"hdb", "hsb", "hdu", "hsu", "mdb", "msb", "imp",
                             "fp", "sfp"});
}

std::string TextOfRange(Dice& dice, uint64_t end) {
  const uint64_t min = dice.Below(end);
  return Number(min) + "-" + Number(min + dice.Below(end));
}

}  // namespace

const std::vector<std::string>& SignatureMaker::Extensions() {
  static const std::vector<std::string> extensions = {
      "hdb", "hsb", "hdu", "hsu", "mdb", "msb",  "imp", "fp",  "sfp", "ndb",
      "ndu", "db",  "ldb", "ldu", "ign", "ign2", "cdb", "ftm", "pwdb"};
  return extensions;
}

MadeLine SignatureMaker::Make(std::string_view extension,
                              std::string_view name) {
  const std::string named(name);
  if (IsHash(extension)) return MakeHash(extension, named);
  if (IsOneOf(extension, {"ndb", "ndu"})) {
    static const std::vector<std::string> levels = {"", "", ":81", ":81:255"};
    return {MakeNdb(named) + dice_.OneOf(levels), "", std::nullopt};
  }
  if (extension == "db") {
    return {named + "=" + MakePatternText(dice_, true), "", std::nullopt};
  }
  if (IsOneOf(extension, {"ldb", "ldu"})) {
    return {MakeLdb(named, std::string(kEngine)), "", std::nullopt};
  }
  if (extension == "ign") {
    return {"daily.ndb:" + Number(dice_.Between(1, 999)) + ":" + named, "",
            std::nullopt};
  }
  if (extension == "ign2") {
    const std::string digest =
        dice_.OneIn(2) ? ":" + DigestOf(MakeContent(dice_, 9), 32) : "";
    return {named + digest, "", std::nullopt};
  }
  if (extension == "cdb") return {MakeContainer(named), "", std::nullopt};
  if (extension == "ftm") return {MakeMagic(named), "", std::nullopt};
  const bool hex = dice_.OneIn(2);
  const std::string password = MakeContent(dice_, 3);
  return {named + ";" + std::string(kEngine) + ",Target:0;" +
              (hex ? "1;" + ToHex(password) : "0;pass" + ToHex(password)),
          "", std::nullopt};
}

MadeLine SignatureMaker::MakeHash(std::string_view extension,
                                  const std::string& name) {
  const std::string content = MakeContent(dice_, dice_.Between(1, 40));
  static const std::vector<size_t> digits = {32, 40, 64};
  // Only the length of a digest tells its algorithm, not the extension.
  std::string digest = DigestOf(content, dice_.OneOf(digits));
  if (dice_.OneIn(4)) {
    std::transform(digest.begin(), digest.end(), digest.begin(), [](char c) {
      return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    });
  }
  const bool wild = dice_.OneIn(5);
  const std::string size = wild ? "*" : Number(content.size());
  std::string levels = wild ? ":73" : "";
  if (!wild && dice_.OneIn(4)) levels = ":1";
  if (!levels.empty() && dice_.OneIn(2)) levels += ":255";
  const bool size_first = extension == "mdb" || extension == "msb";
  std::string text = size_first ? size : digest;
  text += ':';
  text += size_first ? digest : size;
  return {text + ":" + name + levels, "", content};
}

std::string SignatureMaker::MakeNdb(const std::string& name) {
  static const std::vector<int> targets = {0, 0, 0, 1, 2,  3,  4,
                                           5, 6, 7, 9, 10, 11, 12};
  const int target = dice_.OneOf(targets);
  const std::string shown =
      target == 0 && dice_.OneIn(4) ? "*" : std::to_string(target);
  return name + ":" + shown + ":" + MakeOffsetText(dice_, target) + ":" +
         MakePatternText(dice_, true);
}

std::string SignatureMaker::MakeLdb(const std::string& name,
                                    const std::string& engine) {
  static const std::vector<int> targets = {0, 0, 0, 0, 1, 6, 7, 9};
  const int target = dice_.OneOf(targets);
  std::string attributes = engine + ",Target:" + std::to_string(target);
  if (dice_.OneIn(6)) attributes += ",FileSize:" + TextOfRange(dice_, 300);
  if (dice_.OneIn(12)) attributes += ",Container:CL_TYPE_ZIP";
  if (dice_.OneIn(12)) {
    attributes += ",Intermediates:CL_TYPE_ZIP>CL_TYPE_ANY";
  }
  if (target == 1 || target == 6 || target == 9) {
    if (dice_.OneIn(4)) attributes += ",EntryPoint:" + TextOfRange(dice_, 900);
    if (dice_.OneIn(4)) attributes += ",NumberOfSections:1-5";
  }
  const size_t count = dice_.OneIn(40) ? 64 : dice_.Between(1, 6);
  std::string text =
      name + ";" + attributes + ";" + MakeLogicText(dice_, count);
  for (size_t index = 0; index < count; ++index) {
    text += ";" + MakeLdbSubsignature(index, target);
  }
  return text;
}

std::string SignatureMaker::MakeLdbSubsignature(size_t index, int target) {
  static const std::vector<std::string> compares = {
      "(>>2#ib1#=65)",    "(>>0x3#il2#>8256,<20000)",
      "(<<1#ib2#<16961)", "(>>1#hb2#=170)",
      "(>>2#hle4#>0)",    "(>>2#de3#<100)",
      "(0#ab4#>10)",      "(>>4#ib4#>1)",
      "(>>1#il8#<1)"};
  static const std::vector<std::string> regexes = {
      "/A+B/", "/[AB]{2,3} /i", "/^A.B/s", "/A;B/gr", "/a\\/b/", "/ B$/m"};
  if (index > 0 && dice_.OneIn(16)) {
    return Number(dice_.Below(index)) + dice_.OneOf(compares);
  }
  if (index > 0 && dice_.OneIn(16)) {
    const std::string offset =
        dice_.OneIn(3) ? Number(dice_.Below(20)) + ",40:" : "";
    return offset + Number(dice_.Below(index)) + dice_.OneOf(regexes);
  }
  if (index > 0 && dice_.OneIn(40)) {
    return "${" + TextOfRange(dice_, 9) + "}" + Number(dice_.Below(32)) + "$";
  }
  if (dice_.OneIn(60)) return "fuzzy_img#af2ad01ed42993c7#0";
  return MakeSubsignatureText(dice_, target);
}

// Name:ContainerType:ContainerSize:FileNameRegex:SizeInContainer:RealSize:
// IsEncrypted:FilePos:Res1:Res2[:levels]
std::string SignatureMaker::MakeContainer(const std::string& name) {
  static const std::vector<std::string> types = {
      "*", "CL_TYPE_ZIP", "CL_TYPE_RAR", "CL_TYPE_7Z", "CL_TYPE_MAIL"};
  static const std::vector<std::string> regexes = {"*", "\\.exe$", "^a.*b",
                                                   "[ab]+", "(a|b)c"};
  static const std::vector<std::string> encrypted = {"*", "0", "1"};
  const auto size = [this]() -> std::string {
    if (dice_.OneIn(2)) return "*";
    return dice_.OneIn(2) ? Number(dice_.Below(500)) : TextOfRange(dice_, 500);
  };
  const std::string type = dice_.OneOf(types);
  const bool has_checksum = type == "CL_TYPE_ZIP" || type == "CL_TYPE_RAR";
  std::string text = name + ":" + type + ":" + size() + ":";
  text += dice_.OneOf(regexes) + ":" + size() + ":" + size() + ":";
  text += dice_.OneOf(encrypted) + ":";
  text += dice_.OneIn(2) ? "*" : Number(dice_.Between(1, 5));
  text += has_checksum && dice_.OneIn(3) ? ":a1b2c3d4:*" : ":*:*";
  return text + (dice_.OneIn(3) ? ":81:255" : "");
}

// MagicType:Offset:Hex:Name:RequiredType:DetectedType[:levels]
std::string SignatureMaker::MakeMagic(const std::string& name) {
  static const std::vector<std::string> detected = {
      "CL_TYPE_ZIP", "CL_TYPE_PDF", "CL_TYPE_HTML", "CL_TYPE_IGNORED"};
  const bool direct = dice_.OneIn(2);
  std::string text = direct ? "0:" : "1:";
  text += direct ? Number(dice_.Below(8)) : MakeOffsetText(dice_, 0);
  text += ":" + (direct ? ToHex(MakeContent(dice_, 4))
                        : MakePatternText(dice_, false));
  text += ":" + name + ":CL_TYPE_ANY:" + dice_.OneOf(detected);
  return text + (dice_.OneIn(3) ? ":81:255" : "");
}

std::optional<MadeLine> SignatureMaker::MakeForOtherLevel(
    std::string_view extension, std::string_view name, uint64_t level) {
  const bool later = dice_.OneIn(2);
  const std::string min = later ? Number(level + dice_.Between(1, 9)) : "73";
  const std::string max =
      later ? "" : Number(level - std::min(level, dice_.Between(1, 9)));
  const std::string named(name);
  const std::string levels = ":" + min + (later ? "" : ":" + max);
  if (IsOneOf(extension, {"ldb", "ldu", "pwdb"})) {
    const std::string engine = "Engine:" + min + "-" + (later ? "999" : max);
    if (extension == "pwdb") {
      return MadeLine{named + ";" + engine + ",Target:0;0;secret",
                      "other-level", std::nullopt};
    }
    return MadeLine{MakeLdb(named, engine), "other-level", std::nullopt};
  }
  if (IsOneOf(extension, {"ndb", "ndu"})) {
    return MadeLine{MakeNdb(named) + levels, "other-level", std::nullopt};
  }
  if (IsHash(extension)) {
    MadeLine line = MakeHash(extension, "");
    // Without a name, "::" is where its levels begin, if it has any.
    if (const size_t at = line.text.find("::"); at != std::string::npos) {
      line.text.resize(at + 1);
    }
    line.text += named + levels;
    line.reason = "other-level";
    return line;
  }
  if (IsOneOf(extension, {"cdb", "ftm"})) {
    std::string text =
        extension == "cdb" ? MakeContainer(named) : MakeMagic(named);
    if (text.ends_with(":81:255")) text.resize(text.size() - 7);
    return MadeLine{text + levels, "other-level", std::nullopt};
  }
  return std::nullopt;
}

}  // namespace gatehouse::oracle
