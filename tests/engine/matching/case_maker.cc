#include "tests/engine/matching/case_maker.h"

#include <algorithm>
#include <optional>

#include "signatures/clamav/signature_line.h"
#include "tests/signatures/oracle/carrier.h"
#include "tests/signatures/oracle/executable_builder.h"
#include "tests/signatures/oracle/fragment.h"
#include "tests/signatures/oracle/instance_maker.h"
#include "tests/signatures/oracle/pattern_maker.h"

namespace gatehouse {
namespace {

using oracle::Dice;
using oracle::Subject;

constexpr size_t kMacroGroups = 2;  // Few, so that they meet.

std::string Number(uint64_t value) { return std::to_string(value); }

// Where a piece is likely to be looked for.
uint64_t PlaceIn(Dice& dice, const oracle::Executable& file) {
  const uint64_t near = dice.Below(20);
  switch (dice.Below(5)) {
    case 0:
      return file.entry_point + near;
    case 1:
      return file.entry_point - std::min(file.entry_point, near);
    case 2:
      return dice.OneOf(file.sections).raw_offset + near;
    case 3:
      return file.bytes.size() - std::min(file.bytes.size(), 2 * near);
    default:
      return dice.Below(file.bytes.size());
  }
}

// Behind the headers, whose other bytes mean something, too.
uint64_t Behind(uint64_t place, const oracle::Executable& file) {
  return std::max(place, file.sections.front().raw_offset);
}

void Overlay(std::string& bytes, const std::vector<bool>& fixed, uint64_t at,
             const std::string& piece) {
  for (size_t index = 0; index < piece.size(); ++index) {
    const uint64_t place = at + index;
    if (place >= bytes.size()) return;
    if (place < fixed.size() && fixed[place]) continue;
    bytes[place] = piece[index];
  }
}

}  // namespace

std::vector<MatchingLine> CaseMaker::MakeLines(size_t count) {
  std::vector<MatchingLine> lines;
  for (size_t index = 0; index < count; ++index) {
    // Names whose order is not that of the lines.
    lines.push_back(
        MakeLine("T" + Number(index * 7 % (count + 1)) + "." + Number(index)));
  }
  return lines;
}

MatchingLine CaseMaker::MakeLine(const std::string& name) {
  static const std::vector<std::string> extensions = {
      "ndb", "ndb", "ndu", "db", "ldb", "ldb", "ldb", "ldu"};
  MatchingLine line;
  line.extension = dice().OneOf(extensions);
  const bool is_logical = line.extension.starts_with('l');
  const std::string_view extension = line.extension;
  if (dice().OneIn(40)) {
    line.text = maker_.MakeMalformed(extension, name).text;
  } else if (dice().OneIn(40) && extension != "db") {
    line.text =
        maker_.MakeForOtherLevel(extension, name, kFunctionalityLevel)->text;
  } else if (is_logical && dice().OneIn(3)) {
    line.text = MakeSpecialLogical(name);
  } else if (extension == "ndb" && dice().OneIn(8)) {
    line.text = name + ":0:$" + Number(dice().Below(kMacroGroups)) +
                "$:" + oracle::MakePatternText(dice(), true);
  } else if (extension == "ndb" && dice().OneIn(3)) {
    line.text = name + ":0:" + oracle::MakeOffsetText(dice(), 0) + ":" +
                MakeLongPattern(true);
  } else {
    line.text = maker_.Make(extension, name).text;
  }
  if (dice().OneIn(12)) line.text = Changed(line.text);
  return line;
}

std::string CaseMaker::MakeLongPattern(bool negations) {
  static const std::vector<std::string> bytes = {"41", "42", "20", "61", "7a"};
  static const std::vector<std::string> between = {
      "??",  "4?",   "?1",   "*",         "{3}",        "{200}",     "{0-40}",
      "(B)", "!(L)", "{-9}", "(41|6142)", "(20|4?|7a)", "{20-1000}", "{9-}"};
  const auto literal = [&] {
    std::string text;
    for (uint64_t left = dice().Between(3, 30); left > 0; --left) {
      text += dice().OneOf(bytes);
    }
    return text;
  };
  std::string text = literal();
  for (uint64_t more = dice().Below(4); more > 0; --more) {
    text += negations && dice().OneIn(8) ? "!(41|20)" : dice().OneOf(between);
    text += literal();
  }
  return text;
}

// What the maker of lines has few of: macros that have a group, and numbers.
std::string CaseMaker::MakeSpecialLogical(const std::string& name) {
  static const std::vector<int> targets = {0, 0, 0, 1, 6, 7};
  const int target = dice().OneOf(targets);
  const size_t count = dice().Between(1, 5);
  std::string text =
      name + ";Engine:81-255,Target:" + Number(static_cast<uint64_t>(target));
  if (dice().OneIn(5)) {
    const uint64_t min = dice().Below(200);
    text += ",FileSize:" + Number(min) + "-" + Number(min + dice().Below(900));
  }
  text += ";" + oracle::MakeLogicText(dice(), count);
  for (size_t index = 0; index < count; ++index) {
    text += ';';
    if (index > 0 && dice().OneIn(2)) {
      text += MakeByteCompare(index);
    } else if (index > 0 && dice().OneIn(4)) {
      const uint64_t min = dice().Below(8);
      text += "${" + Number(min) + "-" + Number(min + dice().Below(12)) + "}" +
              Number(dice().Below(kMacroGroups)) + "$";
    } else if (dice().OneIn(3)) {
      static const std::vector<std::string> flags = {"",    "::i",  "::w",
                                                     "::f", "::wa", "::iwfa"};
      const std::string& flag = dice().OneOf(flags);
      text += MakeLongPattern(flag.empty()) + flag;
    } else {
      text += oracle::MakeSubsignatureText(dice(), target);
    }
  }
  return text;
}

std::string CaseMaker::MakeByteCompare(size_t index) {
  static const std::vector<std::string> directions = {">>", ">>", "<<"};
  static const std::vector<std::string> forms = {
      "h", "hl", "hb", "he", "hle", "d",  "db", "de",
      "a", "al", "ab", "ae", "i",   "il", "ib", "ibe"};
  static const std::vector<std::string> values = {
      "0",  "1",   "10",   "16",     "65",    "66",         "97",
      "26", "170", "0x41", "0x4142", "16705", "0x42414241", "4294967296"};
  static const std::vector<std::string> signs = {"=", "<", ">"};
  const auto condition = [&] {
    return dice().OneOf(signs) + dice().OneOf(values);
  };
  const std::string form = dice().OneOf(forms);
  const uint64_t bytes =
      form[0] == 'i' ? uint64_t{1} << dice().Below(4) : dice().Between(1, 9);
  std::string text = Number(dice().Below(index)) + "(";
  text += dice().OneIn(6) ? "0"
                          : dice().OneOf(directions) + Number(dice().Below(9));
  text += "#" + form + Number(bytes) + "#" + condition();
  return text + (dice().OneIn(3) ? "," + condition() + ")" : ")");
}

// One character is another, or missing, or there twice.
std::string CaseMaker::Changed(std::string text) {
  static const std::string letters = "0148Aaf?*(){}[]|!-,:;&=<>#$/BLWEPS";
  const size_t at = dice().Below(text.size());
  switch (dice().Below(3)) {
    case 0:
      text[at] = letters[dice().Below(letters.size())];
      break;
    case 1:
      text.erase(at, 1);
      break;
    default:
      text.insert(at, 1, text[at]);
      break;
  }
  return text;
}

std::string CaseMaker::MakePiece(
    const std::vector<oracle::Signature>& signatures) {
  static const std::vector<std::string> numbers = {
      "0",    "1",  "10", "0x1A", "65",       "41",
      "4142", "aa", "0x", "-3",   "999999999"};
  if (signatures.empty() || dice().OneIn(3)) {
    return oracle::MakeContent(dice(), dice().Below(14));
  }
  if (dice().OneIn(8)) return dice().OneOf(numbers);
  const oracle::Signature& signature = dice().OneOf(signatures);
  const oracle::Subsignature& one = dice().OneOf(signature.subsignatures);
  if (one.variants.empty()) return "A";
  oracle::FragmentStyle style;
  style.filler = std::string("\0A aZ", 5)[dice().Below(5)];
  style.lower_case = dice().OneIn(2);
  style.pick = dice().Below(5);
  style.gap_extra = dice().Below(4);
  std::string bytes =
      oracle::MakeFragment(dice().OneOf(one.variants), style).bytes;
  if (!bytes.empty() && dice().OneIn(5)) {
    bytes[dice().Below(bytes.size())] = "AB aZ"[dice().Below(5)];
  }
  return bytes;
}

std::string CaseMaker::MakeSoup(
    const std::vector<oracle::Signature>& signatures) {
  std::string soup;
  for (uint64_t pieces = dice().Below(8); pieces > 0; --pieces) {
    soup += MakePiece(signatures);
  }
  return soup;
}

Subject CaseMaker::MakePlain(const std::vector<oracle::Signature>& signatures) {
  static const std::vector<size_t> sizes = {4, 20, 100, 100, 400, 400, 3000};
  std::string bytes;
  int target = 0;
  if (dice().OneIn(2)) {
    target = static_cast<int>(dice().Below(15));
    const auto carriers = oracle::CarriersFor(target);
    if (!carriers.empty()) bytes = dice().OneOf(carriers).head;
  }
  bytes += dice().OneIn(3)
               ? oracle::MakeContent(dice(), dice().Below(dice().OneOf(sizes)))
               : MakeSoup(signatures);
  if (dice().OneIn(3)) return SubjectOfFile(std::move(bytes));
  // Whatever it is, it is judged as one of that type.
  Subject subject;
  subject.bytes = std::move(bytes);
  subject.target = target;
  return subject;
}

Subject CaseMaker::MakeExecutable(
    const std::vector<oracle::Signature>& signatures) {
  static const std::vector<int> targets = {1, 6, 9};
  oracle::ExecutableLayout layout;
  layout.target = dice().OneOf(targets);
  layout.section_bytes.assign(dice().Between(1, 3), 0x100);
  layout.entry_in_first_section = dice().Below(0x1f0);
  const oracle::Executable file = oracle::BuildExecutable(layout);
  Subject subject;
  subject.bytes = file.bytes;
  subject.target = layout.target;
  subject.entry_point = file.entry_point;
  subject.sections = file.sections;
  for (uint64_t pieces = dice().Below(10); pieces > 0; --pieces) {
    Overlay(subject.bytes, file.fixed, Behind(PlaceIn(dice(), file), file),
            MakePiece(signatures));
  }
  if (dice().OneIn(3)) subject.bytes += MakeSoup(signatures);
  return subject;
}

Subject CaseMaker::MakeSubject(
    const std::vector<oracle::Signature>& signatures) {
  if (dice().OneIn(5)) return MakeExecutable(signatures);
  if (!signatures.empty() && dice().OneIn(12)) {
    const auto made = oracle::MakeInstance(dice().OneOf(signatures));
    if (!oracle::IsFailure(made)) {
      const auto& instance = std::get<oracle::Instance>(made);
      return dice().OneIn(2) && instance.broken ? *instance.broken
                                                : instance.matching;
    }
  }
  return MakePlain(signatures);
}

Subject CaseMaker::MakeLargeSubject(
    const std::vector<oracle::Signature>& signatures, size_t block_bytes) {
  Subject subject;
  subject.bytes.assign(dice().Between(200'000, 800'000), '\xee');
  for (int pieces = 0; pieces < 12; ++pieces) {
    const std::string soup = MakeSoup(signatures);
    const uint64_t border = block_bytes * dice().Between(0, 3);
    const uint64_t before = std::min(border, dice().Below(soup.size() + 2));
    Overlay(subject.bytes, {}, border - before, soup);
  }
  const std::string last = MakePiece(signatures);
  subject.bytes += last;
  return subject;
}

}  // namespace gatehouse
