// Fuzzes the reader of signature text. The first byte chooses the format and
// how the text is cut into parts, the rest is the text.
//
// Asserts that the report adds up, that the cuts do not matter, and that every
// loaded signature is what a slow parser that shares no code finds in its line.
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "signatures/clamav/signature_text.h"
#include "signatures/signature_compiler.h"

namespace {

using gatehouse::HashSignature;
using gatehouse::LineCounts;
using gatehouse::LoadReport;
using gatehouse::Signature;
using gatehouse::SignatureFormat;
using gatehouse::Signatures;

// Unlike assert, also there in release builds.
void Require(bool holds, const char* what) {
  if (holds) return;
  (void)std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

struct Loaded {
  Signatures signatures;
  LoadReport report;
};

// The formats whose signatures the slow parser can look for, and the others.
constexpr std::array<SignatureFormat, 11> kFormats = {
    SignatureFormat::kNdb,
    SignatureFormat::kHash,
    SignatureFormat::kLdb,
    SignatureFormat::kDb,
    SignatureFormat::kSectionHash,
    SignatureFormat::kImportHash,
    SignatureFormat::kAllowedHash,
    SignatureFormat::kIgnore,
    SignatureFormat::kFileType,
    SignatureFormat::kArchiveEntry,
    SignatureFormat::kArchivePassword,
};

Loaded Load(std::string_view text, SignatureFormat format, size_t part_bytes) {
  Loaded loaded;
  gatehouse::IgnoreList ignored;
  gatehouse::SignatureTextReader reader(
      "fuzz", {format, false, ""}, {},
      {loaded.signatures, loaded.report, ignored});
  for (; text.size() > part_bytes; text.remove_prefix(part_bytes)) {
    reader.Feed(text.substr(0, part_bytes));
  }
  reader.Feed(text);
  reader.Finish();
  return loaded;
}

// The slow parser: the lines and fields of a text, by the standard library.
std::vector<std::vector<std::string>> SlowFields(std::string_view text) {
  std::vector<std::vector<std::string>> lines;
  std::istringstream input{std::string(text)};
  std::string line;
  while (std::getline(input, line)) {
    while (!line.empty() && line.back() == '\r') line.pop_back();
    std::vector<std::string> fields;
    std::istringstream fields_input{line};
    std::string field;
    while (std::getline(fields_input, field, ':')) fields.push_back(field);
    lines.push_back(fields);
  }
  return lines;
}

std::string SlowHex(const uint8_t* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    char digits[3] = {};
    (void)std::snprintf(digits, sizeof(digits), "%02x", unsigned{bytes[i]});
    text += digits;
  }
  return text;
}

std::string LowerCase(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

std::string WithoutLeadingZeros(const std::string& number) {
  const size_t first = number.find_first_not_of('0');
  return first == std::string::npos ? "0" : number.substr(first);
}

// A plain literal is one operation, 01, and the count of its bytes.
bool Agrees(const Signature& signature,
            const std::vector<std::string>& fields) {
  if (fields.size() < 4 || fields[0] != signature.name) return false;
  const auto* pattern =
      std::get_if<gatehouse::PatternAtom>(&signature.atoms.front());
  if (pattern == nullptr || pattern->variants.size() != 1) return false;
  const std::string hex = LowerCase(fields[3]);
  if (hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return true;  // Wildcards: the matcher's oracle judges them.
  }
  const std::vector<uint8_t>& program = pattern->variants.front();
  return program.size() == 3 + hex.size() / 2 &&
         SlowHex(program.data() + 3, program.size() - 3) == hex;
}

bool Agrees(const HashSignature& signature,
            const std::vector<std::string>& fields) {
  if (fields.size() < 3 || fields[2] != signature.name) return false;
  const std::string size = signature.size == gatehouse::kAnySize
                               ? "*"
                               : std::to_string(signature.size);
  const std::string listed =
      fields[1] == "*" ? "*" : WithoutLeadingZeros(fields[1]);
  return listed == size &&
         LowerCase(fields[0]) ==
             SlowHex(signature.digest.data(),
                     gatehouse::DigestBytes(signature.algorithm));
}

// Signatures keep the order of their lines: one walk finds each one's line.
template <class Signature>
void RequireAgreement(const std::vector<Signature>& signatures,
                      const std::vector<std::vector<std::string>>& lines) {
  size_t line = 0;
  for (const Signature& signature : signatures) {
    while (line < lines.size() && !Agrees(signature, lines[line])) ++line;
    Require(line < lines.size(), "every signature stands in a line");
    ++line;
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const SignatureFormat format = kFormats.at(data[0] % kFormats.size());
  const size_t part_bytes = size_t{1} + data[0] / kFormats.size();
  const std::string text(data + 1, data + size);

  const Loaded whole = Load(text, format, text.size() + 1);
  const LineCounts counts = whole.report.Totals();
  Require(counts.lines == counts.loaded + counts.skipped() + counts.malformed,
          "lines == loaded + skipped + malformed");
  Require(whole.report.problems.size() + whole.report.problems_left_out ==
              counts.malformed,
          "every malformed line is reported");
  const Signatures& loaded = whole.signatures;
  const size_t kept = loaded.bodies.size() + loaded.hashes.size() +
                      loaded.section_hashes.size() +
                      loaded.import_hashes.size() +
                      loaded.allowed_hashes.size() + loaded.magics.size();
  Require(format == SignatureFormat::kIgnore || counts.loaded == kept,
          "every loaded line is a signature");
  const auto magics = gatehouse::PackMagics(loaded.magics);
  Require(gatehouse::OpenMagics(magics.records, magics.codes).has_value(),
          "its magics are right");
  // What the text can say, the compiler takes.
  if (loaded.bodies.size() < 64) {
    static const auto rates = gatehouse::LiteralRates::BuiltIn();
    const auto compiled = gatehouse::CompileTables(loaded.bodies, 8, rates);
    Require(compiled.has_value(), "it compiles");
    const auto buffer = gatehouse::PackTables(compiled->tables);
    Require(gatehouse::OpenTables(buffer).has_value(), "its tables are right");
  }

  const Loaded parts = Load(text, format, part_bytes);
  const LineCounts parts_counts = parts.report.Totals();
  Require(counts.lines == parts_counts.lines &&
              counts.loaded == parts_counts.loaded &&
              counts.skipped() == parts_counts.skipped(),
          "the cuts do not matter");

  const auto lines = SlowFields(text);
  if (format == SignatureFormat::kNdb) RequireAgreement(loaded.bodies, lines);
  if (format == SignatureFormat::kHash) RequireAgreement(loaded.hashes, lines);
  return 0;
}
